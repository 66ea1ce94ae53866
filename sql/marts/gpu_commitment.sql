/*
How far the GPUs that are reserved or owned were there to be had, and what the hours without a device for them cost.

grain: one row per day and commitment of GPUs
key: [day, commitment]
daily: true
book_days: true
must:
  - used_seconds <= capacity_seconds
  - unused_cost_usd <= cost_usd
*/
select
    held.book_day as day, held.commitment, max(held.kind) as kind, max(held.owner) as owner, count(*) as hours,
    cast(sum(cast(held.capacity as bigint)) as bigint) as capacity_seconds, cast(sum(cast(held.used as bigint)) as bigint) as used_seconds,
    cast(min(cast(held.capacity - held.used as bigint)) as bigint) as least_unused_seconds,
    cast(sum(held.cost_usd) as decimal(38,12)) as cost_usd, cast(sum(held.unused_cost_usd) as decimal(38,12)) as unused_cost_usd
from core.commitment_hour as held
where held.kind in ('reserved_gpu', 'owned_gpu') and held.book_day >= getvariable('from_day') and held.book_day < getvariable('to_day')
group by held.book_day, held.commitment
