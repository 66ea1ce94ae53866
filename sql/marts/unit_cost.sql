/*
Units of business value with their quality, and the whole cost of the feature that delivers them; ratios are left to display.

grain: one row per day and unit of value
key: [day, unit]
daily: true
book_days: true
must:
  - successes <= units
*/
with delivered as (
    select
        outcome.book_day as day, outcome.unit, max(outcome.feature) as feature, cast(sum(outcome.quantity) as bigint) as units,
        cast(sum(case when outcome.is_success then outcome.quantity else 0 end) as bigint) as successes,
        cast(sum(case when outcome.is_escalated then outcome.quantity else 0 end) as bigint) as escalations,
        count(outcome.quality_score) as quality_count, cast(sum(outcome.quality_score) as decimal(38,6)) as quality_sum
    from core.outcome as outcome
    where outcome.book_day >= getvariable('from_day') and outcome.book_day < getvariable('to_day')
    group by outcome.book_day, outcome.unit
),
named as (
    select
        delivered.*, unit.label, unit.target_usd, case when unit.unit is null then delivered.feature else unit.feature end as carrier
    from delivered
    left join book.unit as unit on unit.unit = delivered.unit
),
cost as (
    select cost.day, cost.feature, sum(cost.cost_usd) as cost_usd from marts.cost as cost group by cost.day, cost.feature
),
whole as (
    select cost.day, sum(cost.cost_usd) as cost_usd from cost group by cost.day
)
select
    named.day, named.unit, coalesce(named.label, named.unit) as label, coalesce(named.carrier, '(all)') as feature, named.units,
    named.successes, named.escalations, named.quality_count, named.quality_sum,
    cast(coalesce(case when named.carrier is null then whole.cost_usd else cost.cost_usd end, 0) as decimal(38,12)) as cost_usd,
    named.target_usd
from named
left join cost on cost.day = named.day and cost.feature = named.carrier
left join whole on whole.day = named.day
