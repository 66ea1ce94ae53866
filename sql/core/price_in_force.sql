/*
The rates in force with their prices in whole pico-dollars per unit: effective, contracted and list.

grain: one row per day, provider, model, tier and region seen, and rate that held on part of the day
key: [day, provider, model, served_tier, region, rate_key, holds_from]
daily: true
must:
  - (unpriced_reason is null) = (rate_id is not null or commitment is not null)
  - holds_from < holds_to
*/
with layer as (
    select
        rate.rate_id, rate.layer, rate.priced_from, rate.priced_to,
        row_pico(rate.input_usd) as input_pico,
        row_pico(rate.cache_read_usd) as cache_read_pico,
        row_pico(rate.cache_write_5m_usd) as cache_write_5m_pico,
        row_pico(rate.cache_write_1h_usd) as cache_write_1h_pico,
        row_pico(rate.output_usd) as output_pico,
        -- Reasoning is inside of output: what a token of it costs beyond a token of output.
        case when rate.reasoning_usd is null then 0
            else cast(to_pico(rate.reasoning_usd) - to_pico(rate.output_usd) as bigint) end as reasoning_extra_pico,
        cast(to_pico(coalesce(rate.request_usd, cast(0 as decimal(18,12)))) as bigint) as request_pico,
        cast(to_pico(coalesce(rate.minimum_usd, cast(0 as decimal(18,12)))) as bigint) as minimum_pico
    from rate_cards.rate as rate
    union all
    -- What a commitment serves costs nothing more.
    select '', 'commitment', cast('1970-01-01' as date), cast('9999-12-31' as date), 0, 0, 0, 0, 0, 0, 0, 0
)
select
    found.day, found.provider, found.model, found.served_tier, found.region, found.rate_key, found.rate_id,
    found.priced_as, found.card_version, found.card_provider, found.card_model, found.matched_rule, found.commitment,
    case when found.commitment is null then found.unpriced_reason end as unpriced_reason, found.holds_from, found.holds_to,
    found.input_above, found.input_up_to, found.uncached_above, found.uncached_up_to, found.is_layered or found.commitment is not null as is_layered,
    effective.input_pico, effective.cache_read_pico, effective.cache_write_5m_pico, effective.cache_write_1h_pico,
    effective.output_pico, effective.reasoning_extra_pico, effective.request_pico, effective.minimum_pico,
    contracted.input_pico as contracted_input_pico, contracted.cache_read_pico as contracted_cache_read_pico,
    contracted.cache_write_5m_pico as contracted_cache_write_5m_pico, contracted.cache_write_1h_pico as contracted_cache_write_1h_pico,
    contracted.output_pico as contracted_output_pico, contracted.reasoning_extra_pico as contracted_reasoning_extra_pico,
    contracted.request_pico as contracted_request_pico, contracted.minimum_pico as contracted_minimum_pico,
    list.input_pico as list_input_pico, list.cache_read_pico as list_cache_read_pico,
    list.cache_write_5m_pico as list_cache_write_5m_pico, list.cache_write_1h_pico as list_cache_write_1h_pico,
    list.output_pico as list_output_pico, list.reasoning_extra_pico as list_reasoning_extra_pico,
    list.request_pico as list_request_pico, list.minimum_pico as list_minimum_pico
from core.rate_in_force as found
left join layer as list on list.layer = 'list' and list.rate_id = found.rate_id and found.day >= list.priced_from and found.day < list.priced_to
left join layer as contracted
    on contracted.layer = case when found.commitment is not null then 'commitment' when found.is_layered then 'contracted' else 'list' end
    and contracted.rate_id = case when found.commitment is null then found.rate_id else '' end
    and found.day >= contracted.priced_from and found.day < contracted.priced_to
left join layer as effective
    on effective.layer = case when found.commitment is not null then 'commitment' when found.is_layered then 'effective' else 'list' end
    and effective.rate_id = case when found.commitment is null then found.rate_id else '' end
    and found.day >= effective.priced_from and found.day < effective.priced_to
where found.day >= getvariable('from_day') and found.day < getvariable('to_day')
