/*
GPU samples: used where anything ran, warm idle where memory (above 1 GiB) or processes are held, unknown where NVML has no utilisation.

grain: one row per device and instant
key: [device_id, sampled_at]
daily: true
kind: gpu_sample
conserves: raw.nvml_samples
*/
with ranked as (
    select
        sample.*,
        row_number() over (
            partition by sample.uuid, sample.sampled_at
            order by sample.utilization_gpu desc, sample.memory_used_bytes desc, sample.team, sample.job_id, sample.file_id, sample.line
        ) as place,
        count(*) over (partition by sample.uuid, sample.sampled_at) as copies
    from raw.nvml_samples as sample
    where sample.day >= getvariable('from_day') and sample.day < getvariable('to_day')
),
judged as (
    select
        ranked.*,
        -- A GPU cut into MIG slices has no utilisation of its own, whatever figure is given for it.
        case when ranked.utilization_gpu is null or (ranked.mig_mode = 1 and ranked.uuid not like 'MIG-%') then 'unknown'
            when ranked.utilization_gpu > 0 then 'used'
            when coalesce(ranked.processes, 0) > 0 or coalesce(ranked.memory_used_bytes, 0) > 1073741824 then 'warm idle' else 'free idle' end as state
    from ranked
    where ranked.place = 1
)
select
    judged.uuid as device_id, judged.day, judged.sampled_at, judged.sampled_second, judged.interval_seconds, judged.source, judged.host,
    judged.pool, judged.name as gpu_model, cast(1 as bigint) as gpus,
    cast(case judged.state when 'used' then 1 else 0 end as bigint) as used_gpus,
    cast(case judged.state when 'warm idle' then 1 else 0 end as bigint) as warm_idle_gpus,
    cast(case judged.state when 'unknown' then 1 else 0 end as bigint) as unknown_gpus,
    judged.utilization_gpu as utilization_percent, judged.memory_used_bytes, judged.total_energy_mj as energy_mj,
    judged.team, judged.tenant, judged.feature, judged.job_id, judged.file_id, judged.copies
from judged
