/*
How much of each budget is used by the end of each day, where it lands, and the highest level reached.

grain: one row per budget and day
key: [budget, day]
daily: true
lookback_days: 120
*/
with daily as (
    -- Whole micro-dollars, so that forecasts divide exactly.
    select spent.budget, spent.day, calendar.weekday, coalesce(spent.cost_usd, 0) as cost_usd,
        div_trunc(to_pico(coalesce(spent.cost_usd, 0)), 1000000) as micro
    from marts.budget_day as spent
    inner join book.day as calendar on calendar.day = spent.day
),
scope as (
    select budget.*, calendar.day,
        case budget.period when 'day' then calendar.day when 'week' then calendar.week_start when 'month' then calendar.month_start
            else calendar.quarter_start end as period_start
    from book.budget as budget
    inner join book.day as calendar on calendar.day >= budget.starts_on and calendar.day < budget.ends_on
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
),
span as (
    select scope.budget, scope.day, min(calendar.day) as first_day, max(calendar.day) + 1 as end_day, count(*) as days
    from scope
    inner join book.day as calendar on calendar.day >= scope.starts_on and calendar.day < scope.ends_on
        and scope.period_start = case scope.period when 'day' then calendar.day when 'week' then calendar.week_start
            when 'month' then calendar.month_start else calendar.quarter_start end
    group by scope.budget, scope.day
),
used as (
    select span.budget, span.day, cast(coalesce(sum(daily.cost_usd), 0) as decimal(38,12)) as used_usd from span
    left join daily on daily.budget = span.budget and daily.day >= span.first_day and daily.day <= span.day
    group by span.budget, span.day
),
level as (
    select span.budget, span.day, cast(sum(case when daily.day > span.day - 7 then daily.micro else 0 end) as decimal(18,0)) as last_7,
        cast(sum(daily.micro) as decimal(18,0)) as last_28, count(daily.day) as history
    from span
    left join daily on daily.budget = span.budget and daily.day > span.day - 28 and daily.day <= span.day
    group by span.budget, span.day
),
weekday as (
    select span.budget, span.day, daily.weekday, cast(sum(daily.micro) as decimal(19,0)) as same_days,
        cast(sum(daily.micro * case when daily.day > span.day - 7 then 4 when daily.day > span.day - 14 then 3
            when daily.day > span.day - 21 then 2 else 1 end) as decimal(19,0)) as recent
    from span
    inner join daily on daily.budget = span.budget and daily.day > span.day - 28 and daily.day <= span.day
    group by span.budget, span.day, daily.weekday
),
-- docs/forecast.md: the mean of the same weekday of four weeks (.4 .3 .2 .1) and of the weekday's share of the current level.
coming as (
    select span.budget, span.day,
        sum(div_trunc(div_trunc(weekday.recent, 10)
            + case when level.last_28 = 0 then 0 else div_trunc(weekday.same_days * level.last_7, level.last_28) end, 2)) as micro
    from span
    inner join level on level.budget = span.budget and level.day = span.day and level.history >= 14
    inner join book.day as calendar on calendar.day > span.day and calendar.day < span.end_day
    inner join weekday on weekday.budget = span.budget and weekday.day = span.day and weekday.weekday = calendar.weekday
    group by span.budget, span.day
),
reached as (
    select scope.budget, scope.day, max(level.level_percent) as level_percent from scope
    inner join used on used.budget = scope.budget and used.day = scope.day
    inner join book.budget_level as level on level.budget = scope.budget and used.used_usd > 0
        and cast(used.used_usd as decimal(32,12)) * 100 >= cast(scope.amount_usd as decimal(32,12)) * level.level_percent
    group by scope.budget, scope.day
)
select
    scope.budget, scope.day, scope.period, span.first_day as period_start, span.end_day as period_end,
    coalesce(scope.team, scope.tenant, scope.feature, scope.environment, scope.model, 'everything') as scope, scope.team, scope.amount_usd, used.used_usd,
    case when level.history >= 14 then used.used_usd + coalesce(to_usd(coming.micro * 1000000), 0) end as forecast_usd,
    cast(scope.day - span.first_day + 1 as integer) as day_of_period, cast(span.days as integer) as days_in_period, reached.level_percent
from scope
inner join span on span.budget = scope.budget and span.day = scope.day
inner join used on used.budget = scope.budget and used.day = scope.day
left join level on level.budget = scope.budget and level.day = scope.day
left join coming on coming.budget = scope.budget and coming.day = scope.day
left join reached on reached.budget = scope.budget and reached.day = scope.day
