/*
How far each hour of a commitment was used, and what its used and unused parts cost; use above its capacity is shown, and not part of it.

grain: one row per commitment and UTC hour
key: [commitment, started_at]
daily: true
must:
  - used_cost_usd + unused_cost_usd = cost_usd
  - used_cost_usd >= 0 and unused_cost_usd >= 0
  - used >= 0 and overflow >= 0 and used <= capacity
*/
with used as (
    select
        held.commitment, held.started_at, cast(sum(held.used) as decimal(38,6)) as used, cast(null as decimal(38,6)) as served,
        cast(sum(held.cost_usd) as decimal(38,12)) as used_cost_usd
    from core.commitment_use as held
    where held.day >= getvariable('from_day') and held.day < getvariable('to_day')
    group by held.commitment, held.started_at
    union all
    select
        price.commitment, price.started_at, cast(sum(price.seconds) as decimal(38,6)) as used,
        cast(sum(price.covered_seconds) as decimal(38,6)) as served, cast(sum(price.covered_cost_usd) as decimal(38,12)) as used_cost_usd
    from core.gpu_price as price
    where price.day >= getvariable('from_day') and price.day < getvariable('to_day') and price.commitment is not null
    group by price.commitment, price.started_at
),
held as (
    select
        cost.commitment, cost.kind, cost.started_at, cost.day, cost.book_day, cost.provider, cost.owner, cost.is_billed, cost.capacity,
        cost.cost_usd, coalesce(used.used, 0) as wanted, coalesce(used.served, least(coalesce(used.used, 0), cost.capacity)) as used,
        coalesce(used.used_cost_usd, 0) as used_cost_usd
    from core.commitment_cost as cost
    left join used on used.commitment = cost.commitment and used.started_at = cost.started_at
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
)
select
    held.commitment, held.kind, held.started_at, held.day, held.book_day, held.provider, held.owner, held.is_billed,
    case held.kind when 'provisioned_throughput' then 'weighted tokens' else 'GPU seconds' end as capacity_unit, held.capacity,
    cast(held.used as decimal(38,6)) as used, cast(held.wanted - held.used as decimal(38,6)) as overflow, held.cost_usd,
    cast(held.used_cost_usd as decimal(38,12)) as used_cost_usd,
    cast(held.cost_usd - held.used_cost_usd as decimal(38,12)) as unused_cost_usd
from held
