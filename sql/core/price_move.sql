/*
Prices that are not those of the day before: for each rate that holds now, the one that would have priced the same use 24 hours earlier.

grain: one row per day, rate that prices calls, usage or a bill on it, and rate of the day before that had another price for a meter
key: [day, rate_id, before_rate_id]
daily: true
must:
  - before_from < before_to
*/
-- A rate that held all of the day before has itself before it. Hours and weekdays of a rate are no change: the card of the day before is
-- asked for the hour and the weekday of now.
with price as (
    select distinct
        price.day, price.rate_id, price.card_provider, price.card_model, rate.served_tier, rate.region, rate.priced_from, calendar.weekday,
        price.minimum_pico, unix_second(price.holds_from) - 86400 as asked_from, unix_second(price.holds_to) - 86400 as asked_to,
        price.input_above, price.input_up_to, price.uncached_above, price.uncached_up_to
    from core.price_in_force as price
    inner join book.day as calendar on calendar.day = price.day
    inner join rate_cards.rate as rate
        on rate.layer = 'list' and rate.rate_id = price.rate_id and price.day >= rate.priced_from and price.day < rate.priced_to
    where price.day >= getvariable('from_day') and price.day < getvariable('to_day') and price.commitment is null
        and (rate.starts_at > cast(price.day - 1 as timestamp) or rate.priced_from = price.day)
),
pair as (
    select
        price.day, price.rate_id, price.priced_from, price.card_provider, price.card_model, price.served_tier, price.minimum_pico,
        price.asked_from, price.asked_to, price.input_above as asked_above, price.input_up_to as asked_up_to,
        price.uncached_above as asked_uncached_above, price.uncached_up_to as asked_uncached_up_to, before.rate_id as before_rate_id,
        before.priced_from as before_priced_from, unix_second(greatest(before.starts_at, cast(price.day - 1 as timestamp))) as held_from,
        unix_second(least(before.ends_at, cast(price.day as timestamp))) as held_to,
        unix_second(cast(cast(price.day - 1 as varchar) || ' ' || coalesce(before.clock_from, '00:00:00') as timestamp)) as clock_from,
        unix_second(case when before.clock_to is null then cast(price.day as timestamp)
            else cast(cast(price.day - 1 as varchar) || ' ' || before.clock_to as timestamp) end) as clock_to,
        case when before.counted_input = 'uncached input' then -1 else coalesce(before.input_above, -1) end as input_above,
        case when before.counted_input = 'uncached input' then 9223372036854775807
            else coalesce(before.input_up_to, 9223372036854775807) end as input_up_to,
        case when before.counted_input = 'uncached input' then before.input_above else -1 end as uncached_above,
        case when before.counted_input = 'uncached input' then before.input_up_to else 9223372036854775807 end as uncached_up_to,
        row_pico(coalesce(paid.minimum_usd, before.minimum_usd, cast(0 as decimal(18,12)))) as before_minimum_pico
    from price
    inner join rate_cards.rate as before
        on before.layer = 'list' and before.provider = price.card_provider and before.model = price.card_model
        and before.served_tier = price.served_tier and before.region = price.region
        and price.day - 1 >= before.priced_from and price.day - 1 < before.priced_to
        and before.starts_at < cast(price.day as timestamp) and before.ends_at > cast(price.day - 1 as timestamp)
        and before.weekdays like '%' || cast(price.weekday as varchar) || '%'
    left join rate_cards.rate as paid
        on paid.layer = 'effective' and paid.rate_id = before.rate_id and paid.priced_from = before.priced_from
),
moved as (
    select pair.day, pair.rate_id, pair.before_rate_id
    from pair
    inner join rate_cards.unit_rate as one on one.rate_id = pair.rate_id and one.priced_from = pair.priced_from
    left join rate_cards.unit_rate as other
        on other.rate_id = pair.before_rate_id and other.priced_from = pair.before_priced_from and other.meter = one.meter
    where one.effective_usd is distinct from other.effective_usd
    union
    select pair.day, pair.rate_id, pair.before_rate_id from pair where pair.minimum_pico <> pair.before_minimum_pico
)
select
    pair.day, pair.rate_id, pair.before_rate_id, pair.before_priced_from, pair.card_provider, pair.card_model, pair.served_tier,
    -- Unix seconds of the day before in which it priced such use.
    greatest(pair.held_from, pair.clock_from) as before_from, least(pair.held_to, pair.clock_to) as before_to,
    pair.input_above, pair.input_up_to, pair.uncached_above, pair.uncached_up_to, pair.before_minimum_pico as minimum_pico
from pair
inner join moved on moved.day = pair.day and moved.rate_id = pair.rate_id and moved.before_rate_id = pair.before_rate_id
where greatest(pair.held_from, pair.clock_from, pair.asked_from) < least(pair.held_to, pair.clock_to, pair.asked_to)
    and greatest(pair.input_above, pair.asked_above) < least(pair.input_up_to, pair.asked_up_to)
    and greatest(pair.uncached_above, pair.asked_uncached_above) < least(pair.uncached_up_to, pair.asked_uncached_up_to)
