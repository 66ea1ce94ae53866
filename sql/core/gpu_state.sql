/*
Seconds each device spent in each state per hour and holder; what no sample covers is unknown, never idle.

grain: one row per device, hour, holder and state
key: [device_id, hour_second, team, tenant, feature, job_id, state]
daily: true
must:
  - seconds > 0 and seconds <= gpus * device_slices * 3600
*/
-- Seconds are those of a MIG slice where a device is cut: device_slices of them are one of the device's. What of a cut device no slice takes is
-- free idle. Slices that claim more than the device has are cut off, in the order of their names.
with observed as (
    select seen.*, device.device_slices as cut, seen.slice_id = '' and seen.device_slices > 1 as is_whole
    from core.gpu_observed as seen
    inner join core.gpu_device as device on device.day = seen.day and device.device_id = seen.device_id
    where seen.day >= getvariable('from_day') and seen.day < getvariable('to_day')
),
-- A device that is cut is seen through its own samples, which claim nothing of it, and through those of any slice.
sight as (
    select day, device_id, hour_second, cast(sum(slot_seconds(slots, part, slot_length)) as bigint) * max(cut) as seconds
    from (
        select day, device_id, hour_second, part, slot_length, cut, bit_or(slots) as slots
        from observed where cut > 1 group by day, device_id, hour_second, part, slot_length, cut
    ) as slot group by day, device_id, hour_second
),
claim as (
    select observed.*, observed.seconds * case when cut = 1 then 1 when is_whole then 0 else coalesce(slices, cut) end as claimed
    from observed
),
running as (
    select
        claim.*, cast(sum(claimed) over (
            partition by day, device_id, hour_second order by slice_id, part, used_gpus, warm_idle_gpus, unknown_gpus, gpus, team, tenant, feature, job_id
            rows between unbounded preceding and current row
        ) as bigint) as upto
    from claim
),
known as (
    select
        running.*, case when running.cut = 1 then running.claimed
            else least(running.upto, sight.seconds) - least(running.upto - running.claimed, sight.seconds) end as taken
    from running
    left join sight on sight.day = running.day and sight.device_id = running.device_id and sight.hour_second = running.hour_second
),
part as (
    select day, device_id, hour_second, team, tenant, feature, job_id, 'used' as state, taken * used_gpus as seconds from known
    union all
    select day, device_id, hour_second, team, tenant, feature, job_id, 'warm_idle', taken * warm_idle_gpus from known
    union all
    select day, device_id, hour_second, team, tenant, feature, job_id, 'unknown', taken * unknown_gpus from known
    union all
    select day, device_id, hour_second, 'unassigned', '(none)', '(none)', '(none)', 'free_idle', taken * (gpus - used_gpus - warm_idle_gpus - unknown_gpus)
    from known
    union all
    select known.day, known.device_id, known.hour_second, 'unassigned', '(none)', '(none)', '(none)', 'free_idle',
        max(sight.seconds) - cast(sum(known.taken) as bigint)
    from known
    inner join sight on sight.day = known.day and sight.device_id = known.device_id and sight.hour_second = known.hour_second
    group by known.day, known.device_id, known.hour_second
),
gap as (
    select
        device.day, device.device_id, hour.hour_second, 'unassigned' as team, '(none)' as tenant, '(none)' as feature, '(none)' as job_id,
        'unknown' as state, device.gpus * device.device_slices * 3600 - coalesce(cast(sum(part.seconds) as bigint), 0) as seconds
    from core.gpu_device as device
    inner join book.hour as hour on hour.day = device.day and hour.hour_second >= device.first_second
    left join part on part.day = device.day and part.device_id = device.device_id and part.hour_second = hour.hour_second
    where device.day >= getvariable('from_day') and device.day < getvariable('to_day')
    group by device.day, device.device_id, hour.hour_second, device.gpus, device.device_slices
)
select
    part.day, part.device_id, part.hour_second, part.team, part.tenant, part.feature, part.job_id, part.state, device.pool, device.gpu_model,
    device.source, device.gpus, device.device_slices, cast(sum(part.seconds) as bigint) as seconds
from (select * from part union all select * from gap) as part
inner join core.gpu_device as device on device.day = part.day and device.device_id = part.device_id
where part.seconds <> 0
group by part.day, part.device_id, part.hour_second, part.team, part.tenant, part.feature, part.job_id, part.state, device.pool, device.gpu_model,
    device.source, device.gpus, device.device_slices
