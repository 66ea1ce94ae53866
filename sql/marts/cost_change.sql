/*
Why cost changed, in dollars that add up: weeks against the week before, months against the month before, as far as there are days; what
docs/explain.md says of effects. A week lies in the month of its last day, and as far as the month goes also in the one it begins in.

grain: one row per month, comparison that ends in it, team, feature, model and effect
key: [period, kind, starts_on, team, feature, model, effect]
monthly: true
lookback_days: 31
then: explain_change
*/
with last as (
    select max(cost.day) as day from marts.cost as cost where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
),
calendar as (
    select
        calendar.day, calendar.week_start, calendar.day_of_month, last.day as last_day,
        case when calendar.week_start + 6 < last.day then calendar.week_start + 6 else last.day end as week_end
    from book.day as calendar
    cross join last
    where calendar.day >= getvariable('from_day') - 31 and calendar.day < getvariable('to_day')
),
-- Of a month that is not over, and of a week, the same days are compared.
span as (
    select 'week' as kind, day.week_start as starts_on, day.week_end as ends_on, 1 as side, day.day
    from calendar as day
    where day.week_end >= getvariable('from_day') and day.day <= day.last_day
    union all
    select 'week' as kind, day.week_start as starts_on, day.week_end as ends_on, 0 as side, before.day
    from calendar as day
    inner join calendar as before on before.day = day.day - 7
    where day.week_end >= getvariable('from_day') and day.day <= day.last_day
    union all
    select 'month' as kind, getvariable('from_day') as starts_on, day.last_day as ends_on, 1 as side, day.day
    from calendar as day
    where day.day >= getvariable('from_day') and day.day <= day.last_day
    union all
    select 'month' as kind, getvariable('from_day') as starts_on, day.last_day as ends_on, 0 as side, day.day
    from calendar as day
    inner join book.day as final on final.day = day.last_day
    where day.day < getvariable('from_day') and day.day >= cast(date_trunc('month', getvariable('from_day') - 1) as date)
        and (day.day_of_month <= final.day_of_month or final.day_of_month = final.days_in_month)
),
counted as (
    select span.kind, span.starts_on, span.side, count(*) as days
    from span
    inner join (select distinct cost.day from marts.cost as cost) as known on known.day = span.day
    group by span.kind, span.starts_on, span.side
),
used as (
    select
        'use' as part, driver.day, driver.team, driver.tenant, driver.feature, driver.provider, driver.model, driver.served_tier,
        driver.meter, driver.is_counted, driver.operations, driver.calls, driver.attempts, driver.input_tokens, driver.cache_read_tokens,
        driver.cache_write_tokens, driver.output_tokens, driver.stated_tokens, driver.units, driver.input_cost_usd,
        driver.cache_read_cost_usd, driver.cache_write_cost_usd, driver.output_cost_usd, driver.call_cost_usd, driver.stated_cost_usd,
        driver.other_cost_usd, driver.cost_usd
    from core.cost_driver as driver
    union all
    select
        'gpu' as part, driver.day, driver.team, driver.tenant, driver.feature, driver.pool, driver.gpu_model, '' as served_tier,
        driver.line, false as is_counted, 0, 0, 0, 0, 0, 0, 0, 0, driver.seconds, 0, 0, 0, 0, 0, 0, 0, driver.cost_usd
    from core.gpu_driver as driver
    union all
    select
        'line' as part, cost.day, cost.team, cost.tenant, cost.feature, '(none)', '(none)', '' as served_tier, cost.line,
        false as is_counted, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, cost.cost_usd
    from marts.cost as cost
)
select
    month.period, span.kind, span.starts_on, span.ends_on, span.side, counted.days, used.part, used.team, used.tenant, used.feature, used.provider,
    used.model, used.served_tier, used.meter, used.is_counted,
    cast(sum(used.operations) as bigint) as operations, cast(sum(used.calls) as bigint) as calls,
    cast(sum(used.attempts) as bigint) as attempts, cast(sum(used.input_tokens) as bigint) as input_tokens,
    cast(sum(used.cache_read_tokens) as bigint) as cache_read_tokens, cast(sum(used.cache_write_tokens) as bigint) as cache_write_tokens,
    cast(sum(used.output_tokens) as bigint) as output_tokens, cast(sum(used.stated_tokens) as bigint) as stated_tokens,
    cast(sum(used.units) as decimal(38,6)) as units, cast(sum(used.input_cost_usd) as decimal(38,12)) as input_cost_usd,
    cast(sum(used.cache_read_cost_usd) as decimal(38,12)) as cache_read_cost_usd,
    cast(sum(used.cache_write_cost_usd) as decimal(38,12)) as cache_write_cost_usd,
    cast(sum(used.output_cost_usd) as decimal(38,12)) as output_cost_usd,
    cast(sum(used.call_cost_usd) as decimal(38,12)) as call_cost_usd,
    cast(sum(used.stated_cost_usd) as decimal(38,12)) as stated_cost_usd,
    cast(sum(used.other_cost_usd) as decimal(38,12)) as other_cost_usd, cast(sum(used.cost_usd) as decimal(38,12)) as cost_usd
from used
inner join span on span.day = used.day
inner join counted on counted.kind = span.kind and counted.starts_on = span.starts_on and counted.side = span.side
inner join book.day as month on month.day = getvariable('from_day')
group by month.period, span.kind, span.starts_on, span.ends_on, span.side, counted.days, used.part, used.team, used.tenant, used.feature, used.provider,
    used.model, used.served_tier, used.meter, used.is_counted
