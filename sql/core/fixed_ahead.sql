/*
Fixed amounts that begin or end later in the month: shared pools with a monthly amount, and commitments, beside what they are on a day.

grain: one row per day that asks, day to come and name, where its amount is another one than on the day that asks
key: [day, on_day, kind, name]
daily: true
must:
  - on_day > day
*/
with fixed as (
    select calendar.day, 'pool' as kind, pool.pool as name, div_trunc(sum(to_pico(pool.monthly_usd)), max(calendar.days_in_month)) as pico
    from book.pool as pool
    inner join book.day as calendar on calendar.day >= pool.starts_on and calendar.day < pool.ends_on
    where pool.monthly_usd is not null and calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day') + 31
    group by calendar.day, pool.pool
    union all
    select hour.book_day, 'commitment' as kind, price.commitment, sum(to_pico(price.hour_usd)) as pico
    from book.commitment_price as price
    inner join book.hour as hour on hour.day >= price.starts_on and hour.day < price.ends_on
    where hour.book_day >= getvariable('from_day') and hour.book_day < getvariable('to_day') + 31
    group by hour.book_day, price.commitment
),
named as (
    select distinct fixed.kind, fixed.name from fixed
),
pair as (
    select asked.day, coming.day as on_day, named.kind, named.name
    from named
    inner join book.day as asked on asked.day >= getvariable('from_day') and asked.day < getvariable('to_day')
    inner join book.day as coming on coming.month_start = asked.month_start and coming.day > asked.day
)
select
    pair.day, pair.on_day, pair.kind, pair.name, to_usd(coalesce(coming.pico, 0) - coalesce(now.pico, 0)) as change_usd
from pair
left join fixed as now on now.day = pair.day and now.kind = pair.kind and now.name = pair.name
left join fixed as coming on coming.day = pair.on_day and coming.kind = pair.kind and coming.name = pair.name
where coalesce(coming.pico, 0) <> coalesce(now.pico, 0)
