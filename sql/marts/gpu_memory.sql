/*
How much memory each device took at the peak of its hours, in steps of 256 MiB that are begun: what a smaller card or a slice would have to
hold.

grain: one row per day, device and step of memory
key: [day, device_id, pool, gpu_model, memory_steps]
daily: true
book_days: true
must:
  - device_hours > 0 and memory_steps >= 0
*/
with step as (
    select
        load.book_day, load.device_id, coalesce(load.pool, '(none)') as pool, coalesce(load.gpu_model, '(none)') as gpu_model,
        load.memory_total_bytes, load.utilization_sum, load.utilization_samples,
        cast(div_trunc(load.peak_memory_bytes + 268435455, 268435456) as bigint) as memory_steps
    from core.gpu_load as load
    where load.book_day >= getvariable('from_day') and load.book_day < getvariable('to_day') and load.peak_memory_bytes is not null
)
select
    step.book_day as day, step.device_id, step.pool, step.gpu_model, step.memory_steps, count(*) as device_hours,
    max(step.memory_total_bytes) as memory_total_bytes, cast(sum(step.utilization_sum) as bigint) as utilization_sum,
    cast(sum(step.utilization_samples) as bigint) as utilization_samples
from step
group by step.book_day, step.device_id, step.pool, step.gpu_model, step.memory_steps
