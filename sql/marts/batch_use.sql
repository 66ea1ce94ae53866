/*
What calls cost by the tier that served them: what could have gone by batch and would have cost less, what batch did save, and what lanes of
priority cost beyond the standard tier. What was saved and what could be are never added.

grain: one row per day, feature, provider, model and tier as served
key: [day, feature, provider, model, served_tier]
daily: true
book_days: true
must:
  - eligible_requests <= requests and eligible_cost_usd <= coalesce(cost_usd, 0)
  - (standard_cost_usd is null) = (compared_requests = 0)
  - difference_usd = standard_cost_usd - compared_cost_usd or compared_requests = 0
*/
-- The same tokens at the standard tier, of calls that another one served.
with other as (
    select
        request.day, request.request_id, cost_of(request.input_tokens, standard.input_pico)
            + cost_of(coalesce(request.cache_read_tokens, 0), standard.cache_read_pico)
            + cost_of(coalesce(request.cache_write_5m_tokens, 0), standard.cache_write_5m_pico)
            + cost_of(coalesce(request.cache_write_1h_tokens, 0), standard.cache_write_1h_pico)
            + cost_of(request.output_tokens, standard.output_pico)
            + cost_of(coalesce(request.reasoning_tokens, 0), standard.reasoning_extra_pico) as pico
    from core.request as request
    inner join core.tier_price as standard
        on standard.other_tier = 'standard' and standard.day = request.day and standard.priced_as = request.priced_as
        and request.started_at >= standard.holds_from and request.started_at < standard.holds_to
        and coalesce(request.prompt_tokens, 0) > standard.input_above and coalesce(request.prompt_tokens, 0) <= standard.input_up_to
        and coalesce(request.input_tokens, 0) > standard.uncached_above and coalesce(request.input_tokens, 0) <= standard.uncached_up_to
    where request.book_day >= getvariable('from_day') and request.book_day < getvariable('to_day')
        and request.served_tier <> 'standard' and request.billing <> 'not billed'
),
line as (
    select
        cost.book_day as day, coalesce(cost.feature, '(none)') as feature, coalesce(cost.provider, '(none)') as provider,
        coalesce(cost.model, '(none)') as model, cost.served_tier, cost.cost_usd, share.low_ppm, share.point_ppm, share.high_ppm,
        other.pico as standard_pico,
        -- Most calls are held against nothing.
        case when share.request_id is not null or other.pico is not null then row_pico(cost.input_cost_usd)
            + row_pico(cost.cache_read_cost_usd) + row_pico(cost.cache_write_cost_usd) + row_pico(cost.output_cost_usd) end as tokens_pico,
        row_pico(share.batch_tokens_usd) as batch_pico
    from core.request_cost as cost
    -- A price that only its source knows cannot be held against another tier's.
    left join core.batch_share as share
        on share.day = cost.day and share.request_id = cost.request_id and cost.effective_cost_usd is not null and not cost.is_source_priced
    left join other
        on other.day = cost.day and other.request_id = cost.request_id and cost.effective_cost_usd is not null and not cost.is_source_priced
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day') and not cost.is_cache_hit
),
saved as (
    select line.*, cast(line.tokens_pico - line.batch_pico as decimal(24,0)) as spared from line
)
select
    saved.day, saved.feature, saved.provider, saved.model, saved.served_tier, count(*) as requests,
    cast(sum(saved.cost_usd) as decimal(38,12)) as cost_usd, count(case when saved.cost_usd is null then 1 end) as unpriced_requests,
    count(case when saved.point_ppm > 0 then 1 end) as eligible_requests,
    cast(coalesce(sum(case when saved.point_ppm > 0 then saved.cost_usd end), 0) as decimal(38,12)) as eligible_cost_usd,
    to_usd(div_trunc(coalesce(sum(saved.spared * saved.low_ppm), 0), 1000000)) as low_saving_usd,
    to_usd(div_trunc(coalesce(sum(saved.spared * saved.point_ppm), 0), 1000000)) as point_saving_usd,
    to_usd(div_trunc(coalesce(sum(saved.spared * saved.high_ppm), 0), 1000000)) as high_saving_usd,
    count(saved.standard_pico) as compared_requests,
    to_usd(sum(case when saved.standard_pico is not null then saved.tokens_pico end)) as compared_cost_usd,
    to_usd(sum(saved.standard_pico)) as standard_cost_usd,
    -- Above nothing it is what the tier saved, below nothing what it cost more.
    to_usd(sum(saved.standard_pico) - sum(case when saved.standard_pico is not null then saved.tokens_pico end)) as difference_usd
from saved
group by saved.day, saved.feature, saved.provider, saved.model, saved.served_tier
