/*
Which rates of which card held for each model seen on a day, and by what rule; or why there is none.

grain: one row per day, provider, model, tier and region seen, and rate that held on part of the day
key: [day, provider, model, served_tier, region, rate_key, holds_from]
daily: true
*/
with tier as (select distinct provider, model, served_tier, region, priced_from, priced_to from rate_cards.rate),
placed as (
    select
        seen.*, tier.region as card_region, tier.served_tier as card_tier,
        row_number() over (
            partition by seen.day, seen.provider, seen.model, seen.served_tier, seen.region order by length(tier.region) desc, tier.region
        ) as choice
    from core.model_seen as seen
    -- What a commitment serves has the list price of its standard tier.
    left join tier on tier.provider = seen.card_provider and tier.model = seen.card_model
        and tier.served_tier = case when seen.commitment is not null then 'standard' else seen.served_tier end
        and (tier.region = '' or seen.region like tier.region escape '!') and seen.day >= tier.priced_from and seen.day < tier.priced_to
    where seen.day >= getvariable('from_day') and seen.day < getvariable('to_day')
)
select
    placed.day, placed.provider, placed.model, placed.served_tier, placed.region, coalesce(rate.rate_id, '') as rate_key, rate.rate_id,
    placed.provider || '|' || placed.served_tier || '|' || placed.region || '|' || placed.model as priced_as,
    rate.card_version, placed.card_provider, placed.card_model,
    case when placed.commitment is not null then placed.served_tier
        else placed.matched_by || ': ' || coalesce(effective.rule, rate.rule) end as matched_rule, placed.commitment,
    rate.starts_at, rate.ends_at,
    -- The part of the day it holds.
    greatest(coalesce(rate.starts_at, cast(placed.day as timestamp)),
        cast(cast(placed.day as varchar) || ' ' || coalesce(rate.clock_from, '00:00:00') as timestamp)) as holds_from,
    least(coalesce(rate.ends_at, cast(placed.day + 1 as timestamp)), case when rate.clock_to is null then cast(placed.day + 1 as timestamp)
        else cast(cast(placed.day as varchar) || ' ' || rate.clock_to as timestamp) end) as holds_to,
    case when rate.counted_input = 'uncached input' then -1 else coalesce(rate.input_above, -1) end as input_above,
    case when rate.counted_input = 'uncached input' then 9223372036854775807 else coalesce(rate.input_up_to, 9223372036854775807) end as input_up_to,
    case when rate.counted_input = 'uncached input' then rate.input_above else -1 end as uncached_above,
    case when rate.counted_input = 'uncached input' then rate.input_up_to else 9223372036854775807 end as uncached_up_to,
    effective.rate_id is not null as is_layered,
    case when placed.card_model is null then 'no model' when placed.card_region is null then 'no tier'
        when rate.rate_id is null then 'no date' end as unpriced_reason
from placed
inner join book.day as calendar on calendar.day = placed.day
left join rate_cards.rate as rate
    on rate.layer = 'list' and rate.provider = placed.card_provider and rate.model = placed.card_model
    and rate.served_tier = placed.card_tier and rate.region = placed.card_region
    and placed.day >= rate.priced_from and placed.day < rate.priced_to
    and rate.starts_at < cast(placed.day + 1 as timestamp) and rate.ends_at > cast(placed.day as timestamp)
    and rate.weekdays like '%' || cast(calendar.weekday as varchar) || '%'
left join rate_cards.rate as effective
    on effective.layer = 'effective' and effective.rate_id = rate.rate_id and placed.day >= effective.priced_from and placed.day < effective.priced_to
where placed.choice = 1
