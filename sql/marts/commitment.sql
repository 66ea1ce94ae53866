/*
What each commitment cost and how far it was used, beside what it served at list; GPU hours without a device for them are unused.

grain: one row per day and commitment
key: [day, commitment]
daily: true
book_days: true
must:
  - used <= capacity
  - used_cost_usd + unused_cost_usd = cost_usd
*/
-- Unlisted: calls and GPU hours that it served and that have no price at list.
with listed as (
    select
        part.book_day, part.commitment, sum(part.list_usd) as list_usd, sum(part.open_list_usd) as open_list_usd,
        sum(part.unlisted) as unlisted
    from core.commitment_list as part
    where part.book_day >= getvariable('from_day') and part.book_day < getvariable('to_day')
    group by part.book_day, part.commitment
),
held as (
    select
        hour.book_day, hour.commitment, max(hour.kind) as kind, max(hour.provider) as provider, max(hour.owner) as owner,
        max(hour.capacity_unit) as capacity_unit, count(*) as hours, sum(hour.capacity) as capacity, sum(hour.used) as used,
        sum(hour.overflow) as overflow, min(hour.capacity - hour.used) as least_unused, sum(hour.cost_usd) as cost_usd,
        sum(hour.used_cost_usd) as used_cost_usd, sum(hour.unused_cost_usd) as unused_cost_usd
    from core.commitment_hour as hour
    where hour.book_day >= getvariable('from_day') and hour.book_day < getvariable('to_day')
    group by hour.book_day, hour.commitment
)
select
    held.book_day as day, held.commitment, held.kind, held.provider, held.owner, held.capacity_unit, cast(held.hours as bigint) as hours,
    cast(held.capacity as decimal(38,6)) as capacity, cast(held.used as decimal(38,6)) as used,
    cast(held.overflow as decimal(38,6)) as overflow, cast(held.least_unused as decimal(38,6)) as least_unused,
    cast(held.cost_usd as decimal(38,12)) as cost_usd, cast(held.used_cost_usd as decimal(38,12)) as used_cost_usd,
    cast(held.unused_cost_usd as decimal(38,12)) as unused_cost_usd, cast(coalesce(listed.list_usd, 0) as decimal(38,12)) as list_usd,
    cast(coalesce(listed.open_list_usd, 0) as decimal(38,12)) as open_list_usd, cast(coalesce(listed.unlisted, 0) as bigint) as unlisted
from held
left join listed on listed.book_day = held.book_day and listed.commitment = held.commitment
