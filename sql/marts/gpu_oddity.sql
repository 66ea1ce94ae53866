/*
What is odd about the samples of GPUs: hours in which a device was not seen, or seen by several, and counters that were set back.

grain: one row per UTC day, device and oddity
key: [day, device_id, oddity]
daily: true
must:
  - hours > 0
*/
with hour as (
    select
        day, device_id, hour_second, count(distinct source) as sources,
        cast(sum(case when is_counted then 0 else slot_seconds(slots, part, slot_length) end) as bigint) as left_out,
        count(distinct case when is_counted and team <> 'unassigned' then concat(slice_id, '/', team, '/', job_id) end)
            - count(distinct case when is_counted and team <> 'unassigned' then slice_id end) as changes,
        cast(sum(case when is_counted and unknown_gpus > 0 and coalesce(device_slices, 1) = 1
            then slot_seconds(slots, part, slot_length) * unknown_gpus else 0 end) as bigint) as figureless
    from core.gpu_slot
    where day >= getvariable('from_day') and day < getvariable('to_day')
    group by day, device_id, hour_second
),
claim as (
    select
        seen.day, seen.device_id, seen.hour_second,
        cast(sum(seen.seconds * coalesce(seen.slices, 0)) as bigint) - 3600 * max(device.device_slices) as beyond
    from core.gpu_observed as seen
    inner join core.gpu_device as device on device.day = seen.day and device.device_id = seen.device_id
    where seen.slice_id <> '' and seen.day >= getvariable('from_day') and seen.day < getvariable('to_day')
    group by seen.day, seen.device_id, seen.hour_second
),
unseen as (
    select
        state.day, state.device_id, state.hour_second,
        cast(div_trunc(sum(case when state.state = 'unknown' then state.seconds else 0 end), max(state.device_slices)) as bigint) as seconds
    from core.gpu_state as state
    where state.day >= getvariable('from_day') and state.day < getvariable('to_day')
    group by state.day, state.device_id, state.hour_second
),
odd as (
    select day, device_id, 'several sources' as oddity, left_out as seconds from hour where sources > 1
    union all
    select day, device_id, 'holder changed within the hour', 0 from hour where changes > 0
    union all
    select day, device_id, 'no figure of utilisation', figureless from hour where figureless > 0
    union all
    select day, device_id, 'slices beyond the device', beyond from claim where beyond > 0
    union all
    select unseen.day, unseen.device_id, 'no sample', unseen.seconds - coalesce(hour.figureless, 0)
    from unseen
    left join hour on hour.day = unseen.day and hour.device_id = unseen.device_id and hour.hour_second = unseen.hour_second
    where unseen.seconds > coalesce(hour.figureless, 0)
    union all
    select day, device_id, 'energy counter set back', 0
    from core.gpu_load
    where is_energy_reset and day >= getvariable('from_day') and day < getvariable('to_day')
)
select day, device_id, oddity, count(*) as hours, cast(sum(seconds) as bigint) as seconds
from odd
group by day, device_id, oddity
