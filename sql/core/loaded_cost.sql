/*
The fully loaded cost of features by what their requests are of: tenant, environment, model and experiment arm; sums to marts.cost.

grain: one row per day of the book, team, tenant, feature, environment, model and experiment arm
key: [day, team, tenant, feature, environment, model, experiment_arm]
daily: true
book_days: true
*/
with amount as (
    select cost.day, cost.team, cost.tenant, cost.feature, 'api' as kind, to_pico(cost.api_cost_usd) as pico from core.feature_cost as cost
    union all
    select cost.day, cost.team, cost.tenant, cost.feature, 'gpu' as kind, to_pico(cost.gpu_cost_usd) as pico from core.feature_cost as cost
    union all
    select cost.day, cost.team, cost.tenant, cost.feature, 'shared' as kind, to_pico(cost.shared_cost_usd) as pico from core.feature_cost as cost
),
-- In nano-dollars, so that products fit.
cell as (
    select
        spend.book_day as day, spend.tenant, spend.feature, spend.environment, spend.model, spend.experiment_arm,
        cast(div_trunc(to_pico(sum(spend.cost_usd)), 1000) as decimal(18,0)) as nano, cast(sum(spend.requests) as decimal(18,0)) as requests
    from core.feature_spend as spend
    where spend.book_day >= getvariable('from_day') and spend.book_day < getvariable('to_day')
    group by spend.book_day, spend.tenant, spend.feature, spend.environment, spend.model, spend.experiment_arm
),
-- What requests cost is theirs; GPUs and shared cost are spread by it over the feature, over one tenant where the line names one.
met as (
    select
        amount.day, amount.team, amount.feature, amount.kind, amount.tenant as line_tenant, amount.pico, coalesce(cell.tenant, amount.tenant) as tenant,
        coalesce(cell.environment, '(none)') as environment, coalesce(cell.model, '(none)') as model,
        coalesce(cell.experiment_arm, '(none)') as experiment_arm, coalesce(cell.nano, 0) as nano, coalesce(cell.requests, 0) as requests,
        sum(coalesce(cell.nano, 0)) over (partition by amount.day, amount.team, amount.tenant, amount.feature, amount.kind) as all_nano,
        sum(coalesce(cell.requests, 0)) over (partition by amount.day, amount.team, amount.tenant, amount.feature, amount.kind) as all_requests
    from amount
    left join cell on cell.day = amount.day and cell.feature = amount.feature and (amount.kind = 'api' or amount.feature <> '(none)')
        and (cell.tenant = amount.tenant or (amount.kind <> 'api' and amount.tenant = '(none)'))
    where amount.day >= getvariable('from_day') and amount.day < getvariable('to_day') and amount.pico <> 0
),
weighed as (
    select
        met.*, cast(abs(met.pico) as decimal(19,0)) as positive,
        cast(case when met.all_nano > 0 then met.nano when met.all_requests > 0 then met.requests else 1 end as decimal(18,0)) as weight,
        cast(case when met.all_nano > 0 then met.all_nano when met.all_requests > 0 then met.all_requests
            else count(*) over (partition by met.day, met.team, met.line_tenant, met.feature, met.kind) end as decimal(18,0)) as whole
    from met
),
ranked as (
    select
        weighed.*, div_trunc(weighed.positive * weighed.weight, weighed.whole) as least,
        row_number() over (
            partition by weighed.day, weighed.team, weighed.line_tenant, weighed.feature, weighed.kind
            order by (weighed.positive * weighed.weight) % weighed.whole desc, weighed.tenant, weighed.environment, weighed.model, weighed.experiment_arm
        ) as place,
        weighed.positive - sum(div_trunc(weighed.positive * weighed.weight, weighed.whole)) over (
            partition by weighed.day, weighed.team, weighed.line_tenant, weighed.feature, weighed.kind
        ) as left_over
    from weighed
),
part as (
    select
        ranked.*, (ranked.least + case when ranked.place <= ranked.left_over then 1 else 0 end) * case when ranked.pico < 0 then -1 else 1 end as part
    from ranked
)
select
    part.day, part.team, part.tenant, part.feature, part.environment, part.model, part.experiment_arm,
    to_usd(sum(case when part.kind = 'api' then part.part else 0 end)) as api_cost_usd,
    to_usd(sum(case when part.kind = 'gpu' then part.part else 0 end)) as gpu_cost_usd,
    to_usd(sum(case when part.kind = 'shared' then part.part else 0 end)) as shared_cost_usd, to_usd(sum(part.part)) as cost_usd
from part
group by part.day, part.team, part.tenant, part.feature, part.environment, part.model, part.experiment_arm
