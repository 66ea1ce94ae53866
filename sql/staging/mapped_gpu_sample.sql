/*
GPU capacity of files a mapping describes: single devices, or counted groups, each once.

grain: one row per device and instant
key: [device_id, sampled_at]
daily: true
kind: gpu_sample
conserves: raw.mapped_gpu_sample
*/
with ranked as (
    select
        record.*,
        row_number() over (
            partition by record.device_id, record.sampled_at
            order by record.used_gpus desc, record.team, record.job_id, record.file_id, record.line
        ) as place,
        count(*) over (partition by record.device_id, record.sampled_at) as copies
    from raw.mapped_gpu_sample as record
    where record.day >= getvariable('from_day') and record.day < getvariable('to_day')
)
select
    ranked.device_id, ranked.day, ranked.sampled_at, ranked.sampled_second, ranked.source,
    coalesce(ranked.interval_seconds, 60) as interval_seconds, ranked.host, ranked.pool, ranked.gpu_model,
    coalesce(ranked.gpus, 1) as gpus, ranked.used_gpus, ranked.warm_idle_gpus, ranked.unknown_gpus, ranked.utilization_percent,
    ranked.memory_used_bytes, ranked.energy_mj, ranked.team, ranked.tenant, ranked.feature, ranked.job_id, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
