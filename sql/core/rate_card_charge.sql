/*
What the internal rate card of a month charges for use, beside what that cost: tokens by class of model, GPU hours held by pool.

grain: one row per day of the book, item of the card and owner; an empty cost centre is that of the team
key: [day, item, team, cost_centre, tenant, feature]
daily: true
must:
  - charge_usd >= 0
  - charge_usd - provider_usd = difference_usd
*/
with price as (
    select
        price.period, price.class, max(case price.meter when 'input' then row_pico(price.usd) end) as input_pico,
        max(case price.meter when 'cache_read' then row_pico(price.usd) end) as cache_read_pico,
        max(case price.meter when 'cache_write' then row_pico(price.usd) end) as cache_write_pico,
        max(case price.meter when 'output' then row_pico(price.usd) end) as output_pico
    from rate_cards.internal as price
    where price.class is not null
    group by price.period, price.class
),
used as (
    select used.*, card.period, card.card, card.difference_to
    from core.rate_card_use as used
    inner join rate_cards.internal_card as card on used.day >= card.starts_on and used.day < card.ends_on
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day')
),
-- The first class that matches a model is its class.
named as (
    select seen.model, class.period, class.class, row_number() over (partition by class.period, seen.model order by class.place) as choice
    from (select distinct used.model from used where used.gpu_pool = '') as seen
    inner join rate_cards.internal_class as class on lower(seen.model) like class.pattern escape '!'
),
charged as (
    select
        used.day, used.card, used.difference_to, named.class as item, used.team, used.cost_centre, used.tenant, used.feature, used.cost_usd,
        cost_of(cast(used.input_tokens as decimal(18,0)), price.input_pico)
            + cost_of(cast(used.cache_read_tokens as decimal(18,0)), price.cache_read_pico)
            + cost_of(cast(used.cache_write_tokens as decimal(18,0)), price.cache_write_pico)
            + cost_of(cast(used.output_tokens as decimal(18,0)), price.output_pico) as pico
    from used
    inner join named on named.period = used.period and named.model = used.model and named.choice = 1
    inner join price on price.period = used.period and price.class = named.class
    where used.gpu_pool = ''
    union all
    select
        used.day, used.card, used.difference_to, 'GPU hours of ' || used.gpu_pool as item, used.team, used.cost_centre, used.tenant,
        used.feature, used.cost_usd, div_trunc(cast(used.held_seconds as decimal(18,0)) * row_pico(price.usd), 3600) as pico
    from used
    inner join rate_cards.internal as price on price.period = used.period and price.gpu_pool = used.gpu_pool
    where used.gpu_pool <> ''
)
select
    charged.day, charged.card, charged.difference_to, charged.item, charged.team, charged.cost_centre, charged.tenant, charged.feature,
    to_usd(sum(charged.pico)) as charge_usd, cast(sum(charged.cost_usd) as decimal(38,12)) as provider_usd,
    cast(to_usd(sum(charged.pico)) - sum(charged.cost_usd) as decimal(38,12)) as difference_usd
from charged
-- A model of which a meter was used that has no price on the card stays at what it cost.
where charged.pico is not null
group by charged.day, charged.card, charged.difference_to, charged.item, charged.team, charged.cost_centre, charged.tenant, charged.feature
