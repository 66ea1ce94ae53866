/*
How many GPUs of a pool were seen, held and at work in each five minutes, in GPU seconds of those 300: what the size of a pool has to meet.

grain: one row per pool and five minutes with a sample
key: [pool, started_second]
daily: true
must:
  - used_seconds <= held_seconds and held_seconds <= seen_seconds
*/
with bin as (
    -- The slots that begin in each five minutes; of slots longer than that the one in which they begin.
    select
        length.slot_length, minute.minute as bin, case when slot_length > 300 then 300 else slot_length end as counts,
        case when slot_length > 300 then slot_of(minute.minute * 300, slot_length)
            else slot_of(minute.minute * 300 + slot_length - 1, slot_length) end as first_slot,
        case when slot_length > 300 then slot_of(minute.minute * 300, slot_length)
            else slot_of(minute.minute * 300 + 299, slot_length) end as last_slot
    from (select distinct slot_length from core.gpu_observed where day >= getvariable('from_day') and day < getvariable('to_day')) as length
    inner join book.minute as minute on minute.minute < 12
),
part as (
    select
        bin.slot_length, bin.bin, bin.counts, number.minute as part,
        greatest(bin.first_slot, number.minute * 60) - number.minute * 60 as first_bit,
        least(bin.last_slot, number.minute * 60 + 59) - number.minute * 60 as last_bit
    from bin
    inner join book.minute as number on bin.first_slot < number.minute * 60 + 60 and bin.last_slot >= number.minute * 60
),
mask as (
    select part.*, ((cast(1 as bigint) << (last_bit - first_bit + 1)) - 1) << first_bit as bits from part
),
-- In twenty-eighths of a device, of which slices of seven and of four are whole numbers.
stretch as (
    select
        day, pool, hour_second, part, slot_length, slots, case when device_slices > 1 then 0 else 28 * gpus end as seen,
        case when device_slices > 1 then cast(div_trunc(28 * coalesce(slices, 0), device_slices) as bigint) else 28 end as weight,
        used_gpus, used_gpus + warm_idle_gpus + case when team <> 'unassigned' then unknown_gpus else 0 end as held_gpus
    from core.gpu_observed
    where day >= getvariable('from_day') and day < getvariable('to_day')
    union all
    -- A device that is cut is seen whole through its own samples and through those of any slice.
    select day, max(pool) as pool, hour_second, part, slot_length, bit_or(slots) as slots, 28, 0, 0, 0
    from core.gpu_observed
    where device_slices > 1 and day >= getvariable('from_day') and day < getvariable('to_day')
    group by day, device_id, hour_second, part, slot_length
),
seen as (
    select
        stretch.*, stretch.hour_second + mask.bin * 300 as started_second,
        cast(bit_count(stretch.slots & mask.bits) as bigint) * mask.counts as seconds
    from stretch
    inner join mask on mask.slot_length = stretch.slot_length and mask.part = stretch.part
    where stretch.slots & mask.bits <> 0
)
select
    seen.day, hour.book_day, coalesce(seen.pool, '(none)') as pool, seen.started_second,
    cast(div_trunc(sum(seconds * seen), 28) as bigint) as seen_seconds,
    -- Slices may claim more than there is.
    cast(div_trunc(least(sum(seconds * weight * held_gpus), sum(seconds * seen)), 28) as bigint) as held_seconds,
    cast(div_trunc(least(sum(seconds * weight * used_gpus), sum(seconds * seen)), 28) as bigint) as used_seconds
from seen
inner join book.hour as hour on hour.day = seen.day and hour.hour_second = seen.started_second - seen.started_second % 3600
group by seen.day, hour.book_day, coalesce(seen.pool, '(none)'), seen.started_second
