/*
How hard each device worked in each hour: utilisation, memory, and energy by its counter. Energy is a lower bound where it is partial.

grain: one row per device and UTC hour with a sample
key: [device_id, started_at]
daily: true
lookback_days: 1
must:
  - energy_mj is null or energy_mj >= 0
  - utilization_sum <= utilization_samples * 100
*/
with sample as (
    select
        staged.*, staged.sampled_second - staged.sampled_second % 3600 as hour_second,
        staged.sampled_second % 3600 * 1000000000000000 + coalesce(staged.first_energy_mj, staged.energy_mj) as first_mj,
        coalesce(staged.last_second, staged.sampled_second) % 3600 * 1000000000000000 + staged.energy_mj as last_mj
    from staging.gpu_sample as staged
    inner join (
        select distinct day, device_id, hour_second, source from core.gpu_slot
        where is_counted and day >= getvariable('from_day') - 1 and day < getvariable('to_day')
    ) as counted
        on counted.day = staged.day and counted.device_id = staged.device_id and counted.source = coalesce(staged.source, '')
        and counted.hour_second = staged.sampled_second - staged.sampled_second % 3600
    where staged.slice_id is null and staged.day >= getvariable('from_day') - 1 and staged.day < getvariable('to_day')
),
hour as (
    select
        day, device_id, hour_second, max(pool) as pool, max(gpu_model) as gpu_model, cast(sum(copies) as bigint) as samples,
        cast(coalesce(sum(utilization_percent), 0) as bigint) as utilization_sum,
        cast(sum(coalesce(utilization_samples, case when utilization_percent is null then 0 else 1 end)) as bigint) as utilization_samples,
        max(memory_used_bytes) as peak_memory_bytes, max(memory_total_bytes) as memory_total_bytes,
        min(first_mj) % 1000000000000000 as first_mj, max(last_mj) % 1000000000000000 as last_mj,
        min(coalesce(least_energy_mj, energy_mj)) as least_mj, max(coalesce(most_energy_mj, energy_mj)) as most_mj
    from sample
    group by day, device_id, hour_second
),
followed as (
    select
        hour.*, max(hour_second) over before as before_second, max(last_mj) over before as before_mj
    from hour
    window before as (partition by device_id order by hour_second rows between 1 preceding and 1 preceding)
)
select
    followed.device_id, hour.started_at, followed.day, hour.book_day, followed.hour_second, followed.pool, followed.gpu_model, followed.samples,
    followed.utilization_sum, followed.utilization_samples, followed.peak_memory_bytes, followed.memory_total_bytes,
    -- Within the hour, round a counter that was set back; and since the last sample of the hour before.
    case when least_mj = first_mj and most_mj = last_mj then last_mj - first_mj else most_mj - first_mj + last_mj - least_mj end
        + case when before_second = followed.hour_second - 3600 and first_mj >= before_mj then first_mj - before_mj else 0 end as energy_mj,
    coalesce(least_mj < first_mj or last_mj < most_mj or (before_second = followed.hour_second - 3600 and first_mj < before_mj), false) as is_energy_reset,
    first_mj is not null and not (
        least_mj = first_mj and most_mj = last_mj and coalesce(before_second = followed.hour_second - 3600 and first_mj >= before_mj, false)
    ) as is_energy_partial
from followed
inner join book.hour as hour on hour.day = followed.day and hour.hour_second = followed.hour_second
where followed.day >= getvariable('from_day')
