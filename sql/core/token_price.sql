/*
What one token of each meter costs on a day at the card, in pico-dollars: the price at which tokens on one side of a bill only are valued.

grain: one row per day, provider, model by its card's name, tier and meter with a price
key: [day, provider, model, served_tier, meter]
daily: true
*/
with ranked as (
    select
        price.day, coalesce(nullif(price.provider, ''), '(none)') as provider, price.card_model as model, price.served_tier,
        price.input_pico, price.cache_read_pico, price.cache_write_5m_pico, price.cache_write_1h_pico, price.output_pico,
        -- Of several prices on one day: outside of any region, of short requests, the first of the day.
        row_number() over (
            partition by price.day, coalesce(nullif(price.provider, ''), '(none)'), price.card_model, price.served_tier
            order by price.region, price.input_above, price.uncached_above, price.holds_from, price.rate_key, price.model
        ) as choice
    from core.price_in_force as price
    where price.day >= getvariable('from_day') and price.day < getvariable('to_day') and price.rate_id is not null
),
meter as (
    select ranked.*, 'input' as meter, ranked.input_pico as pico from ranked where ranked.choice = 1
    union all
    select ranked.*, 'cache_read' as meter, ranked.cache_read_pico as pico from ranked where ranked.choice = 1
    union all
    select ranked.*, 'cache_write_5m' as meter, ranked.cache_write_5m_pico as pico from ranked where ranked.choice = 1
    union all
    select ranked.*, 'cache_write_1h' as meter, ranked.cache_write_1h_pico as pico from ranked where ranked.choice = 1
    union all
    select ranked.*, 'output' as meter, ranked.output_pico as pico from ranked where ranked.choice = 1
)
select meter.day, meter.provider, meter.model, meter.served_tier, meter.meter, meter.pico
from meter
where meter.pico is not null
