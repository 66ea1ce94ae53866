/*
Where each month lands in dollars, with an 80 % band, as each day's end knew it; beside it what such forecasts were off by before.

grain: one row per day, dimension and scope
key: [day, dimension, scope]
daily: true
must:
  - (method = 'none' and point_usd is null) or (low_usd <= point_usd and point_usd <= high_usd)
  - covered <= tests
*/
-- What is used is exact; what is to come is a score, and dollars from here on. known_usd is what of running_usd comes of prices that change
-- after the day and of fixed amounts that begin or end after it (core.cost_ahead).
with running as (
    select
        landing.*, cast(landing.low - landing.used as decimal(24,12)) as low_usd, cast(landing.point - landing.used as decimal(24,12)) as point_usd,
        cast(landing.high - landing.used as decimal(24,12)) as high_usd
    from marts.landing as landing
    where landing.day >= getvariable('from_day') and landing.day < getvariable('to_day')
),
-- A feature whose unit has a plan lands at what the planned units cost, with the band of how it runs in proportion; totals and teams do not.
planned as (
    select
        running.day, running.dimension, running.scope, plan.cost_usd,
        to_usd(div_trunc(cast(to_pico(plan.cost_usd) as decimal(20,0)) * cast(running.low_usd * 1000000 as decimal(18,0)),
            cast(running.point_usd * 1000000 as decimal(18,0)))) as low_usd,
        to_usd(div_trunc(cast(to_pico(plan.cost_usd) as decimal(20,0)) * cast(running.high_usd * 1000000 as decimal(18,0)),
            cast(running.point_usd * 1000000 as decimal(18,0)))) as high_usd
    from running
    inner join marts.planned_cost as plan on plan.day = running.day and plan.feature = running.scope
    where running.dimension = 'feature' and running.low_usd >= 0 and running.point_usd > cast('0.000001' as decimal(7,6)) and plan.cost_usd >= 0
)
select
    running.day, running.dimension, running.scope, calendar.period, running.period_start, running.period_end,
    cast(running.period_end - running.day - 1 as integer) as days_left, running.used_usd,
    cast(running.used_usd + coalesce(planned.low_usd, running.low_usd) as decimal(38,12)) as low_usd,
    cast(running.used_usd + coalesce(planned.cost_usd, running.point_usd) as decimal(38,12)) as point_usd,
    cast(running.used_usd + coalesce(planned.high_usd, running.high_usd) as decimal(38,12)) as high_usd,
    cast(running.used_usd + running.point_usd as decimal(38,12)) as running_usd, cast(running.known as decimal(38,12)) as known_usd,
    case when planned.day is null then running.method else 'driver' end as method, running.history,
    cast(running.error as decimal(18,6)) as error, running.tests, running.covered
from running
inner join book.day as calendar on calendar.day = running.day
left join planned on planned.day = running.day and planned.dimension = running.dimension and planned.scope = running.scope
