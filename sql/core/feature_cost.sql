/*
What each feature cost fully loaded: models, GPUs, and its part of what its team bears for no feature of its own.

grain: one row per day of the book, team, tenant and feature
key: [day, team, tenant, feature]
daily: true
*/
-- Work that nobody named a feature for stays there, and bears its part as the features do: only what is no work is carried.
with line as (
    select
        allocation.day, allocation.team, allocation.tenant, allocation.feature,
        case when allocation.line = 'Model usage' then 'api' when allocation.line like 'GPU %' then 'gpu' else 'shared' end as kind,
        allocation.line in ('Model usage', 'GPU used', 'GPU warm idle') as is_work, to_pico(allocation.cost_usd) as pico
    from core.allocation as allocation
    where allocation.day >= getvariable('from_day') and allocation.day < getvariable('to_day')
),
-- In nano-dollars, so that products fit.
work as (
    select line.day, line.team, line.feature, cast(div_trunc(sum(line.pico), 1000) as decimal(18,0)) as weight
    from line
    where line.is_work
    group by line.day, line.team, line.feature
    having sum(line.pico) >= 1000
),
whole as (
    select work.day, work.team, cast(sum(work.weight) as decimal(18,0)) as weight from work group by work.day, work.team
),
borne as (
    select line.day, line.team, line.kind, sum(line.pico) as pico
    from line
    where not line.is_work and line.feature = '(none)'
    group by line.day, line.team, line.kind
),
ranked as (
    select
        borne.day, borne.team, borne.kind, work.feature, borne.pico as whole_pico,
        div_trunc(cast(abs(borne.pico) as decimal(19,0)) * work.weight, whole.weight) as least,
        row_number() over (
            partition by borne.day, borne.team, borne.kind
            order by (cast(abs(borne.pico) as decimal(19,0)) * work.weight) % whole.weight desc, work.feature
        ) as place,
        abs(borne.pico) - sum(div_trunc(cast(abs(borne.pico) as decimal(19,0)) * work.weight, whole.weight)) over (
            partition by borne.day, borne.team, borne.kind
        ) as left_over
    from borne
    inner join whole on whole.day = borne.day and whole.team = borne.team
    inner join work on work.day = borne.day and work.team = borne.team
),
part as (
    select line.day, line.team, line.tenant, line.feature, line.kind, line.pico
    from line
    left join whole on whole.day = line.day and whole.team = line.team
    where line.is_work or line.feature <> '(none)' or whole.team is null
    union all
    select
        ranked.day, ranked.team, '(none)' as tenant, ranked.feature, ranked.kind,
        (ranked.least + case when ranked.place <= ranked.left_over then 1 else 0 end) * case when ranked.whole_pico < 0 then -1 else 1 end as pico
    from ranked
)
select
    part.day, part.team, part.tenant, part.feature, to_usd(sum(case when part.kind = 'api' then part.pico else 0 end)) as api_cost_usd,
    to_usd(sum(case when part.kind = 'gpu' then part.pico else 0 end)) as gpu_cost_usd,
    to_usd(sum(case when part.kind = 'shared' then part.pico else 0 end)) as shared_cost_usd, to_usd(sum(part.pico)) as cost_usd
from part
group by part.day, part.team, part.tenant, part.feature
