/*
What customers pay for the units of value that were delivered, beside their fully loaded cost: of units that have a price (`price_usd`).

grain: one row per day and unit of value that has a price on it
key: [day, unit]
daily: true
must:
  - margin_usd = revenue_usd - cost_usd
  - successes <= units
*/
-- Nobody pays for one that failed: its cost is borne by those that were delivered.
with priced as (
    select
        cost.day, cost.unit, max(cost.label) as label, max(price.price_usd) as price_usd, cast(sum(cost.units) as bigint) as units,
        cast(sum(cost.successes) as bigint) as successes, cast(sum(cost.cost_usd) as decimal(38,12)) as cost_usd
    from book.unit_price as price
    inner join marts.unit_cost as cost on cost.unit = price.unit and cost.day >= price.starts_on and cost.day < price.ends_on
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
    group by cost.day, cost.unit
)
select
    priced.day, priced.unit, priced.label, priced.price_usd, priced.units, priced.successes, priced.cost_usd,
    cast(priced.successes * priced.price_usd as decimal(38,12)) as revenue_usd,
    cast(priced.successes * priced.price_usd - priced.cost_usd as decimal(38,12)) as margin_usd
from priced
