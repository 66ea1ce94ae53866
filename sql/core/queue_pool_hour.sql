/*
What each GPU pool had in each hour: capacity, what was free, its cost as far as it has one, and what waited where its samples count that.

grain: one row per hour and pool
key: [started_at, pool]
daily: true
must:
  - free_seconds <= capacity_seconds or capacity_seconds is null
  - priced_seconds <= capacity_seconds or capacity_seconds is null
*/
with sample as (
    select
        staged.day, coalesce(staged.pool, '(none)') as pool, staged.device_id, staged.pending_gpus, staged.pending_jobs,
        staged.interval_seconds, staged.sampled_second - staged.sampled_second % 3600 % staged.interval_seconds as slot_second,
        row_number() over (
            partition by staged.day, staged.device_id, staged.sampled_second - staged.sampled_second % 3600 % staged.interval_seconds
            order by staged.sampled_second desc, staged.pending_gpus desc, staged.interval_seconds, staged.team, staged.file_id
        ) as place
    from staging.gpu_sample as staged
    where staged.day >= getvariable('from_day') and staged.day < getvariable('to_day')
        and (staged.pending_gpus is not null or staged.pending_jobs is not null)
),
ordered as (
    select
        sample.*, case when slot_second % 3600 + interval_seconds > 3600 then 3600 - slot_second % 3600 else interval_seconds end as length,
        min(slot_second) over (partition by day, device_id order by slot_second rows between 1 following and 1 following) as next_second
    from sample
    where place = 1
),
slot as (
    -- As of all samples: a slot counts inside its hour, and until the next one begins.
    select
        ordered.day, ordered.slot_second - ordered.slot_second % 3600 as hour_second, ordered.pool, ordered.pending_gpus,
        ordered.pending_jobs,
        case when ordered.next_second - ordered.slot_second < ordered.length
            then ordered.next_second - ordered.slot_second else ordered.length end as seconds
    from ordered
),
part as (
    select
        held.day, held.started_at, coalesce(held.pool, '(none)') as pool, held.capacity_seconds,
        held.free_idle_seconds as free_seconds, held.cost_usd,
        case when held.cost_usd is not null then held.capacity_seconds else 0 end as priced_seconds,
        cast(null as bigint) as pending_gpu_seconds, cast(null as bigint) as pending_job_seconds
    from core.gpu_hour as held
    where held.day >= getvariable('from_day') and held.day < getvariable('to_day')
    union all
    select
        slot.day, hour.started_at, slot.pool, null, null, null, null, slot.pending_gpus * slot.seconds, slot.pending_jobs * slot.seconds
    from slot
    inner join book.hour as hour on hour.day = slot.day and hour.hour_second = slot.hour_second
)
select
    part.day, hour.book_day, hour.hour_of_day, part.started_at, hour.hour_second, part.pool,
    cast(sum(part.capacity_seconds) as bigint) as capacity_seconds, cast(sum(part.free_seconds) as bigint) as free_seconds,
    cast(sum(part.priced_seconds) as bigint) as priced_seconds, cast(sum(part.cost_usd) as decimal(38,12)) as cost_usd,
    cast(sum(part.pending_gpu_seconds) as bigint) as pending_gpu_seconds,
    cast(sum(part.pending_job_seconds) as bigint) as pending_job_seconds
from part
inner join book.hour as hour on hour.day = part.day and hour.started_at = part.started_at
group by part.day, hour.book_day, hour.hour_of_day, part.started_at, hour.hour_second, part.pool
