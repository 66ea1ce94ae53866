/*
The rates that held for each model seen on a day, in pico-dollars; or why there is none.

grain: one row per day, provider, model and tier seen, and rate that held on part of the day
key: [day, provider, model, served_tier, rate_key]
daily: true
*/
with seen as (
    select distinct day, coalesce(provider, '') as provider, coalesce(model, '') as model, coalesce(served_tier, 'standard') as served_tier
    from staging.request
    where day >= getvariable('from_day') and day < getvariable('to_day')
    union
    select distinct day, coalesce(provider, '') as provider, coalesce(model, '') as model, coalesce(served_tier, 'standard') as served_tier
    from staging.usage
    where day >= getvariable('from_day') and day < getvariable('to_day')
),
name as (
    select distinct provider, model from seen
),
named as (
    select
        name.provider, name.model, alias.provider as card_provider, alias.model as card_model,
        row_number() over (
            partition by name.provider, name.model
            order by alias.rank, length(alias.pattern) desc, alias.provider, alias.model, alias.pattern
        ) as choice
    from name
    inner join rate_cards.alias as alias
        on lower(name.model) like alias.pattern escape '!' and (name.provider = '' or name.provider = alias.provider)
),
tier as (
    select distinct provider, model, served_tier from rate_cards.rate
)
select
    seen.day, seen.provider, seen.model, seen.served_tier, coalesce(rate.rate_id, '') as rate_key, rate.rate_id,
    named.card_model, rate.starts_at, rate.ends_at, rate.input_above, rate.input_up_to,
    cast(to_pico(rate.input_usd) as bigint) as input_pico,
    cast(to_pico(rate.cache_read_usd) as bigint) as cache_read_pico,
    cast(to_pico(rate.cache_write_5m_usd) as bigint) as cache_write_5m_pico,
    cast(to_pico(rate.cache_write_1h_usd) as bigint) as cache_write_1h_pico,
    cast(to_pico(rate.output_usd) as bigint) as output_pico,
    cast(to_pico(coalesce(rate.request_usd, cast(0 as decimal(18,12)))) as bigint) as request_pico,
    case
        when named.card_model is null then 'no model'
        when tier.served_tier is null then 'no tier'
        when rate.rate_id is null then 'no rate on that day'
    end as unpriced_reason
from seen
left join named on named.choice = 1 and named.provider = seen.provider and named.model = seen.model
left join tier on tier.provider = named.card_provider and tier.model = named.card_model and tier.served_tier = seen.served_tier
left join rate_cards.rate as rate
    on rate.provider = named.card_provider and rate.model = named.card_model and rate.served_tier = seen.served_tier
    and rate.starts_at < cast(seen.day + 1 as timestamp) and rate.ends_at > cast(seen.day as timestamp)
