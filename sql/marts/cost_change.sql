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
    select span.kind, span.starts_on, span.ends_on, span.side, count(*) as days
    from span inner join (select distinct cost.day from marts.cost as cost) as known on known.day = span.day
    group by span.kind, span.starts_on, span.ends_on, span.side
),
-- Summed apart: what is not driven by calls has one amount or two, not seventeen.
used as (
    select
        'use' as part, span.kind, span.starts_on, span.side, driver.team, driver.tenant, driver.feature, driver.provider, driver.model,
        driver.served_tier, driver.meter, driver.is_counted, driver.is_priced, cast(sum(driver.operations) as bigint) as operations,
        cast(sum(driver.calls) as bigint) as calls, cast(sum(driver.attempts) as bigint) as attempts,
        cast(sum(driver.input_tokens) as bigint) as input_tokens, cast(sum(driver.cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(driver.cache_write_tokens) as bigint) as cache_write_tokens, cast(sum(driver.output_tokens) as bigint) as output_tokens,
        cast(sum(driver.stated_tokens) as bigint) as stated_tokens, sum(driver.units) as units,
        sum(driver.input_cost_usd) as input_cost_usd, sum(driver.cache_read_cost_usd) as cache_read_cost_usd,
        sum(driver.cache_write_cost_usd) as cache_write_cost_usd, sum(driver.output_cost_usd) as output_cost_usd,
        sum(driver.call_cost_usd) as call_cost_usd, sum(driver.stated_cost_usd) as stated_cost_usd,
        sum(driver.other_cost_usd) as other_cost_usd, sum(driver.cost_usd) as cost_usd
    from core.cost_driver as driver
    inner join span on span.day = driver.day
    group by span.kind, span.starts_on, span.side, driver.team, driver.tenant, driver.feature, driver.provider, driver.model,
        driver.served_tier, driver.meter, driver.is_counted, driver.is_priced
    union all
    select
        'gpu' as part, span.kind, span.starts_on, span.side, driver.team, driver.tenant, driver.feature, driver.pool, driver.gpu_model,
        '' as served_tier, driver.line, false as is_counted, driver.is_priced, 0, 0, 0, 0, 0, 0, 0, 0, sum(driver.seconds), 0, 0, 0, 0,
        0, 0, 0, sum(driver.cost_usd)
    from core.gpu_driver as driver
    inner join span on span.day = driver.day
    group by span.kind, span.starts_on, span.side, driver.team, driver.tenant, driver.feature, driver.pool, driver.gpu_model, driver.line,
        driver.is_priced
    union all
    select
        'line' as part, span.kind, span.starts_on, span.side, cost.team, cost.tenant, cost.feature, '(none)', '(none)', '' as served_tier,
        cost.line, false as is_counted, true as is_priced, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, sum(cost.cost_usd)
    from marts.cost as cost
    inner join span on span.day = cost.day
    group by span.kind, span.starts_on, span.side, cost.team, cost.tenant, cost.feature, cost.line
)
select
    month.period, used.kind, used.starts_on, counted.ends_on, used.side, counted.days, used.part, used.team, used.tenant, used.feature,
    used.provider, used.model, used.served_tier, used.meter, used.is_counted, used.is_priced, used.operations, used.calls,
    used.attempts, used.input_tokens, used.cache_read_tokens, used.cache_write_tokens, used.output_tokens, used.stated_tokens, used.units,
    used.input_cost_usd, used.cache_read_cost_usd, used.cache_write_cost_usd, used.output_cost_usd, used.call_cost_usd,
    used.stated_cost_usd, used.other_cost_usd, used.cost_usd
from used
inner join counted on counted.kind = used.kind and counted.starts_on = used.starts_on and counted.side = used.side
inner join book.day as month on month.day = getvariable('from_day')
