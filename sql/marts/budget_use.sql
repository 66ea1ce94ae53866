/*
How much of each budget is used by the end of each day of its period, and the highest level reached.

grain: one row per budget and day
key: [budget, day]
daily: true
lookback_days: 92
must:
  - peak >= used
*/
-- The calendar around the window: a quarter of the book's days has at most 92.
with calendar as (
    select kind.period, day.day,
        case kind.period when 'day' then day.day when 'week' then day.week_start when 'month' then day.month_start
            else day.quarter_start end as begins_on
    from book.day as day
    cross join (values ('day'), ('week'), ('month'), ('quarter')) as kind (period)
    where day.day >= getvariable('from_day') - 92 and day.day < getvariable('to_day') + 92
),
-- A budget that begins or ends inside a period has a period of the days in which it holds.
dated as (
    select
        budget.budget, calendar.day, calendar.period, calendar.begins_on, budget.measure, held.amount, budget.scope, budget.team,
        budget.owner, budget.at_limit, min(calendar.day) over (partition by budget.budget, calendar.begins_on) as period_start,
        max(calendar.day) over (partition by budget.budget, calendar.begins_on) + 1 as period_end
    from book.budget as budget
    inner join calendar on calendar.period = budget.period and calendar.day >= budget.starts_on and calendar.day < budget.ends_on
    inner join book.budget_amount as held on held.budget = budget.budget and calendar.day >= held.starts_on and calendar.day < held.ends_on
),
summed as (
    select
        dated.*, sum(coalesce(spent.used, 0)) over (
            partition by dated.budget, dated.begins_on order by dated.day rows between unbounded preceding and current row
        ) as added,
        sum(coalesce(spent.gpu_seconds, 0)) over (
            partition by dated.budget, dated.begins_on order by dated.day rows between unbounded preceding and current row
        ) as seconds,
        sum(coalesce(spent.unpriced_requests, 0)) over (
            partition by dated.budget, dated.begins_on order by dated.day rows between unbounded preceding and current row
        ) as unpriced_requests
    from dated
    left join marts.budget_day as spent on spent.budget = dated.budget and spent.day = dated.day
    where dated.day < getvariable('to_day')
),
-- Hours are made of the seconds of the period: what is cut off from a third of an hour a day must not keep a level from being reached.
used as (
    select summed.*, cast(case when summed.measure = 'gpu_hours'
        then to_usd(div_trunc(cast(summed.seconds as decimal(24,0)) * cast(1000000000000 as decimal(13,0)), 3600))
        else summed.added end as decimal(38,12)) as used
    from summed
),
peaked as (
    select
        used.*, max(used.used) over (
            partition by used.budget, used.begins_on order by used.day rows between unbounded preceding and current row
        ) as peak
    from used
),
reached as (
    select peaked.budget, peaked.day, max(level.level_percent) as level_percent
    from peaked
    inner join book.budget_level as level
        on level.budget = peaked.budget and level.kind = 'actual' and peaked.peak > 0
        and cast(peaked.peak as decimal(32,12)) * 100 >= cast(peaked.amount as decimal(32,12)) * level.level_percent
    where peaked.day >= getvariable('from_day')
    group by peaked.budget, peaked.day
)
select
    peaked.budget, peaked.day, peaked.period, peaked.period_start, peaked.period_end, peaked.measure, peaked.scope, peaked.team,
    peaked.owner, peaked.amount, peaked.used, peaked.peak, cast(peaked.unpriced_requests as bigint) as unpriced_requests,
    cast(peaked.day - peaked.period_start + 1 as integer) as day_of_period,
    cast(peaked.period_end - peaked.period_start as integer) as days_in_period, reached.level_percent, peaked.at_limit
from peaked
left join reached on reached.budget = peaked.budget and reached.day = peaked.day
where peaked.day >= getvariable('from_day') and peaked.day < getvariable('to_day')
