/*
Seconds each device spent in each state per hour: samples stand for their slot, and what no sample covers is unknown.

grain: one row per device, hour, team and state
key: [device_id, hour_second, team, state]
daily: true
lookback_days: 1
must:
  - seconds > 0 and seconds <= gpus * 3600
*/
with sample as (
    select
        staged.*, coalesce(owner.owner_team, staged.team) as holder,
        staged.sampled_second - staged.sampled_second % staged.interval_seconds as slot_second,
        row_number() over (
            partition by staged.day, staged.device_id, staged.sampled_second - staged.sampled_second % staged.interval_seconds
            order by staged.sampled_second desc, staged.used_gpus desc, staged.team, staged.job_id, staged.interval_seconds
        ) as place
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
    where staged.day >= getvariable('from_day') - 1 and staged.day < getvariable('to_day')
),
ordered as (
    select
        day, device_id, sampled_second - sampled_second % 3600 as hour_second, holder as team, pool, gpu_model, source, gpus,
        coalesce(used_gpus, 0) as used, coalesce(warm_idle_gpus, 0) as warm, coalesce(unknown_gpus, 0) as unknown, slot_second,
        -- A slot that reaches over the hour counts inside it only.
        case when slot_second % 3600 + interval_seconds > 3600 then 3600 - slot_second % 3600 else interval_seconds end as length,
        min(slot_second) over (
            partition by day, device_id order by slot_second rows between 1 following and 1 following
        ) as next_second
    from sample
    where place = 1
),
slot as (
    -- Slots of samples of different intervals overlap: each lasts until the next one begins.
    select ordered.*, case when next_second - slot_second < length then next_second - slot_second else length end as seconds
    from ordered
),
device as (
    select
        slot.day, slot.device_id, max(slot.pool) as pool, max(slot.gpu_model) as gpu_model, max(slot.source) as source,
        max(slot.gpus) as gpus, case when max(before.device_id) is null then min(slot.hour_second) else cast(0 as bigint) end as first_second
    from slot
    left join (select distinct day, device_id from slot) as before on before.device_id = slot.device_id and before.day = slot.day - 1
    where slot.day >= getvariable('from_day')
    group by slot.day, slot.device_id
),
known as (
    select day, device_id, hour_second, coalesce(team, 'unassigned') as team, 'used' as state, seconds * used as seconds from slot
    union all
    select day, device_id, hour_second, coalesce(team, 'unassigned') as team, 'warm_idle' as state, seconds * warm as seconds from slot
    union all
    select day, device_id, hour_second, coalesce(team, 'unassigned') as team, 'unknown' as state, seconds * unknown as seconds from slot
    union all
    select day, device_id, hour_second, 'unassigned' as team, 'free_idle' as state, seconds * (gpus - used - warm - unknown) as seconds
    from slot
),
gap as (
    select
        device.day, device.device_id, hour.hour_second, 'unassigned' as team, 'unknown' as state,
        device.gpus * 3600 - coalesce(cast(sum(known.seconds) as bigint), 0) as seconds
    from device
    inner join book.hour as hour on hour.day = device.day and hour.hour_second >= device.first_second
    left join known on known.day = device.day and known.device_id = device.device_id and known.hour_second = hour.hour_second
    group by device.day, device.device_id, hour.hour_second, device.gpus
)
select
    part.day, part.device_id, part.hour_second, part.team, part.state, device.pool, device.gpu_model, device.source, device.gpus,
    cast(sum(part.seconds) as bigint) as seconds
from (
    select day, device_id, hour_second, team, state, seconds from known
    union all
    select day, device_id, hour_second, team, state, seconds from gap
) as part
inner join device on device.day = part.day and device.device_id = part.device_id
where part.seconds <> 0 and part.day >= getvariable('from_day')
group by part.day, part.device_id, part.hour_second, part.team, part.state, device.pool, device.gpu_model, device.source, device.gpus
