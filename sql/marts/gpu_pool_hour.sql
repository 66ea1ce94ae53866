/*
What each pool had, held and used in each hour, and what its idle time cost; with the two greatest demands of its five minutes, of which the
hours of the week of a few weeks have their percentiles.

grain: one row per pool and UTC hour
key: [pool, started_at]
daily: true
book_days: true
must:
  - used_seconds <= held_seconds and held_seconds <= seen_seconds
  - used_next_seconds <= used_top_seconds and held_next_seconds <= held_top_seconds
  - hour_of_week >= 0 and hour_of_week < 168
*/
with ranked as (
    select
        demand.*, hour.started_at,
        row_number() over (
            partition by demand.pool, hour.hour_second order by demand.used_seconds desc, demand.started_second) as used_place,
        row_number() over (
            partition by demand.pool, hour.hour_second order by demand.held_seconds desc, demand.started_second) as held_place
    from core.gpu_demand as demand
    inner join book.hour as hour on hour.day = demand.day and hour.hour_second = demand.started_second - demand.started_second % 3600
    where demand.book_day >= getvariable('from_day') and demand.book_day < getvariable('to_day')
),
demand as (
    select
        ranked.started_at, ranked.pool, count(*) as bins, cast(sum(ranked.seen_seconds) as bigint) as seen_seconds,
        cast(sum(ranked.held_seconds) as bigint) as held_seconds, cast(sum(ranked.used_seconds) as bigint) as used_seconds,
        max(ranked.seen_seconds) as seen_top_seconds, max(ranked.held_seconds) as held_top_seconds,
        max(case when ranked.held_place = 2 then ranked.held_seconds else 0 end) as held_next_seconds,
        max(ranked.used_seconds) as used_top_seconds,
        max(case when ranked.used_place = 2 then ranked.used_seconds else 0 end) as used_next_seconds
    from ranked
    group by ranked.started_at, ranked.pool
),
cost as (
    select
        held.book_day, held.started_at, coalesce(held.pool, '(none)') as pool,
        cast(sum(held.capacity_seconds) as bigint) as capacity_seconds,
        cast(sum(held.warm_idle_seconds) as bigint) as warm_idle_seconds, cast(sum(held.free_idle_seconds) as bigint) as free_idle_seconds,
        cast(sum(held.unknown_seconds) as bigint) as unknown_seconds,
        cast(sum(held.warm_idle_cost_usd) as decimal(38,12)) as warm_idle_cost_usd,
        cast(sum(held.free_idle_cost_usd) as decimal(38,12)) as free_idle_cost_usd,
        cast(sum(case when held.cost_usd is null then held.capacity_seconds else 0 end) as bigint) as unpriced_seconds
    from core.gpu_hour as held
    where held.book_day >= getvariable('from_day') and held.book_day < getvariable('to_day')
    group by held.book_day, held.started_at, coalesce(held.pool, '(none)')
)
select
    cost.book_day as day, cost.pool, cost.started_at, (calendar.weekday - 1) * 24 + hour.hour_of_day as hour_of_week,
    coalesce(demand.bins, 0) as bins, cost.capacity_seconds, coalesce(demand.seen_seconds, 0) as seen_seconds,
    coalesce(demand.held_seconds, 0) as held_seconds, coalesce(demand.used_seconds, 0) as used_seconds,
    coalesce(demand.seen_top_seconds, 0) as seen_top_seconds, coalesce(demand.held_top_seconds, 0) as held_top_seconds,
    coalesce(demand.held_next_seconds, 0) as held_next_seconds, coalesce(demand.used_top_seconds, 0) as used_top_seconds,
    coalesce(demand.used_next_seconds, 0) as used_next_seconds, cost.warm_idle_seconds, cost.free_idle_seconds, cost.unknown_seconds,
    cost.warm_idle_cost_usd, cost.free_idle_cost_usd, cost.unpriced_seconds
from cost
inner join book.hour as hour on hour.day = cast(cost.started_at as date) and hour.started_at = cost.started_at
inner join book.day as calendar on calendar.day = cost.book_day
left join demand on demand.pool = cost.pool and demand.started_at = cost.started_at
