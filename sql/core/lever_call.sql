/*
The calls that levers touch, with the shares each lever takes of them: those of equal prices and shares as one, with their tokens summed.

grain: one row per day of the book, group, rate and shares
key: [day, priced_on, team, tenant, feature, provider, model, rate_id, to_rate_id, guard_pico, low_accept, point_accept, high_accept,
  low_hit, point_hit, high_hit, low_spared, point_spared, high_spared, low_retry, point_retry, high_retry, low_batch, point_batch,
  high_batch, is_cut]
daily: true
book_days: true
*/
-- Calls without a price of the cards are left as they are: free, unknown, their source's own, a commitment's, with a least price per call.
with touched as (
    select
        cost.book_day, cost.day, coalesce(cost.team, 'unowned') as team, coalesce(cost.tenant, '(none)') as tenant,
        coalesce(cost.feature, '(none)') as feature, coalesce(cost.provider, '(none)') as provider, coalesce(cost.model, '(none)') as model,
        cost.rate_id, coalesce(target.rate_id, '') as to_rate_id,
        case when target.day is null then 0 else offer.guard_pico end as guard_pico,
        case when target.day is null then 0 else offer.low_accept_ppm end as low_accept,
        case when target.day is null then 0 else offer.point_accept_ppm end as point_accept,
        case when target.day is null then 0 else offer.high_accept_ppm end as high_accept,
        coalesce(hit.low_ppm, 0) as low_hit, coalesce(hit.point_ppm, 0) as point_hit, coalesce(hit.high_ppm, 0) as high_hit,
        coalesce(spared.low_ppm, 0) as low_spared, coalesce(spared.point_ppm, 0) as point_spared,
        coalesce(spared.high_ppm, 0) as high_spared,
        coalesce(cap.low_retry_ppm, 0) as low_retry, coalesce(cap.point_retry_ppm, 0) as point_retry,
        coalesce(cap.high_retry_ppm, 0) as high_retry, coalesce(batch.low_ppm, 0) as low_batch, coalesce(batch.point_ppm, 0) as point_batch,
        coalesce(batch.high_ppm, 0) as high_batch, cost.cost_usd, cost.input_tokens, cost.cache_read_tokens, cost.cache_write_5m_tokens,
        cost.cache_write_1h_tokens, cost.output_tokens, coalesce(cost.reasoning_tokens, 0) as reasoning_tokens,
        cap.day is not null as is_cut,
        coalesce(cap.cap_tokens, cost.output_tokens) as kept_tokens,
        least(coalesce(prefix.low_read_tokens, 0), cost.input_tokens) as low_reads, coalesce(prefix.low_write_tokens, 0) as low_writes,
        least(coalesce(prefix.point_read_tokens, 0), cost.input_tokens) as point_reads,
        coalesce(prefix.point_write_tokens, 0) as point_writes,
        least(coalesce(prefix.high_read_tokens, 0), cost.input_tokens) as high_reads, coalesce(prefix.high_write_tokens, 0) as high_writes
    from core.request_cost as cost
    inner join core.lever_price as own on own.day = cost.day and own.rate_id = cost.rate_id
    left join core.repeated_prompt as hit on hit.day = cost.day and hit.request_id = cost.request_id
    left join core.avoidable_attempt as spared on spared.day = cost.day and spared.request_id = cost.request_id
    left join core.output_cap as cap on cap.day = cost.day and cap.feature = coalesce(cost.feature, '(none)')
        and cap.provider = coalesce(cost.provider, '(none)') and cap.model = coalesce(cost.model, '(none)')
        and cost.output_tokens > cap.cap_tokens
    left join core.route_offer as offer on offer.day = cost.day and offer.feature = coalesce(cost.feature, '(none)')
        and offer.provider = coalesce(cost.provider, '(none)') and offer.model = coalesce(cost.model, '(none)')
        and offer.served_tier = cost.served_tier
    -- No call goes where its whole input would be priced otherwise.
    left join core.lever_price as target on target.day = offer.day and target.rate_id = offer.to_rate_id
        and cost.input_tokens + coalesce(cost.cache_read_tokens, 0) + coalesce(cost.cache_write_5m_tokens, 0)
            + coalesce(cost.cache_write_1h_tokens, 0) between target.input_above + 1 and target.input_up_to
    left join core.prefix_reuse as prefix on prefix.day = cost.day and prefix.request_id = cost.request_id
    left join core.batch_share as batch on batch.day = cost.day and batch.request_id = cost.request_id
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day') and cost.cost_basis = 'computed'
        and cost.commitment is null and cost.cost_usd > 0 and (hit.day is not null or spared.day is not null or cap.day is not null
            or target.day is not null or prefix.day is not null or batch.day is not null)
)
select
    book_day as day, day as priced_on, team, tenant, feature, provider, model, rate_id, to_rate_id, guard_pico, low_accept, point_accept,
    high_accept, low_hit, point_hit, high_hit, low_spared, point_spared, high_spared, low_retry, point_retry, high_retry, low_batch,
    point_batch,
    high_batch, is_cut, count(*) as requests, to_usd(sum(row_pico(cost_usd))) as cost_usd,
    cast(sum(input_tokens) as bigint) as input_tokens,
    cast(sum(coalesce(cache_read_tokens, 0)) as bigint) as cache_read_tokens,
    cast(sum(coalesce(cache_write_5m_tokens, 0)) as bigint) as cache_write_5m_tokens,
    cast(sum(coalesce(cache_write_1h_tokens, 0)) as bigint) as cache_write_1h_tokens, cast(sum(kept_tokens) as bigint) as output_tokens,
    cast(sum(output_tokens - kept_tokens) as bigint) as cut_tokens,
    cast(sum(least(reasoning_tokens, kept_tokens)) as bigint) as reasoning_tokens,
    cast(sum(greatest(reasoning_tokens - kept_tokens, 0)) as bigint) as cut_reasoning_tokens,
    cast(sum(low_reads) as bigint) as low_read_tokens, cast(sum(point_reads) as bigint) as point_read_tokens,
    cast(sum(high_reads) as bigint) as high_read_tokens,
    cast(sum(least(low_writes, input_tokens - low_reads)) as bigint) as low_write_tokens,
    cast(sum(least(point_writes, input_tokens - point_reads)) as bigint) as point_write_tokens,
    cast(sum(least(high_writes, input_tokens - high_reads)) as bigint) as high_write_tokens,
    count(case when high_reads + high_writes > 0 then 1 end) as prefix_requests
from touched
group by book_day, day, team, tenant, feature, provider, model, rate_id, to_rate_id, guard_pico, low_accept, point_accept, high_accept,
    low_hit,
    point_hit, high_hit, low_spared, point_spared, high_spared, low_retry, point_retry, high_retry, low_batch, point_batch, high_batch,
    is_cut
