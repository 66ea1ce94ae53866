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
seen as (
    select
        slot.day, coalesce(slot.pool, '(none)') as pool, slot.hour_second + mask.bin * 300 as started_second,
        cast(div_trunc(cast(bit_count(slot.slots & mask.bits) as bigint) * mask.counts
            * case when slot.device_slices > 1 then coalesce(slot.slices, 0) else 1 end, coalesce(slot.device_slices, 1)) as bigint) as seconds,
        slot.gpus, slot.used_gpus, slot.warm_idle_gpus, case when slot.team <> 'unassigned' then slot.unknown_gpus else 0 end as held_unknown
    from core.gpu_observed as slot
    inner join mask on mask.slot_length = slot.slot_length and mask.part = slot.part
    where slot.day >= getvariable('from_day') and slot.day < getvariable('to_day') and slot.slots & mask.bits <> 0
)
select
    seen.day, hour.book_day, seen.pool, seen.started_second, cast(sum(seconds * gpus) as bigint) as seen_seconds,
    cast(sum(seconds * (used_gpus + warm_idle_gpus + held_unknown)) as bigint) as held_seconds,
    cast(sum(seconds * used_gpus) as bigint) as used_seconds
from seen
inner join book.hour as hour on hour.day = seen.day and hour.hour_second = seen.started_second - seen.started_second % 3600
group by seen.day, hour.book_day, seen.pool, seen.started_second
