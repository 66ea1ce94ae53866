/*
What calls would have cost in another tier, in whole pico-dollars per token: those of the standard tier by batch, those of any other tier at
standard. Effective prices; only where the card has one.

grain: one row per day, name by which calls are priced, and rate of the other tier that held on part of the day
key: [day, priced_as, rate_id, holds_from]
daily: true
must:
  - holds_from < holds_to
*/
with tier as (
    select distinct rate.provider, rate.model, rate.served_tier, rate.region, rate.priced_from, rate.priced_to
    from rate_cards.rate as rate
    where rate.layer = 'list' and rate.served_tier in ('standard', 'batch')
),
seen as (
    select distinct
        price.day, price.priced_as, price.region, price.card_provider, price.card_model, price.served_tier,
        case when price.served_tier = 'standard' then 'batch' else 'standard' end as other_tier
    from core.price_in_force as price
    -- Of calls only: usage and bills have their tier.
    inner join (
        select distinct request.day, request.priced_as from core.request as request
        where request.day >= getvariable('from_day') and request.day < getvariable('to_day')
    ) as called on called.day = price.day and called.priced_as = price.priced_as
    where price.day >= getvariable('from_day') and price.day < getvariable('to_day') and price.rate_id is not null
        and price.commitment is null
),
placed as (
    select
        seen.*, tier.region as card_region,
        row_number() over (partition by seen.day, seen.priced_as order by length(tier.region) desc, tier.region) as choice
    from seen
    inner join tier
        on tier.provider = seen.card_provider and tier.model = seen.card_model and tier.served_tier = seen.other_tier
        and (tier.region = '' or seen.region like tier.region escape '!') and seen.day >= tier.priced_from and seen.day < tier.priced_to
),
held as (
    select
        placed.day, placed.priced_as, placed.served_tier, placed.other_tier, rate.*, paid.rate_id is not null as is_layered,
        greatest(rate.starts_at, cast(cast(placed.day as varchar) || ' ' || coalesce(rate.clock_from, '00:00:00') as timestamp))
            as holds_from,
        least(rate.ends_at, case when rate.clock_to is null then cast(placed.day + 1 as timestamp)
            else cast(cast(placed.day as varchar) || ' ' || rate.clock_to as timestamp) end) as holds_to,
        paid.input_usd as paid_input, paid.cache_read_usd as paid_read, paid.cache_write_5m_usd as paid_write_5m,
        paid.cache_write_1h_usd as paid_write_1h, paid.output_usd as paid_output, paid.reasoning_usd as paid_reasoning
    from placed
    inner join book.day as calendar on calendar.day = placed.day
    inner join rate_cards.rate as rate
        on rate.layer = 'list' and rate.provider = placed.card_provider and rate.model = placed.card_model
        and rate.served_tier = placed.other_tier and rate.region = placed.card_region
        and placed.day >= rate.priced_from and placed.day < rate.priced_to
        and rate.starts_at < cast(placed.day + 1 as timestamp) and rate.ends_at > cast(placed.day as timestamp)
        and rate.weekdays like '%' || cast(calendar.weekday as varchar) || '%'
    left join rate_cards.rate as paid
        on paid.layer = 'effective' and paid.rate_id = rate.rate_id and placed.day >= paid.priced_from and placed.day < paid.priced_to
    where placed.choice = 1
),
priced as (
    select
        held.*, case when is_layered then paid_output else output_usd end as tokens_out,
        case when is_layered then paid_reasoning else reasoning_usd end as tokens_reasoned
    from held
)
select
    day, priced_as, served_tier, other_tier, rate_id, holds_from, holds_to,
    case when counted_input = 'uncached input' then -1 else coalesce(input_above, -1) end as input_above,
    case when counted_input = 'uncached input' then 9223372036854775807 else coalesce(input_up_to, 9223372036854775807) end as input_up_to,
    case when counted_input = 'uncached input' then input_above else -1 end as uncached_above,
    case when counted_input = 'uncached input' then input_up_to else 9223372036854775807 end as uncached_up_to,
    row_pico(case when is_layered then paid_input else input_usd end) as input_pico,
    row_pico(case when is_layered then paid_read else cache_read_usd end) as cache_read_pico,
    row_pico(case when is_layered then paid_write_5m else cache_write_5m_usd end) as cache_write_5m_pico,
    row_pico(case when is_layered then paid_write_1h else cache_write_1h_usd end) as cache_write_1h_pico,
    row_pico(tokens_out) as output_pico,
    -- Reasoning is inside of output: what a token of it costs beyond a token of output.
    case when tokens_reasoned is null then 0 else row_pico(tokens_reasoned) - row_pico(tokens_out) end as reasoning_extra_pico
from priced
where holds_from < holds_to
