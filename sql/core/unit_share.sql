/*
By which weights units of value share what several of them bear: what their own requests cost, and what no outcome names by their quantity.

grain: one row per day of the book, unit of value, and team, tenant, feature, environment, model and experiment arm of the cost
key: [day, unit, team, tenant, feature, environment, model, experiment_arm]
daily: true
book_days: true
must:
  - share >= 0 and share <= whole and whole > 0
*/
with linked as (
    select
        linked.request_book_day as day, linked.unit, coalesce(linked.tenant, '(none)') as tenant, coalesce(linked.feature, '(none)') as feature,
        coalesce(linked.environment, '(none)') as environment, coalesce(linked.model, '(none)') as model,
        coalesce(linked.experiment_arm, '(none)') as experiment_arm,
        cast(div_trunc(to_pico(coalesce(sum(linked.cost_usd), 0)), 1000) as decimal(18,0)) as nano
    from core.outcome_request as linked
    -- Of outcomes of the same day: those of the next are not known yet.
    where linked.request_book_day = linked.book_day and linked.book_day >= getvariable('from_day') and linked.book_day < getvariable('to_day')
    group by linked.request_book_day, linked.unit, coalesce(linked.tenant, '(none)'), coalesce(linked.feature, '(none)'),
        coalesce(linked.environment, '(none)'), coalesce(linked.model, '(none)'), coalesce(linked.experiment_arm, '(none)')
),
counted as (
    select count.day, count.unit, cast(sum(count.units) as decimal(18,0)) as units
    from core.unit_count as count
    where count.day >= getvariable('from_day') and count.day < getvariable('to_day')
    group by count.day, count.unit
),
met as (
    select
        bearer.*, coalesce(linked.nano, cast(0 as decimal(18,0))) as nano, coalesce(counted.units, cast(0 as decimal(18,0))) as units,
        -- Units that see the same cost anew share with nobody.
        case when bearer.is_part then '' else bearer.unit end as rival
    from core.unit_bearer as bearer
    left join linked on linked.day = bearer.day and linked.unit = bearer.unit and linked.tenant = bearer.tenant
        and linked.feature = bearer.feature and linked.environment = bearer.environment and linked.model = bearer.model
        and linked.experiment_arm = bearer.experiment_arm
    left join counted on counted.day = bearer.day and counted.unit = bearer.unit
    where bearer.day >= getvariable('from_day') and bearer.day < getvariable('to_day')
),
summed as (
    select
        met.*, count(*) over same_cost as rivals, cast(sum(met.nano) over same_cost as decimal(18,0)) as all_nano,
        cast(sum(met.units) over same_cost as decimal(18,0)) as all_units
    from met
    window same_cost as (partition by met.day, met.rival, met.team, met.tenant, met.feature, met.environment, met.model, met.experiment_arm)
),
weighed as (
    select
        summed.*, summed.nano + case when summed.all_nano >= summed.api_nano then 0
            when summed.all_units > 0 then div_trunc((summed.api_nano - summed.all_nano) * summed.units, summed.all_units)
            else div_trunc(summed.api_nano - summed.all_nano, summed.rivals) end as weight
    from summed
),
whole as (
    select
        weighed.*, sum(weighed.weight) over (
            partition by weighed.day, weighed.rival, weighed.team, weighed.tenant, weighed.feature, weighed.environment, weighed.model,
                weighed.experiment_arm
        ) as all_weights
    from weighed
)
select
    whole.day, whole.unit, whole.is_part, whole.rival, whole.team, whole.tenant, whole.feature, whole.environment, whole.model, whole.experiment_arm,
    cast(case when whole.all_weights > 0 then whole.weight when whole.all_units > 0 then whole.units else 1 end as decimal(18,0)) as share,
    cast(case when whole.all_weights > 0 then whole.all_weights when whole.all_units > 0 then whole.all_units else whole.rivals end
        as decimal(18,0)) as whole
from whole
