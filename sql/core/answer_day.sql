/*
How calls of a day ended, which used anything, which were of a session and which model they asked for: for core.watch_day.

grain: one row per day of the book, owner, model that served and model asked for
key: [day, team, tenant, feature, provider, model, requested_model]
daily: true
book_days: true
must:
  - truncated_requests <= finished_requests and finished_requests <= requests and used_requests <= requests
*/
-- Summed before names are given to what is missing, as in core.model_spend.
with answer as (
    select
        request.book_day, request.team, request.tenant, request.feature, request.provider, request.model, request.requested_model,
        count(*) as requests, count(case when coalesce(request.input_tokens, 0) + coalesce(request.cache_read_tokens, 0)
            + coalesce(request.output_tokens, 0) > 0 or request.quantity > 0 then 1 end) as used_requests,
        -- What is tried again is no further step of a session.
        count(case when request.attempt = 1 then request.session_id end) as session_requests,
        -- Why it ended is known, or how long it was allowed to be (core.truncated_answer).
        count(case when request.status = 'success' and not request.is_cache_hit and (request.finish_reason is not null
            or (not request.is_estimated and request.max_output_tokens > 0)) then 1 end) as finished_requests,
        count(case when request.status = 'success' and not request.is_cache_hit and (
            lower(request.finish_reason) in ('length', 'max_tokens', 'max_output_tokens', 'model_length')
            or (request.finish_reason is null and not request.is_estimated and request.max_output_tokens > 0
                and request.output_tokens >= request.max_output_tokens)) then 1 end) as truncated_requests
    from core.request as request
    where request.book_day >= getvariable('from_day') and request.book_day < getvariable('to_day')
    group by request.book_day, request.team, request.tenant, request.feature, request.provider, request.model, request.requested_model
)
select
    answer.book_day as day, coalesce(answer.team, 'unowned') as team, coalesce(answer.tenant, '(none)') as tenant,
    coalesce(answer.feature, '(none)') as feature, coalesce(answer.provider, '(none)') as provider,
    coalesce(answer.model, '(none)') as model, coalesce(answer.requested_model, '(none)') as requested_model,
    cast(sum(answer.requests) as bigint) as requests, cast(sum(answer.used_requests) as bigint) as used_requests,
    cast(sum(answer.session_requests) as bigint) as session_requests, cast(sum(answer.finished_requests) as bigint) as finished_requests,
    cast(sum(answer.truncated_requests) as bigint) as truncated_requests
from answer
group by answer.book_day, coalesce(answer.team, 'unowned'), coalesce(answer.tenant, '(none)'), coalesce(answer.feature, '(none)'),
    coalesce(answer.provider, '(none)'), coalesce(answer.model, '(none)'), coalesce(answer.requested_model, '(none)')
