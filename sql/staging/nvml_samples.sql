/*
GPU samples: used where anything ran, warm idle where memory (above 1 GiB), processes or a job hold it, unknown where NVML has no utilisation.

grain: one row per device or MIG slice, sixty slots of its interval, state and holder
key: [device_id, day, place]
daily: true
kind: gpu_sample
conserves: raw.nvml_samples
*/
with judged as (
    select
        sample.*, coalesce(sample.parent_uuid, sample.uuid) as device_id, case when sample.parent_uuid is not null then sample.uuid end as slice_id,
        sample.sampled_second - sample.sampled_second % 3600 as hour_second,
        -- Numbers of seconds and millijoules in one, so that the first and the last counter can be told without a window.
        case when sample.total_energy_mj < 1000000000000000 then sample.sampled_second % 3600 * 1000000000000000 + sample.total_energy_mj end as timed_mj,
        -- A GPU cut into MIG slices has no utilisation of its own, whatever figure is given for it. A slice has none in NVML: nobody uses one
        -- without processes, and of one with some nobody knows.
        case when sample.utilization_gpu > 0 and (coalesce(sample.mig_mode, 0) <> 1 or sample.uuid like 'MIG-%') then 'used'
            when sample.parent_uuid is not null and sample.processes = 0 and coalesce(sample.memory_used_bytes, 0) <= 1073741824 then 'free idle'
            when sample.utilization_gpu is null or (sample.mig_mode = 1 and sample.uuid not like 'MIG-%') then 'unknown'
            when coalesce(sample.processes, 0) > 0 or coalesce(sample.memory_used_bytes, 0) > 1073741824 or sample.job_id is not null then 'warm idle'
            else 'free idle' end as state
    from raw.nvml_samples as sample
    where sample.day >= getvariable('from_day') and sample.day < getvariable('to_day')
),
gathered as (
    -- Samples once a second are 86,400 of a device and day; what they say of sixty slots is one number.
    select
        device_id, slice_id, day, hour_second, interval_seconds, part_of(sampled_second, interval_seconds) as part, state, source,
        team, tenant, feature, job_id, file_id, min(sampled_at) as sampled_at, min(sampled_second) as sampled_second, max(sampled_second) as last_second,
        bit_or(slot_bit(sampled_second, interval_seconds)) as slots, max(host) as host, max(pool) as pool, max(name) as gpu_model,
        max(slices) as slices, max(device_slices) as device_slices, cast(sum(utilization_gpu) as bigint) as utilization_percent,
        count(utilization_gpu) as utilization_samples, max(memory_used_bytes) as memory_used_bytes, max(memory_total_bytes) as memory_total_bytes,
        max(timed_mj) % 1000000000000000 as energy_mj, min(timed_mj) % 1000000000000000 as first_energy_mj,
        min(case when timed_mj is not null then total_energy_mj end) as least_energy_mj,
        max(case when timed_mj is not null then total_energy_mj end) as most_energy_mj, count(*) as copies
    from judged
    group by device_id, slice_id, day, hour_second, interval_seconds, part_of(sampled_second, interval_seconds), state, source,
        team, tenant, feature, job_id, file_id
)
select
    device_id, day, row_number() over (
        partition by day, device_id
        order by hour_second, slice_id, interval_seconds, part, state, source, team, tenant, feature, job_id, file_id
    ) as place,
    sampled_at, sampled_second, interval_seconds, slots, last_second, source, host, pool, gpu_model, slice_id, slices, device_slices,
    cast(1 as bigint) as gpus, cast(case state when 'used' then 1 else 0 end as bigint) as used_gpus,
    cast(case state when 'warm idle' then 1 else 0 end as bigint) as warm_idle_gpus,
    cast(case state when 'unknown' then 1 else 0 end as bigint) as unknown_gpus, utilization_percent, utilization_samples,
    memory_used_bytes, memory_total_bytes, energy_mj, first_energy_mj, least_energy_mj, most_energy_mj, team, tenant, feature, job_id,
    file_id, copies
from gathered
