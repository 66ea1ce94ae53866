/*
The devices of a day: what each is, and the hour from which it is accounted for.

grain: one row per UTC day and device
key: [day, device_id]
daily: true
lookback_days: 1
must:
  - gpus > 0 and device_slices > 0
*/
-- A device that was there the day before is accounted for from midnight; a new one from its first sample.
with seen as (
    select
        day, device_id, max(pool) as pool, max(gpu_model) as gpu_model, max(source) as source, max(gpus) as gpus,
        max(coalesce(device_slices, 1)) as device_slices, min(hour_second) as first_second
    from core.gpu_observed
    where day >= getvariable('from_day') - 1 and day < getvariable('to_day')
    group by day, device_id
)
select
    seen.day, seen.device_id, seen.pool, seen.gpu_model, nullif(seen.source, '') as source, seen.gpus, seen.device_slices,
    case when before.device_id is null then seen.first_second else seen.first_second - seen.first_second % 86400 end as first_second
from seen
left join seen as before on before.device_id = seen.device_id and before.day = seen.day - 1
where seen.day >= getvariable('from_day')
