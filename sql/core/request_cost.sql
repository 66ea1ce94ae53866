/*
What each request cost, at the rate in force when it happened.

grain: one row per request attempt
key: request_id
daily: true
must:
  - cost_usd >= 0 or cost_usd is null
  - (computed_cost_usd is null) = (unpriced_reason is not null)
should:
  - cost_usd is not null
  - coalesce(reported_cost_usd, 0) <= 1000 * cast(coalesce(nullif(computed_cost_usd, 0), reported_cost_usd, 0) as decimal(38,12))
*/
with request as (
    select
        request_id, day, started_at, source, provider, model, served_tier, status, is_cache_hit, is_free, cost_basis, reported_cost_usd,
        input_tokens, output_tokens, coalesce(cache_read_tokens, 0) as cache_read_tokens,
        coalesce(cache_write_5m_tokens, 0) as cache_write_5m_tokens, coalesce(cache_write_1h_tokens, 0) as cache_write_1h_tokens,
        input_tokens + coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0) as prompt_tokens
    from core.request
    where day >= getvariable('from_day') and day < getvariable('to_day')
),
rated as (
    select
        request.*, rate.rate_id, rate.card_model, rate.unpriced_reason as no_rate, rate.request_pico,
        -- No tokens cost nothing whatever the rate; tokens without a rate are unknown, never free.
        case when request.input_tokens = 0 then 0 else request.input_tokens * rate.input_pico end as input_cost,
        case when request.cache_read_tokens = 0 then 0 else request.cache_read_tokens * rate.cache_read_pico end as cache_read_cost,
        case when request.cache_write_5m_tokens = 0 then 0 else request.cache_write_5m_tokens * rate.cache_write_5m_pico end
        + case when request.cache_write_1h_tokens = 0 then 0 else request.cache_write_1h_tokens * rate.cache_write_1h_pico end as cache_write_cost,
        case when request.output_tokens = 0 then 0 else request.output_tokens * rate.output_pico end as output_cost,
        request.is_cache_hit or request.is_free
        or (request.status = 'failure' and request.prompt_tokens = 0 and request.output_tokens = 0) as costs_nothing
    from request
    left join core.rate_in_force as rate
        on rate.day = request.day and rate.provider = coalesce(request.provider, '') and rate.model = coalesce(request.model, '')
        and rate.served_tier = request.served_tier
        and (
            rate.rate_id is null
            or (
                request.started_at >= rate.starts_at and request.started_at < rate.ends_at
                and coalesce(request.prompt_tokens, 0) > rate.input_above and coalesce(request.prompt_tokens, 0) <= rate.input_up_to
            )
        )
),
costed as (
    select
        rated.*,
        case when costs_nothing then 0 else input_cost + cache_read_cost + cache_write_cost + output_cost + request_pico end as computed_cost,
        -- A reported zero for tokens is a price its source did not know.
        case when reported_cost_usd > 0 then reported_cost_usd end as known_reported_cost_usd
    from rated
)
select
    request_id, day, source, provider, model, card_model, served_tier, rate_id,
    cast(to_usd(case when costs_nothing then 0 else input_cost end) as decimal(18,12)) as input_cost_usd,
    cast(to_usd(case when costs_nothing then 0 else cache_read_cost end) as decimal(18,12)) as cache_read_cost_usd,
    cast(to_usd(case when costs_nothing then 0 else cache_write_cost end) as decimal(18,12)) as cache_write_cost_usd,
    cast(to_usd(case when costs_nothing then 0 else output_cost end) as decimal(18,12)) as output_cost_usd,
    cast(to_usd(computed_cost) as decimal(18,12)) as computed_cost_usd,
    reported_cost_usd,
    case when cost_basis = 'reported' then coalesce(known_reported_cost_usd, cast(to_usd(computed_cost) as decimal(18,12)))
        else coalesce(cast(to_usd(computed_cost) as decimal(18,12)), known_reported_cost_usd) end as cost_usd,
    case when cost_basis = 'reported' and known_reported_cost_usd is not null then 'reported'
        when computed_cost is not null then 'computed'
        when known_reported_cost_usd is not null then 'reported' end as cost_basis,
    case when computed_cost is not null then null
        when input_tokens is null or output_tokens is null then 'no tokens'
        when no_rate is not null then no_rate
        when rate_id is null then 'no rate on that day'
        else 'no meter' end as unpriced_reason
from costed
