/*
What a GPU-hour costs by how it is bought, for the model that prices each pool and the others of its rate card, at the end of the day.

grain: one row per day, pool, model and tier of the rate card
key: [day, pool, provider, model, served_tier]
daily: true
book_days: true
must:
  - gpu_hour_usd >= 0
*/
with own as (
    select distinct price.book_day, coalesce(device.pool, '(none)') as pool, rate.provider, rate.model
    from core.gpu_price as price
    inner join core.gpu_device as device on device.day = price.day and device.device_id = price.device_id
    inner join rate_cards.rate as rate
        on rate.rate_id = price.rate_id and rate.layer = 'list' and price.book_day >= rate.priced_from and price.book_day < rate.priced_to
    where price.book_day >= getvariable('from_day') and price.book_day < getvariable('to_day')
),
offered as (
    select distinct own.book_day, own.pool, own.provider from own
)
select
    offered.book_day as day, offered.pool, rate.provider, rate.model, rate.served_tier,
    max(coalesce(paid.gpu_hour_usd, rate.gpu_hour_usd)) as gpu_hour_usd,
    max(case when own.model is not null then 1 else 0 end) = 1 as is_own
from offered
inner join rate_cards.rate as rate
    on rate.provider = offered.provider and rate.layer = 'list' and rate.gpu_hour_usd is not null and rate.region = ''
    and rate.starts_at < cast(offered.book_day + 1 as timestamp) and rate.ends_at >= cast(offered.book_day + 1 as timestamp)
    and offered.book_day >= rate.priced_from and offered.book_day < rate.priced_to
left join rate_cards.rate as paid
    on paid.layer = 'effective' and paid.rate_id = rate.rate_id
    and offered.book_day >= paid.priced_from and offered.book_day < paid.priced_to
left join own on own.book_day = offered.book_day and own.pool = offered.pool and own.provider = rate.provider and own.model = rate.model
group by offered.book_day, offered.pool, rate.provider, rate.model, rate.served_tier
