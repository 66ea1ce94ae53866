/*
What MIG slices had of each device that is cut, in seconds of a slice; what no slice takes is free, and slices never sum to more than the device.

grain: one row per device, MIG slice (empty is what none takes), sixty slots of an hour, state and holder
key: [device_id, hour_second, slice_id, part, used_gpus, warm_idle_gpus, unknown_gpus, team, tenant, feature, job_id]
daily: true
must:
  - seconds > 0 and gpus = 1
*/
with observed as (
    select seen.*, device.device_slices as cut, seen.slice_id = '' and coalesce(seen.device_slices, 1) > 1 as is_whole
    from core.gpu_observed as seen
    inner join core.gpu_device as device on device.day = seen.day and device.device_id = seen.device_id
    where device.device_slices > 1 and seen.day >= getvariable('from_day') and seen.day < getvariable('to_day')
),
-- A device is seen through its own samples, which claim nothing of it, and through those of any slice.
sight as (
    select day, device_id, hour_second, cast(sum(slot_seconds(slots, part, slot_length)) as bigint) * max(cut) as seconds
    from (
        select day, device_id, hour_second, part, slot_length, cut, bit_or(slots) as slots
        from observed group by day, device_id, hour_second, part, slot_length, cut
    ) as slot
    group by day, device_id, hour_second
),
claim as (
    -- Before it was cut its own sample is all of it.
    select observed.*, observed.seconds * coalesce(slices, cut) as claimed from observed where not is_whole
),
running as (
    select
        claim.*, cast(sum(claimed) over (
            partition by day, device_id, hour_second order by slice_id, part, used_gpus, warm_idle_gpus, unknown_gpus, team, tenant, feature, job_id
            rows between unbounded preceding and current row
        ) as bigint) as upto
    from claim
),
taken as (
    -- Slices that claim more than the device has are cut off, in the order of their names.
    select running.*, least(running.upto, sight.seconds) - least(running.upto - running.claimed, sight.seconds) as had
    from running
    inner join sight on sight.day = running.day and sight.device_id = running.device_id and sight.hour_second = running.hour_second
),
rest as (
    select sight.day, sight.device_id, sight.hour_second, max(sight.seconds) - coalesce(cast(sum(taken.had) as bigint), 0) as had
    from sight
    left join taken on taken.day = sight.day and taken.device_id = sight.device_id and taken.hour_second = sight.hour_second
    group by sight.day, sight.device_id, sight.hour_second
)
select
    day, device_id, hour_second, slice_id, part, gpus, used_gpus, warm_idle_gpus, unknown_gpus, team, tenant, feature, job_id, had as seconds
from taken where had > 0
union all
select
    day, device_id, hour_second, '', cast(-1 as bigint), cast(1 as bigint), cast(0 as bigint), cast(0 as bigint), cast(0 as bigint),
    'unassigned', '(none)', '(none)', '(none)', had
from rest where had > 0
