/*
Where each budget lands at the end of its period, as each day's end knew it, and when it is used up.

grain: one row per series and day; a series is a budget, or a level of it other than 100 % that is forecast (book.budget_level)
key: [series, day]
daily: true
lookback_days: 320
then: land
*/
with series as (
    select budget.budget as series, budget.budget, 100 as level_percent from book.budget as budget
    union all
    select level.series, level.budget, level.level_percent from book.budget_level as level
    where level.kind = 'forecast' and level.level_percent <> 100
),
calendar as (
    select kind.period, day.day,
        case kind.period when 'week' then day.week_start when 'month' then day.month_start else day.quarter_start end as begins_on
    from book.day as day
    -- What is left of a day when it ends is nothing: those budgets have no outlook.
    cross join (values ('week'), ('month'), ('quarter')) as kind (period)
    where day.day >= getvariable('from_day') - 412 and day.day < getvariable('to_day') + 92
),
-- Use before a budget began is history, in a period that ends there.
dated as (
    select
        budget.budget, held.amount, calendar.day, calendar.day >= budget.starts_on and calendar.day < budget.ends_on as holds,
        calendar.begins_on, case when calendar.day < budget.starts_on then 1 when calendar.day < budget.ends_on then 2 else 3 end as part
    from book.budget as budget
    inner join calendar on calendar.period = budget.period
    left join book.budget_amount as held on held.budget = budget.budget and calendar.day >= held.starts_on and calendar.day < held.ends_on
),
spanned as (
    select dated.*, min(dated.day) over (partition by dated.budget, dated.begins_on, dated.part) as period_start,
        max(dated.day) over (partition by dated.budget, dated.begins_on, dated.part) + 1 as period_end
    from dated
),
-- A scope without use for a quarter is not there any more, and one without any is not there yet: from this on, days without use are of 0.
used as (
    select spanned.*, coalesce(spent.used, 0) as used, count(spent.budget) over (
        partition by spanned.budget order by spanned.day rows between 91 preceding and current row
    ) > 0 as is_alive, sum(coalesce(spent.used, 0)) over (
        partition by spanned.budget order by spanned.day rows between 27 preceding and current row
    ) as last_28
    from spanned
    left join marts.budget_day as spent on spent.budget = spanned.budget and spent.day = spanned.day
    where spanned.day >= getvariable('from_day') - 320 and spanned.day < getvariable('to_day')
),
-- Of the whole, a team or a feature it is reckoned as marts.forecast is: with prices that changed, and what is known of days to come.
whose as (
    select
        budget.budget, case when budget.team is not null then 'team' when budget.feature is not null then 'feature' else 'total' end
            as dimension, coalesce(budget.team, budget.feature, 'all') as scope
    from book.budget as budget
    where budget.measure = 'dollars' and coalesce(budget.tenant, budget.environment, budget.model, budget.model_class) is null
        and (budget.team is null or budget.feature is null)
),
moved as (
    select whose.budget, change.day, sum(change.change_usd) as change_usd
    from whose
    inner join core.card_change as change
        on whose.scope = case whose.dimension when 'total' then 'all' when 'team' then change.team else change.feature end
    group by whose.budget, change.day
)
select
    series.series, used.day, cast(used.used as double) as amount, case when moved.change_usd < used.used and used.used > 0
        then cast(used.used as double) / cast(used.used - moved.change_usd as double) else 1 end as factor, cast(0 as double) as added,
    used.holds and used.day >= getvariable('from_day') as is_wanted, false as is_coming, cast(null as date) as as_of, used.period_start,
    used.period_end, cast(used.amount as double) * series.level_percent / 100 as target
from series
inner join used on used.budget = series.budget and used.is_alive
left join moved on moved.budget = used.budget and moved.day = used.day
union all
select
    series.series, ahead.on_day as day, cast(0 as double) as amount,
    1 + cast(ahead.price_usd as double) / cast(used.last_28 as double) as factor, cast(ahead.fixed_usd as double) as added,
    false as is_wanted, true as is_coming, ahead.day as as_of, cast(null as date) as period_start, cast(null as date) as period_end,
    cast(null as double) as target
from series
inner join whose on whose.budget = series.budget
inner join core.cost_ahead as ahead on ahead.dimension = whose.dimension and ahead.scope = whose.scope
inner join used on used.budget = whose.budget and used.day = ahead.day and used.is_alive and used.last_28 > 0
