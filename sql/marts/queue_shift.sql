/*
How much of the waiting fell into hours in which the pool had free GPUs, and how much work could move out of hours that had fewer free
GPUs than jobs waited for: low, within its day; high, anywhere in the week. GPUs are averages of an hour: not every job fits into what was
free.

grain: one row per week and pool
key: [week_start, pool]
must:
  - shift_low_gpu_seconds <= shift_high_gpu_seconds
  - waited_while_free_gpu_seconds <= waiting_gpu_seconds
*/
with hour as (
    select
        held.week_start, held.day, held.pool, held.waiting_gpu_seconds, held.capacity_seconds, held.free_seconds,
        case when held.free_seconds is not null then held.waiting_gpu_seconds end as known_gpu_seconds,
        least(held.waiting_gpu_seconds, held.free_seconds) as both_gpu_seconds
    from marts.queue_hour as held
    where held.waiting_gpu_seconds is not null
),
day as (
    select
        hour.week_start, hour.day, hour.pool, cast(sum(hour.waiting_gpu_seconds) as bigint) as waiting_gpu_seconds,
        cast(coalesce(sum(hour.known_gpu_seconds), 0) as bigint) as known_gpu_seconds,
        cast(coalesce(sum(case when hour.known_gpu_seconds is not null then hour.both_gpu_seconds end), 0) as bigint) as both_gpu_seconds,
        cast(coalesce(sum(case when hour.known_gpu_seconds > hour.free_seconds
            then hour.known_gpu_seconds - hour.free_seconds end), 0) as bigint) as excess_seconds,
        cast(coalesce(sum(case when hour.free_seconds > hour.known_gpu_seconds
            then hour.free_seconds - hour.known_gpu_seconds end), 0) as bigint) as room_seconds
    from hour
    group by hour.week_start, hour.day, hour.pool
)
select
    day.week_start, day.pool, cast(sum(day.waiting_gpu_seconds) as bigint) as waiting_gpu_seconds,
    cast(sum(day.known_gpu_seconds) as bigint) as sampled_waiting_gpu_seconds,
    cast(sum(day.both_gpu_seconds) as bigint) as waited_while_free_gpu_seconds,
    cast(sum(least(day.excess_seconds, day.room_seconds)) as bigint) as shift_low_gpu_seconds,
    cast(least(sum(day.excess_seconds), sum(day.room_seconds)) as bigint) as shift_high_gpu_seconds
from day
group by day.week_start, day.pool
