/*
The slots of each hour in which a device, or a MIG slice of it, was seen, by what it did and for whom; a slot counts once.

grain: one row per device, MIG slice, sixty slots of an hour, state and holder
key: [device_id, hour_second, slice_id, part, used_gpus, warm_idle_gpus, unknown_gpus, gpus, team, tenant, feature, job_id]
daily: true
must:
  - seconds > 0 and seconds <= 3600
*/
-- In a slot with several samples the busiest counts. One slot without a sample between two that have one is the unsteady pace of the sampler:
-- it counts to the sample before it. Any longer gap stays one.
with ordered as (
    select
        slot.*, bit_or(slots) over (partition by day, device_id, slice_id, hour_second, part) as seen, bit_or(slots) over (
            partition by day, device_id, slice_id, hour_second, part
            order by used_gpus desc, warm_idle_gpus desc, unknown_gpus, gpus desc, team, tenant, feature, job_id
            rows between unbounded preceding and 1 preceding
        ) as busier, div_trunc(3599, slot_length) as last_slot
    from core.gpu_slot as slot
    where slot.is_counted and slot.day >= getvariable('from_day') and slot.day < getvariable('to_day')
),
part as (
    select
        day, device_id, slice_id, hour_second, part, seen, slot_length, hour_second + part * 60 * slot_length as begins,
        cast(least(60, last_slot + 1 - part * 60) as bigint) as size
    from ordered
    group by day, device_id, slice_id, hour_second, part, seen, slot_length, last_slot
),
neighbour as (
    select
        part.*, max(seen >> (size - 1)) over before as seen_before, max(begins + size * slot_length) over before as ends_before,
        max(seen & 1) over after as seen_after, max(begins) over after as begins_after
    from part
    window before as (partition by device_id, slice_id order by begins rows between 1 preceding and 1 preceding),
        after as (partition by device_id, slice_id order by begins rows between 1 following and 1 following)
),
hole as (
    select
        day, device_id, slice_id, hour_second, part, size,
        ~seen & ((seen << 1) | case when ends_before >= begins then seen_before else 0 end)
            & ((seen >> 1) | case when begins_after <= begins + size * slot_length then seen_after << (size - 1) else 0 end) as holes
    from neighbour
),
owned as (
    select
        ordered.*, hole.size, slots & ~coalesce(busier, 0) as own, hole.holes
    from ordered
    inner join hole
        on hole.day = ordered.day and hole.device_id = ordered.device_id and hole.slice_id = ordered.slice_id
        and hole.hour_second = ordered.hour_second and hole.part = ordered.part
),
filled as (
    -- A hole at the start of the sixty counts to the sample after it: the one before it stands in another row.
    select owned.*, own | ((own << 1) & holes) | ((own >> 1) & holes & 1) as whole from owned where own <> 0
)
select
    device_id, day, hour_second, slice_id, part, slot_length, whole as slots,
    slot_seconds(whole, part, slot_length) as seconds,
    source, pool, gpu_model, slices, device_slices, gpus, used_gpus, warm_idle_gpus, unknown_gpus, team, tenant, feature, job_id
from filled
