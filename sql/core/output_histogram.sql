/*
How long answers were, counted in bins of at most 1.6 % of their length (4 tokens up to 512): from this, quantiles over any days are told
without reading the calls again.

grain: one row per day, feature, provider, model and bin
key: [day, feature, provider, model, up_to_tokens]
daily: true
must:
  - accepted_requests + truncated_requests > 0
  - asked_again_requests <= known_requests and known_requests <= truncated_requests
*/
-- Lengths that were counted: no estimates, no answers of the gateway's cache, no calls that give no text (embeddings).
with answer as (
    select
        request.day, coalesce(request.feature, '(none)') as feature, coalesce(request.provider, '(none)') as provider,
        coalesce(request.model, '(none)') as model, request.output_tokens, request.max_output_tokens,
        cut.request_id is not null as is_cut, coalesce(cut.is_known, false) as is_known,
        coalesce(cut.is_asked_again, false) as is_asked_again,
        -- The width of a bin is a 64th of the power of two below it.
        case when request.output_tokens <= 512 then 4 when request.output_tokens <= 1024 then 8 when request.output_tokens <= 2048 then 16
            when request.output_tokens <= 4096 then 32 when request.output_tokens <= 8192 then 64
            when request.output_tokens <= 16384 then 128 when request.output_tokens <= 32768 then 256
            when request.output_tokens <= 65536 then 512 else 1024 end as width
    from core.request as request
    left join core.truncated_answer as cut on cut.day = request.day and cut.request_id = request.request_id
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day') and request.status = 'success'
        and not request.is_cache_hit and not request.is_estimated and request.output_tokens > 0
),
binned as (
    -- The end of the bin: what is told from it is never below the true length.
    select answer.*, answer.output_tokens + answer.width - 1 - (answer.output_tokens + answer.width - 1) % answer.width as up_to_tokens
    from answer
)
select
    binned.day, binned.feature, binned.provider, binned.model, cast(binned.up_to_tokens as bigint) as up_to_tokens,
    count(case when not binned.is_cut then 1 end) as accepted_requests, count(case when binned.is_cut then 1 end) as truncated_requests,
    count(case when binned.is_cut and binned.is_known then 1 end) as known_requests,
    count(case when binned.is_asked_again then 1 end) as asked_again_requests,
    count(binned.max_output_tokens) as capped_requests, max(binned.max_output_tokens) as asked_cap_tokens
from binned
group by binned.day, binned.feature, binned.provider, binned.model, cast(binned.up_to_tokens as bigint)
