/*
GPU samples with their holders, sixty slots of an hour in one number: bit k is set where slot k of them has a sample.

grain: one row per device, MIG slice, sixty slots of an hour, source, state and holder
key: [device_id, hour_second, slice_id, source, part, used_gpus, warm_idle_gpus, unknown_gpus, gpus, team, tenant, feature, job_id]
daily: true
must:
  - bit_count(slots) > 0 and used_gpus + warm_idle_gpus + unknown_gpus <= gpus
should:
  - is_counted
*/
-- Of several sources that sample a device in an hour the one that saw the most of it is counted. Its slots are as long as its longest
-- interval of the hour, so that no second counts twice where the interval was changed.
with sample as (
    select
        staged.day, staged.device_id, coalesce(staged.slice_id, '') as slice_id, staged.sampled_second - staged.sampled_second % 3600 as hour_second,
        staged.interval_seconds as length, part_of(staged.sampled_second, staged.interval_seconds) as part,
        coalesce(staged.slots, slot_bit(staged.sampled_second, staged.interval_seconds)) as slots, coalesce(staged.source, '') as source,
        staged.pool, staged.gpu_model, staged.slices, staged.device_slices, staged.gpus, coalesce(staged.used_gpus, 0) as used_gpus,
        coalesce(staged.warm_idle_gpus, 0) as warm_idle_gpus, coalesce(staged.unknown_gpus, 0) as unknown_gpus,
        coalesce(owner.owner_team, staged.team, 'unassigned') as team, coalesce(owner.owner_tenant, staged.tenant, '(none)') as tenant,
        coalesce(owner.owner_feature, staged.feature, '(none)') as feature, coalesce(staged.job_id, '(none)') as job_id
    from staging.gpu_sample as staged
    cross join (
        select count(case when field = 'job_id' then 1 end) as job_rules, count(case when field = 'host' then 1 end) as host_rules
        from book.owner_condition
    ) as asked
    left join book.hour as hour on hour.day = staged.day and hour.hour_second = staged.sampled_second - staged.sampled_second % 3600
    left join core.owner_in_force as owner
        on owner.kind = 'sample' and owner.day = staged.day and owner.book_day = coalesce(hour.book_day, staged.day)
        and owner.pool = coalesce(staged.pool, '')
        and owner.job_id = case when asked.job_rules > 0 then coalesce(staged.job_id, '') else '' end
        and owner.host = case when asked.host_rules > 0 then coalesce(staged.host, '') else '' end
        and owner.team = coalesce(staged.team, '') and owner.tenant = coalesce(staged.tenant, '')
        and owner.feature = coalesce(staged.feature, '') and owner.model = coalesce(staged.gpu_model, '')
        and owner.source = coalesce(staged.source, '')
    where staged.day >= getvariable('from_day') and staged.day < getvariable('to_day')
),
seen as (
    select
        day, device_id, hour_second, source, max(length) as slot_length, row_number() over (
            partition by day, device_id, hour_second order by sum(cast(bit_count(slots) as bigint) * length) desc, source
        ) as choice
    from sample
    group by day, device_id, hour_second, source
),
placed as (
    select sample.*, seen.slot_length, seen.choice = 1 as is_counted
    from sample
    inner join seen
        on seen.day = sample.day and seen.device_id = sample.device_id and seen.hour_second = sample.hour_second and seen.source = sample.source
),
slotted as (
    select placed.*, placed.part as slot_part, placed.slots as slot_bits from placed where placed.length = placed.slot_length
    union all
    select
        placed.*, part_of((placed.part * 60 + bit.minute) * placed.length, placed.slot_length) as slot_part,
        slot_bit((placed.part * 60 + bit.minute) * placed.length, placed.slot_length) as slot_bits
    from placed
    inner join book.minute as bit on (placed.slots >> bit.minute) & 1 = 1
    where placed.length <> placed.slot_length
)
select
    device_id, day, hour_second, slice_id, source, is_counted, slot_part as part, slot_length, bit_or(slot_bits) as slots,
    max(pool) as pool, max(gpu_model) as gpu_model, max(slices) as slices, max(device_slices) as device_slices, gpus, used_gpus,
    warm_idle_gpus, unknown_gpus, team, tenant, feature, job_id
from slotted
group by device_id, day, hour_second, slice_id, source, is_counted, slot_part, slot_length, gpus, used_gpus, warm_idle_gpus, unknown_gpus,
    team, tenant, feature, job_id
