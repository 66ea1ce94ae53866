/*
Where the month of everything, of each team, feature and provider lands, as each day's end knew it: scores, before they are dollars.

grain: one row per day and series, which is a dimension and its value, such as 'team support'
key: [day, series]
daily: true
lookback_days: 190
then: land
*/
with daily as (
    select cost.day, cost.dimension, cost.scope, cost.cost_usd
    from marts.landing_day as cost
    where cost.day >= getvariable('from_day') - 190 and cost.day < getvariable('to_day')
),
-- A day is asked for where something was used in the five weeks up to it.
asked as (
    select distinct calendar.day, daily.dimension, daily.scope
    from daily
    inner join book.day as calendar on calendar.day >= daily.day and calendar.day < daily.day + 35
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
),
known as (
    select
        coalesce(asked.day, daily.day) as day, coalesce(asked.dimension, daily.dimension) as dimension,
        coalesce(asked.scope, daily.scope) as scope, coalesce(daily.cost_usd, 0) as cost_usd, asked.day is not null as is_wanted
    from asked
    full outer join daily on daily.day = asked.day and daily.dimension = asked.dimension and daily.scope = asked.scope
),
summed as (
    select known.*, calendar.month_start, calendar.month_start + calendar.days_in_month as month_end, sum(known.cost_usd) over (
        partition by known.dimension, known.scope, calendar.month_start order by known.day rows between unbounded preceding and current row
    ) as used_usd
    from known
    inner join book.day as calendar on calendar.day = known.day
),
-- How much dearer the same use became on days on which a price changed.
moved as (
    select
        change.day, dimension.dimension, case dimension.dimension when 'total' then 'all' when 'team' then change.team
            when 'feature' then change.feature else change.provider end as scope, sum(change.change_usd) as change_usd
    from core.card_change as change
    cross join (values ('total'), ('team'), ('feature'), ('provider')) as dimension (dimension)
    where change.day >= getvariable('from_day') - 190 and change.day < getvariable('to_day')
    group by change.day, dimension.dimension, case dimension.dimension when 'total' then 'all' when 'team' then change.team
        when 'feature' then change.feature else change.provider end
),
coming as (
    select
        ahead.day, ahead.on_day, ahead.dimension, ahead.scope, cast(max(ahead.fixed_usd) as double) as added,
        1 + cast(max(ahead.price_usd) as double) / nullif(cast(sum(daily.cost_usd) as double), 0) as factor
    from core.cost_ahead as ahead
    inner join daily
        on daily.dimension = ahead.dimension and daily.scope = ahead.scope and daily.day > ahead.day - 28 and daily.day <= ahead.day
    group by ahead.day, ahead.on_day, ahead.dimension, ahead.scope
)
select
    concat(summed.dimension, ' ', summed.scope) as series, summed.day, cast(summed.cost_usd as double) as amount,
    case when moved.change_usd < summed.cost_usd then cast(summed.cost_usd as double) / cast(summed.cost_usd - moved.change_usd as double)
        else 1 end as factor,
    cast(0 as double) as added, summed.is_wanted, false as is_coming, cast(null as date) as as_of, summed.month_start as period_start,
    summed.month_end as period_end, cast(null as double) as target, summed.dimension, summed.scope,
    cast(summed.used_usd as decimal(38,12)) as used_usd
from summed
left join moved on moved.day = summed.day and moved.dimension = summed.dimension and moved.scope = summed.scope and summed.cost_usd > 0
union all
select
    concat(coming.dimension, ' ', coming.scope) as series, coming.on_day as day, cast(0 as double) as amount, coming.factor, coming.added,
    false as is_wanted, true as is_coming, coming.day as as_of, cast(null as date) as period_start, cast(null as date) as period_end,
    cast(null as double) as target, coming.dimension, coming.scope, cast(null as decimal(38,12)) as used_usd
from coming
