/*
How long answers were against the cap that nearly all accepted ones would have fitted under, what was cut off and asked for again, and what
that cap would have saved: the tokens beyond it, less asking again for what it would have cut off. Signed: asking again can cost more.

grain: one row per day, feature, provider and model with answers
key: [day, feature, provider, model]
daily: true
book_days: true
must:
  - low_saving_usd <= point_saving_usd and point_saving_usd <= high_saving_usd or cap_tokens is null
  - (cap_tokens is null) = (point_saving_usd is null) and (cap_tokens is null) = (unknown_reason is not null)
  - asked_again_cost_usd <= truncated_cost_usd and over_cap_requests <= requests
*/
with answer as (
    select
        cost.book_day, coalesce(cost.feature, '(none)') as feature, coalesce(cost.provider, '(none)') as provider,
        coalesce(cost.model, '(none)') as model, cost.output_tokens, cost.cost_usd, cost.output_cost_usd, cap.cap_tokens, cap.is_stated,
        cap.median_tokens, cap.p95_tokens, cap.p995_tokens, cap.asked_cap_tokens,
        cap.low_retry_ppm, cap.point_retry_ppm, cap.high_retry_ppm, cut.request_id is not null as is_cut,
        coalesce(cut.is_known, false) as is_known, coalesce(cut.is_asked_again, false) as is_again,
        case when cost.output_tokens > cap.cap_tokens and not cost.is_estimated then cost.output_tokens - cap.cap_tokens end as over,
        -- A price that only its source knows is not told apart into input and output.
        case when cost.output_tokens > cap.cap_tokens and not cost.is_source_priced then row_pico(cost.effective_cost_usd) end as whole,
        case when cost.output_tokens > cap.cap_tokens then row_pico(cost.output_cost_usd) end as output_pico
    from core.request_cost as cost
    left join core.output_cap as cap
        on cap.day = cost.day and cap.feature = coalesce(cost.feature, '(none)') and cap.provider = coalesce(cost.provider, '(none)')
        and cap.model = coalesce(cost.model, '(none)')
    left join core.truncated_answer as cut on cut.day = cost.day and cut.request_id = cost.request_id
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day') and cost.status = 'success'
        and not cost.is_cache_hit and cost.output_tokens > 0
),
spared as (
    select
        answer.*, case when over is not null and whole is not null
            then cast(div_trunc(cast(output_pico as decimal(19,0)) * cast(over as decimal(18,0)), output_tokens) as decimal(24,0))
            end as pico
    from answer
),
-- Asked again: the input and what the cap lets through, once more.
again as (
    select spared.*, cast(whole - pico as decimal(24,0)) as again_pico from spared
)
select
    again.book_day as day, again.feature, again.provider, again.model, count(*) as requests,
    cast(sum(again.output_tokens) as bigint) as output_tokens, cast(sum(again.output_cost_usd) as decimal(38,12)) as output_cost_usd,
    max(again.median_tokens) as median_tokens, max(again.p95_tokens) as p95_tokens, max(again.p995_tokens) as p995_tokens,
    max(again.cap_tokens) as cap_tokens, coalesce(max(case when again.is_stated then 1 end) = 1, false) as is_stated,
    max(again.asked_cap_tokens) as asked_cap_tokens,
    count(case when again.is_cut then 1 end) as truncated_requests,
    count(case when again.is_cut and again.is_known then 1 end) as known_requests,
    count(case when again.is_again then 1 end) as asked_again_requests,
    cast(coalesce(sum(case when again.is_cut then again.cost_usd end), 0) as decimal(38,12)) as truncated_cost_usd,
    cast(coalesce(sum(case when again.is_again then again.cost_usd end), 0) as decimal(38,12)) as asked_again_cost_usd,
    count(again.over) as over_cap_requests, cast(coalesce(sum(again.over), 0) as bigint) as over_cap_tokens,
    count(case when again.over is not null and again.pico is null then 1 end) as unpriced_requests,
    max(again.low_retry_ppm) as low_retry_ppm, max(again.point_retry_ppm) as point_retry_ppm, max(again.high_retry_ppm) as high_retry_ppm,
    case when max(again.cap_tokens) is not null then to_usd(
        div_trunc(coalesce(sum(again.pico * 1000000 - again.again_pico * again.low_retry_ppm), 0), 1000000)) end as low_saving_usd,
    case when max(again.cap_tokens) is not null then to_usd(
        div_trunc(coalesce(sum(again.pico * 1000000 - again.again_pico * again.point_retry_ppm), 0), 1000000)) end as point_saving_usd,
    case when max(again.cap_tokens) is not null then to_usd(
        div_trunc(coalesce(sum(again.pico * 1000000 - again.again_pico * again.high_retry_ppm), 0), 1000000)) end as high_saving_usd,
    case when max(again.cap_tokens) is null then 'fewer than 200 accepted answers in the 28 days before' end as unknown_reason
from again
group by again.book_day, again.feature, again.provider, again.model
