/*
What each arm of an experiment delivered, with which quality, and what all of its requests cost, failed and retried ones included.

grain: one row per day, unit of value, feature, tenant and arm
key: [day, unit, feature, tenant, experiment_arm]
daily: true
book_days: true
must:
  - successes <= units
  - unpriced_requests <= requests
*/
-- Cost is of the day of the request, units are of the day of their outcome: what an arm spent is all there, whether it delivered or not.
with delivered as (
    select
        outcome.book_day as day, outcome.unit, outcome.feature, outcome.tenant, outcome.experiment_arm,
        cast(sum(outcome.quantity) as bigint) as units,
        cast(sum(case when outcome.is_success then outcome.quantity else 0 end) as bigint) as successes,
        cast(sum(case when outcome.is_escalated then outcome.quantity else 0 end) as bigint) as escalations,
        count(outcome.quality_score) as quality_count, cast(sum(outcome.quality_score) as decimal(38,6)) as quality_sum,
        cast(sum(outcome.quality_score * outcome.quality_score) as decimal(38,12)) as quality_sum_of_squares
    from core.outcome_cost as outcome
    where outcome.book_day >= getvariable('from_day') and outcome.book_day < getvariable('to_day')
        and outcome.experiment_arm not in ('', '(none)')
    group by outcome.book_day, outcome.unit, outcome.feature, outcome.tenant, outcome.experiment_arm
),
-- A feature that delivers one unit only: its requests are for that.
carried as (
    select unit.feature, max(unit.unit) as unit from book.unit as unit where unit.feature is not null group by unit.feature having count(*) = 1
),
spent as (
    select
        cost.book_day as day, coalesce(cost.feature, '(none)') as feature, coalesce(cost.tenant, '(none)') as tenant, cost.experiment_arm,
        count(*) as requests, count(*) - count(cost.cost_usd) as unpriced_requests, cast(sum(cost.cost_usd) as decimal(38,12)) as cost_usd
    from core.request_cost as cost
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day') and cost.experiment_arm <> ''
    group by cost.book_day, coalesce(cost.feature, '(none)'), coalesce(cost.tenant, '(none)'), cost.experiment_arm
),
either as (
    select
        delivered.day, delivered.unit, delivered.feature, delivered.tenant, delivered.experiment_arm, delivered.units, delivered.successes,
        delivered.escalations, delivered.quality_count, coalesce(delivered.quality_sum, 0) as quality_sum,
        coalesce(delivered.quality_sum_of_squares, 0) as quality_sum_of_squares, 0 as requests, 0 as unpriced_requests, 0 as cost_usd
    from delivered
    union all
    select
        spent.day, coalesce(carried.unit, '(none)') as unit, spent.feature, spent.tenant, spent.experiment_arm, 0 as units, 0 as successes,
        0 as escalations, 0 as quality_count, 0 as quality_sum, 0 as quality_sum_of_squares, spent.requests, spent.unpriced_requests,
        coalesce(spent.cost_usd, 0) as cost_usd
    from spent
    left join carried on carried.feature = spent.feature
)
select
    either.day, either.unit, either.feature, either.tenant, either.experiment_arm, cast(sum(either.units) as bigint) as units,
    cast(sum(either.successes) as bigint) as successes, cast(sum(either.escalations) as bigint) as escalations,
    cast(sum(either.quality_count) as bigint) as quality_count, cast(sum(either.quality_sum) as decimal(38,6)) as quality_sum,
    cast(sum(either.quality_sum_of_squares) as decimal(38,12)) as quality_sum_of_squares, cast(sum(either.requests) as bigint) as requests,
    cast(sum(either.unpriced_requests) as bigint) as unpriced_requests, cast(sum(either.cost_usd) as decimal(38,12)) as cost_usd
from either
group by either.day, either.unit, either.feature, either.tenant, either.experiment_arm
