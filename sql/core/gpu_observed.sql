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
with slot as (
    select slot.*, div_trunc(3599, slot.slot_length) as last_slot
    from core.gpu_slot as slot
    where slot.is_counted and slot.day >= getvariable('from_day') and slot.day < getvariable('to_day')
),
part as (
    select
        day, device_id, slice_id, hour_second, part, slot_length, bit_or(slots) as seen, count(*) as rows_of,
        hour_second + part * 60 * slot_length as begins, cast(least(60, last_slot + 1 - part * 60) as bigint) as size
    from slot
    group by day, device_id, slice_id, hour_second, part, slot_length, last_slot
),
neighbour as (
    select
        part.*, max(seen >> (size - 1)) over before as seen_before, max(begins + size * slot_length) over before as ends_before,
        max(seen & 1) over after as seen_after, max(begins) over after as begins_after
    from part
    window before as (partition by device_id, slice_id order by begins rows between 1 preceding and 1 preceding),
        after as (partition by device_id, slice_id order by begins rows between 1 following and 1 following)
),
holed as (
    select
        slot.*, neighbour.size, neighbour.rows_of,
        ~seen & ((seen << 1) | case when ends_before >= begins then seen_before else 0 end)
            & ((seen >> 1) | case when begins_after <= begins + size * neighbour.slot_length then seen_after << (size - 1) else 0 end) as holes
    from slot
    inner join neighbour
        on neighbour.day = slot.day and neighbour.device_id = slot.device_id and neighbour.slice_id = slot.slice_id
        and neighbour.hour_second = slot.hour_second and neighbour.part = slot.part
),
owned as (
    select holed.*, slots as own from holed where rows_of = 1
    union all
    select
        holed.*, slots & ~coalesce(bit_or(slots) over (
            partition by day, device_id, slice_id, hour_second, part
            order by used_gpus desc, warm_idle_gpus desc, unknown_gpus, gpus desc, team, tenant, feature, job_id
            rows between unbounded preceding and 1 preceding
        ), 0) as own
    from holed where rows_of > 1
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
