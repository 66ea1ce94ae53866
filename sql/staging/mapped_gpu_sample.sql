/*
GPU capacity of files a mapping describes: single devices, or counted groups, each once.

grain: one row per device, MIG slice and instant
key: [device_id, sampled_at, place]
daily: true
kind: gpu_sample
conserves: raw.mapped_gpu_sample
*/
with ranked as (
    select
        record.*,
        row_number() over (
            partition by record.device_id, record.sampled_at, record.slice_id
            order by record.used_gpus desc, record.team, record.job_id, record.file_id, record.line
        ) as choice,
        count(*) over (partition by record.device_id, record.sampled_at, record.slice_id) as copies
    from raw.mapped_gpu_sample as record
    where record.day >= getvariable('from_day') and record.day < getvariable('to_day')
),
judged as (
    select
        ranked.*, coalesce(ranked.gpus, 1) as all_gpus,
        -- Where a file counts no used GPUs, its utilisation tells; where it has neither, nothing is known.
        case when ranked.used_gpus is not null then 'counted' when ranked.utilization_percent is null then 'unknown'
            when ranked.utilization_percent > 0 then 'used'
            when coalesce(ranked.memory_used_bytes, 0) > 1073741824 or ranked.job_id is not null then 'warm idle' else 'free idle' end as state
    from ranked
    where ranked.choice = 1
)
select
    judged.device_id, judged.day, judged.sampled_at, judged.sampled_second, judged.source,
    coalesce(judged.interval_seconds, 60) as interval_seconds, judged.host, judged.pool, judged.gpu_model,
    judged.slice_id, judged.slices, judged.device_slices,
    row_number() over (partition by judged.device_id, judged.sampled_at order by judged.slice_id) as place, judged.all_gpus as gpus,
    case judged.state when 'counted' then judged.used_gpus when 'used' then judged.all_gpus else 0 end as used_gpus,
    case judged.state when 'counted' then coalesce(judged.warm_idle_gpus, 0) when 'warm idle' then judged.all_gpus else 0 end as warm_idle_gpus,
    case judged.state when 'counted' then coalesce(judged.unknown_gpus, 0) when 'unknown' then judged.all_gpus else 0 end as unknown_gpus,
    judged.utilization_percent, judged.memory_used_bytes, judged.memory_total_bytes, judged.energy_mj, judged.pending_gpus,
    judged.pending_jobs, judged.team, judged.tenant, judged.feature, judged.job_id, judged.file_id, judged.copies
from judged
