/*
Seconds each device spent in each state per hour and holder; what no sample covers is unknown, never idle.

grain: one row per device, hour, holder and state
key: [device_id, hour_second, team, tenant, feature, job_id, state]
daily: true
must:
  - seconds > 0 and seconds <= gpus * device_slices * 3600
*/
-- Seconds are those of a MIG slice where a device is cut: device_slices of them are one of the device's.
with known as (
    select
        seen.day, seen.device_id, seen.hour_second, seen.team, seen.tenant, seen.feature, seen.job_id, seen.gpus, seen.used_gpus,
        seen.warm_idle_gpus, seen.unknown_gpus, seen.seconds as taken
    from core.gpu_observed as seen
    inner join core.gpu_device as device on device.day = seen.day and device.device_id = seen.device_id
    where device.device_slices = 1 and seen.day >= getvariable('from_day') and seen.day < getvariable('to_day')
    union all
    select
        slice.day, slice.device_id, slice.hour_second, slice.team, slice.tenant, slice.feature, slice.job_id, slice.gpus, slice.used_gpus,
        slice.warm_idle_gpus, slice.unknown_gpus, slice.seconds
    from core.gpu_slice as slice
    where slice.day >= getvariable('from_day') and slice.day < getvariable('to_day')
),
total as (
    select
        day, device_id, hour_second, team, tenant, feature, job_id, cast(sum(taken * used_gpus) as bigint) as used,
        cast(sum(taken * warm_idle_gpus) as bigint) as warm_idle, cast(sum(taken * unknown_gpus) as bigint) as unknown,
        cast(sum(taken * (gpus - used_gpus - warm_idle_gpus - unknown_gpus)) as bigint) as free_idle, cast(sum(taken) as bigint) as taken
    from known
    group by day, device_id, hour_second, team, tenant, feature, job_id
),
part as (
    select day, device_id, hour_second, team, tenant, feature, job_id, 'used' as state, used as seconds from total
    union all
    select day, device_id, hour_second, team, tenant, feature, job_id, 'warm_idle', warm_idle from total
    union all
    select day, device_id, hour_second, team, tenant, feature, job_id, 'unknown', unknown from total
    union all
    select day, device_id, hour_second, 'unassigned', '(none)', '(none)', '(none)', 'free_idle', free_idle from total
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
