/*
GPUs that jobs waited for, and GPUs that were free, by hour: as jobs tell where the pool's queues have any, else as its samples count them.

grain: one row per day, pool and hour of the day
key: [day, pool, hour_of_day]
must:
  - free_seconds <= capacity_seconds or free_seconds is null
*/
with wait as (
    select
        hour.book_day, hour.hour_of_day, coalesce(waited.pool, '(none)') as pool,
        waited.gpus * (
            least(unix_second(waited.waited_until), hour.hour_second + 3600) - greatest(unix_second(waited.runnable_at), hour.hour_second)
        ) as waiting_gpu_seconds
    from core.job_wait as waited
    inner join book.hour as hour
        on hour.day >= cast(waited.runnable_at as date) and hour.day <= cast(waited.waited_until as date)
        and hour.hour_second < unix_second(waited.waited_until) and hour.hour_second + 3600 > unix_second(waited.runnable_at)
    where waited.wait_seconds > 0
),
counted as (select distinct coalesce(waited.pool, '(none)') as pool from core.job_wait as waited where waited.wait_seconds is not null),
part as (
    select
        wait.book_day, wait.hour_of_day, wait.pool, wait.waiting_gpu_seconds, cast(null as bigint) as pending_gpu_seconds,
        cast(null as bigint) as pending_job_seconds, cast(null as bigint) as capacity_seconds, cast(null as bigint) as free_seconds
    from wait
    union all
    select
        held.book_day, held.hour_of_day, held.pool, null, held.pending_gpu_seconds, held.pending_job_seconds, held.capacity_seconds,
        held.free_seconds
    from core.queue_pool_hour as held
),
summed as (
    select
        part.book_day, part.hour_of_day, part.pool, cast(sum(part.waiting_gpu_seconds) as bigint) as waiting_gpu_seconds,
        cast(sum(part.pending_gpu_seconds) as bigint) as pending_gpu_seconds,
        cast(sum(part.pending_job_seconds) as bigint) as pending_job_seconds,
        cast(sum(part.capacity_seconds) as bigint) as capacity_seconds, cast(sum(part.free_seconds) as bigint) as free_seconds
    from part
    group by part.book_day, part.hour_of_day, part.pool
)
select
    summed.book_day as day, calendar.week_start, calendar.weekday, summed.pool, summed.hour_of_day,
    case when counted.pool is not null then 'jobs' when summed.pending_gpu_seconds is not null then 'samples' else 'none' end as basis,
    case when counted.pool is not null then coalesce(summed.waiting_gpu_seconds, 0) else summed.pending_gpu_seconds end
        as waiting_gpu_seconds,
    summed.pending_gpu_seconds, summed.pending_job_seconds, summed.capacity_seconds, summed.free_seconds
from summed
inner join book.day as calendar on calendar.day = summed.book_day
left join counted on counted.pool = summed.pool
