/*
GPU samples of DCGM metrics kept by Prometheus: used where anything ran, warm idle where memory (above 1 GiB) is held or a job has it, unknown where there is no figure.

grain: one row per device, or MIG slice whose size is known, and slot of its interval
key: [device_id, sampled_at, place]
daily: true
kind: gpu_sample
conserves: raw.prometheus_query_range
*/
with named as (
    select
        point.*, point.sampled_second - point.sampled_second % 3600 as hour_second,
        coalesce(point.uuid, concat(coalesce(point.host, point.source), '/gpu-', cast(point.gpu_index as varchar))) as device_id,
        case when point.utilization_ppm is null and point.engine_ppm is null then null else point.interval_seconds end as active_interval
    from raw.prometheus_query_range as point
    where point.day >= getvariable('from_day') and point.day < getvariable('to_day')
),
paced as (
    select
        named.*,
        -- One interval per device and hour, so that no second counts twice: that of activity. Other metrics may come at other instants.
        coalesce(
            min(named.active_interval) over (partition by named.device_id, named.hour_second),
            min(named.interval_seconds) over (partition by named.device_id, named.hour_second)
        ) as pace,
        max(named.device_slices) over (partition by named.device_id, named.hour_second) as cut
    from named
),
part as (
    select
        device_id, day, hour_second, pace, sampled_second - sampled_second % pace as slot, slice_id,
        max(slices) as slices, max(cut) as cut, max(sampled_at) as sampled_at,
        max(sampled_second) as sampled_second, max(source) as source, max(host) as host, max(pool) as pool, max(gpu_model) as gpu_model,
        max(utilization_ppm) as utilization_ppm, max(engine_ppm) as engine_ppm, max(memory_used_bytes) as memory_used_bytes,
        max(energy_mj) as energy_mj, min(team) as first_team, max(team) as last_team, max(job_id) as job_id, min(file_id) as file_id,
        count(*) as copies
    from paced
    group by device_id, day, hour_second, pace, sampled_second - sampled_second % pace, slice_id
),
device as (
    select
        device_id, day, pace as interval_seconds, max(sampled_at) as sampled_at, max(sampled_second) as sampled_second, max(source) as source,
        max(host) as host, max(pool) as pool, max(gpu_model) as gpu_model, max(engine_ppm) as engine_ppm,
        case when slices is not null then slice_id end as sized_id, max(slices) as slices, max(cut) as cut, count(slice_id) as seen_slices,
        max(case when slice_id is null then utilization_ppm end) as utilization_ppm, max(energy_mj) as energy_mj,
        count(case when slice_id is not null and engine_ppm is null then 1 end) as unseen_slices,
        max(case when slice_id is null then memory_used_bytes end) as own_bytes,
        cast(sum(case when slice_id is not null then memory_used_bytes end) as bigint) as slice_bytes,
        case when min(first_team) = max(last_team) then max(last_team) end as team, max(job_id) as job_id, min(file_id) as file_id,
        cast(sum(copies) as bigint) as copies
    from part
    group by device_id, day, hour_second, pace, slot, case when slices is not null then slice_id end
),
judged as (
    select
        device.*,
        -- A GPU cut into MIG slices has no utilisation of its own, whatever figure is given for it; some exporters give 0.
        case when coalesce(engine_ppm, 0) > 0 or (seen_slices = 0 and coalesce(utilization_ppm, 0) > 0) then 'used'
            when unseen_slices > 0 or (engine_ppm is null and (seen_slices > 0 or utilization_ppm is null)) then 'unknown'
            when coalesce(own_bytes, slice_bytes, 0) > 1073741824 or coalesce(slice_bytes, 0) > 1073741824 or job_id is not null then 'warm idle'
            else 'free idle' end as state
    from device
)
select
    device_id, day, sampled_at, sampled_second, interval_seconds, source, host, pool, gpu_model,
    sized_id as slice_id, slices, cut as device_slices, row_number() over (partition by device_id, sampled_at order by sized_id) as place,
    cast(1 as bigint) as gpus,
    cast(case state when 'used' then 1 else 0 end as bigint) as used_gpus,
    cast(case state when 'warm idle' then 1 else 0 end as bigint) as warm_idle_gpus,
    cast(case state when 'unknown' then 1 else 0 end as bigint) as unknown_gpus,
    case when seen_slices = 0 then cast(div_trunc(coalesce(utilization_ppm, engine_ppm) + 5000, 10000) as bigint) end as utilization_percent,
    coalesce(own_bytes, slice_bytes) as memory_used_bytes, energy_mj, team, job_id, file_id, copies
from judged
