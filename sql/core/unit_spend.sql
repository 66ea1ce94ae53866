/*
The fully loaded cost as units of value bear it: those of named features and '(no unit)' sum to marts.cost, the others see it anew.

grain: one row per day of the book, unit of value, and team, tenant, feature, environment, model and experiment arm of the cost
key: [day, unit, team, tenant, feature, environment, model, experiment_arm]
daily: true
*/
with cost as (
    select
        cost.day, cost.team, cost.tenant, cost.feature, cost.environment, cost.model, cost.experiment_arm, kind.kind,
        to_pico(case kind.kind when 'api' then cost.api_cost_usd when 'gpu' then cost.gpu_cost_usd else cost.shared_cost_usd end) as pico
    from core.loaded_cost as cost
    inner join (select 'api' as kind union all select 'gpu' as kind union all select 'shared' as kind) as kind on true
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
),
share as (
    select
        share.day, share.unit, share.is_part, share.rival, share.team, share.tenant, share.feature, share.environment, share.model,
        share.experiment_arm, share.share, share.whole
    from core.unit_share as share
    where share.day >= getvariable('from_day') and share.day < getvariable('to_day')
),
borne as (
    select distinct share.day, share.team, share.tenant, share.feature, share.environment, share.model, share.experiment_arm
    from share
    where share.is_part
),
met as (
    select cost.*, share.unit, share.is_part, share.rival, share.share, share.whole, cast(abs(cost.pico) as decimal(19,0)) as positive
    from cost
    inner join share on share.day = cost.day and share.team = cost.team and share.tenant = cost.tenant and share.feature = cost.feature
        and share.environment = cost.environment and share.model = cost.model and share.experiment_arm = cost.experiment_arm
),
ranked as (
    select
        met.*, div_trunc(met.positive * met.share, met.whole) as least,
        row_number() over (
            partition by met.day, met.rival, met.team, met.tenant, met.feature, met.environment, met.model, met.experiment_arm, met.kind
            order by (met.positive * met.share) % met.whole desc, met.unit
        ) as place,
        met.positive - sum(div_trunc(met.positive * met.share, met.whole)) over (
            partition by met.day, met.rival, met.team, met.tenant, met.feature, met.environment, met.model, met.experiment_arm, met.kind
        ) as left_over
    from met
),
part as (
    select
        ranked.day, ranked.unit, ranked.is_part, ranked.team, ranked.tenant, ranked.feature, ranked.environment, ranked.model,
        ranked.experiment_arm, ranked.kind,
        (ranked.least + case when ranked.place <= ranked.left_over then 1 else 0 end) * case when ranked.pico < 0 then -1 else 1 end as pico
    from ranked
    union all
    select
        cost.day, '(no unit)' as unit, true as is_part, cost.team, cost.tenant, cost.feature, cost.environment, cost.model, cost.experiment_arm,
        cost.kind, cost.pico
    from cost
    left join borne on borne.day = cost.day and borne.team = cost.team and borne.tenant = cost.tenant and borne.feature = cost.feature
        and borne.environment = cost.environment and borne.model = cost.model and borne.experiment_arm = cost.experiment_arm
    where borne.day is null
)
select
    part.day, part.unit, part.is_part, part.team, part.tenant, part.feature, part.environment, part.model, part.experiment_arm,
    to_usd(sum(case when part.kind = 'api' then part.pico else 0 end)) as api_cost_usd,
    to_usd(sum(case when part.kind = 'gpu' then part.pico else 0 end)) as gpu_cost_usd,
    to_usd(sum(case when part.kind = 'shared' then part.pico else 0 end)) as shared_cost_usd, to_usd(sum(part.pico)) as cost_usd
from part
group by part.day, part.unit, part.is_part, part.team, part.tenant, part.feature, part.environment, part.model, part.experiment_arm
