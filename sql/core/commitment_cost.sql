/*
What a commitment costs and can hold in each hour: its price spread evenly over the hours it covers, used or not.

grain: one row per commitment and UTC hour
key: [commitment, started_at]
daily: true
must:
  - cost_usd >= 0
  - capacity > 0
*/
with held as (
    select
        entry.commitment, hour.started_at, hour.day, hour.book_day, max(entry.kind) as kind, max(entry.provider) as provider,
        max(entry.owner) as owner, max(case when entry.is_billed then 1 else 0 end) as billed,
        cast(sum(entry.capacity) as decimal(38,6)) as capacity
    from book.hour as hour
    inner join book.commitment as entry on hour.day >= entry.starts_on and hour.day < entry.ends_on
    where hour.day >= getvariable('from_day') and hour.day < getvariable('to_day')
    group by entry.commitment, hour.started_at, hour.day, hour.book_day
),
price as (
    select
        price.commitment, hour.started_at,
        -- The pico-dollars a term does not divide into go to its first hours.
        sum(to_pico(price.hour_usd) + case when hour.hour_second < price.first_second + price.extra_hours * 3600 then 1 else 0 end) as pico
    from book.hour as hour
    inner join book.commitment_price as price on hour.day >= price.starts_on and hour.day < price.ends_on
    where hour.day >= getvariable('from_day') and hour.day < getvariable('to_day')
    group by price.commitment, hour.started_at
)
select
    held.commitment, held.kind, held.started_at, held.day, held.book_day, held.provider, held.owner, held.billed = 1 as is_billed,
    held.capacity, to_usd(price.pico) as cost_usd
from held
inner join price on price.commitment = held.commitment and price.started_at = held.started_at
