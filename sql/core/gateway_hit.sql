/*
Answers that a gateway's own cache gave: what they would have cost, and whether only another tenant was seen to ask for them before.

grain: one row per request attempt that it answered
key: request_id
daily: true
lookback_days: 1
must:
  - spared_usd >= 0 or spared_usd is null
*/
with price as (
    select distinct rate.day, rate.rate_id, rate.input_pico, rate.cache_read_pico, rate.cache_write_5m_pico, rate.cache_write_1h_pico,
        rate.output_pico, rate.reasoning_extra_pico, rate.request_pico
    from core.price_in_force as rate
    -- What a commitment serves bears the name of a rate and costs nothing.
    where rate.rate_id is not null and rate.commitment is null
),
hit as (
    select
        request.request_id, request.day, request.started_at, request.prompt_hash, coalesce(request.model, '') as model,
        coalesce(request.tenant, '') as tenant
    from core.request as request
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day') and request.is_cache_hit
),
asked as (
    select
        request.day, request.prompt_hash, coalesce(request.model, '') as model, coalesce(request.tenant, '') as tenant,
        min(request.started_at) as first_at
    from core.request as request
    where request.day >= getvariable('from_day') - 1 and request.day < getvariable('to_day') and not request.is_cache_hit
        and request.prompt_hash is not null
    group by request.day, request.prompt_hash, coalesce(request.model, ''), coalesce(request.tenant, '')
),
-- What nobody is seen to have asked, in the day or the day before, tells nothing of the boundary.
told as (
    select hit.request_id, max(case when asked.tenant = hit.tenant then 0 else 1 end) as by_others,
        max(case when asked.tenant = hit.tenant then 1 else 0 end) as by_itself
    from hit
    inner join asked
        on asked.prompt_hash = hit.prompt_hash and asked.model = hit.model and asked.day >= hit.day - 1 and asked.day <= hit.day
        and asked.first_at < hit.started_at
    group by hit.request_id
)
select
    hit.request_id, hit.day,
    row_usd(cost_of(coalesce(cost.input_tokens, 0), price.input_pico) + cost_of(coalesce(cost.cache_read_tokens, 0), price.cache_read_pico)
        + cost_of(coalesce(cost.cache_write_5m_tokens, 0), price.cache_write_5m_pico)
        + cost_of(coalesce(cost.cache_write_1h_tokens, 0), price.cache_write_1h_pico)
        + cost_of(coalesce(cost.output_tokens, 0), price.output_pico)
        + cost_of(coalesce(cost.reasoning_tokens, 0), price.reasoning_extra_pico) + price.request_pico) as spared_usd,
    coalesce(told.by_others = 1 and told.by_itself = 0, false) as is_foreign
from hit
inner join core.request_cost as cost on cost.day = hit.day and cost.request_id = hit.request_id
left join price on price.day = cost.day and price.rate_id = cost.rate_id
left join told on told.request_id = hit.request_id
