/*
What the planned units of value of the rest of a month cost, at what one cost in the last 28 days.

grain: one row per day and feature whose unit has a plan and was delivered in these days
key: [day, feature]
daily: true
lookback_days: 28
must:
  - cost_usd >= 0 or recent_usd < 0
*/
with recent as (
    select calendar.day, plan.unit, plan.feature, sum(unit.successes) as units
    from (select distinct unit_plan.unit, unit_plan.feature from book.unit_plan as unit_plan) as plan
    inner join marts.unit_cost as unit on unit.unit = plan.unit
    inner join book.day as calendar on unit.day > calendar.day - 28 and unit.day <= calendar.day
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
    group by calendar.day, plan.unit, plan.feature
    having sum(unit.successes) > 0
),
spent as (
    select recent.day, recent.feature, max(recent.unit) as unit, max(recent.units) as units, sum(cost.cost_usd) as cost_usd
    from recent
    inner join marts.cost as cost on cost.feature = recent.feature and cost.day > recent.day - 28 and cost.day <= recent.day
    group by recent.day, recent.feature
),
-- Days of the month to come, each with its part of the month's units; in millionths of a unit.
coming as (
    select spent.day, spent.feature,
        sum(div_trunc(cast(plan.per_month as decimal(20,0)) * cast(1000000 as decimal(7,0)), day.days_in_month)) as micro_units
    from spent
    inner join book.day as today on today.day = spent.day
    inner join book.day as day on day.month_start = today.month_start and day.day > spent.day
    inner join book.unit_plan as plan on plan.unit = spent.unit and day.day >= plan.starts_on and day.day < plan.ends_on
    group by spent.day, spent.feature
)
select
    spent.day, spent.feature, spent.unit, to_usd(div_trunc(to_pico(spent.cost_usd), spent.units)) as unit_usd,
    cast(spent.units as bigint) as recent_units, cast(spent.cost_usd as decimal(38,12)) as recent_usd,
    cast(div_trunc(coming.micro_units, 1000000) as bigint) as planned_units,
    to_usd(div_trunc(cast(div_trunc(to_pico(spent.cost_usd), spent.units) as decimal(20,0)) * cast(coming.micro_units as decimal(18,0)), 1000000))
        as cost_usd
from spent
inner join coming on coming.day = spent.day and coming.feature = spent.feature
