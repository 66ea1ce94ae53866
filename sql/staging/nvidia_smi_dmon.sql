/*
GPU samples of nvidia-smi dmon: used where anything ran, warm idle where memory (above 1 GiB) is held, unknown where there is no figure.

grain: one row per device and instant
key: [device_id, sampled_at]
daily: true
kind: gpu_sample
conserves: raw.nvidia_smi_dmon
*/
with named as (
    select
        sample.*,
        -- The number of a GPU says nothing without its host; of a host without a name the source is told apart.
        concat(coalesce(sample.host, sample.source), '/gpu-', cast(sample.gpu_index as varchar)) as device_id
    from raw.nvidia_smi_dmon as sample
    where sample.day >= getvariable('from_day') and sample.day < getvariable('to_day')
),
ranked as (
    select
        named.*,
        row_number() over (
            partition by named.device_id, named.sampled_at
            order by coalesce(named.utilization_percent, -1) desc, coalesce(named.memory_used_bytes, -1) desc, named.file_id, named.line
        ) as place,
        count(*) over (partition by named.device_id, named.sampled_at) as copies
    from named
),
judged as (
    select
        ranked.*,
        case when ranked.utilization_percent is null then 'unknown'
            when ranked.utilization_percent > 0 then 'used'
            when coalesce(ranked.memory_used_bytes, 0) > 1073741824 then 'warm idle' else 'free idle' end as state
    from ranked
    where ranked.place = 1
)
select
    judged.device_id, judged.day, judged.sampled_at, judged.sampled_second, judged.interval_seconds, judged.source, judged.host,
    judged.pool, judged.gpu_model, cast(1 as bigint) as gpus,
    cast(case judged.state when 'used' then 1 else 0 end as bigint) as used_gpus,
    cast(case judged.state when 'warm idle' then 1 else 0 end as bigint) as warm_idle_gpus,
    cast(case judged.state when 'unknown' then 1 else 0 end as bigint) as unknown_gpus,
    judged.utilization_percent, judged.memory_used_bytes,
    judged.file_id, judged.copies
from judged
