/*
What a day's watched figures are made of, as counts that add up over owners and models.

grain: one row per day, owner, provider and model
key: [day, team, tenant, feature, provider, model]
daily: true
book_days: true
must:
  - repeated_attempts <= requests and cache_read_tokens <= prompt_tokens
  - swapped_requests <= compared_requests and truncated_requests <= finished_requests
*/
-- A session is one of a team, tenant and feature on each day that sees it, whatever models it calls: it counts at model '(none)'.
with talk as (
    select request.book_day, request.team, request.tenant, request.feature, request.session_id
    from core.request as request
    where request.book_day >= getvariable('from_day') and request.book_day < getvariable('to_day') and request.session_id is not null
        and request.attempt = 1
    group by request.book_day, request.team, request.tenant, request.feature, request.session_id
),
line as (
    select
        spend.book_day as day, spend.team, spend.tenant, spend.feature, spend.provider, spend.model, spend.requests,
        spend.unpriced_requests,
        -- Provider usage counts what used tokens.
        case when spend.basis = 'usage' then spend.requests else 0 end as used_requests, spend.repeated_attempts,
        spend.input_tokens + spend.cache_read_tokens as prompt_tokens, spend.cache_read_tokens,
        spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens + spend.output_tokens as tokens, 0 as session_requests,
        0 as sessions, 0 as compared_requests, 0 as swapped_requests, 0 as finished_requests, 0 as truncated_requests, spend.cost_usd
    from core.model_spend as spend
    where spend.book_day >= getvariable('from_day') and spend.book_day < getvariable('to_day')
    union all
    select
        answer.day, answer.team, answer.tenant, answer.feature, answer.provider, answer.model, 0, 0,
        answer.used_requests, 0, 0, 0, 0, answer.session_requests, 0,
        -- A name that no card knows may be a gateway's own for several models: whether another one served is not known.
        case when swap.is_swapped is not null or lower(answer.requested_model) = lower(answer.model) then answer.requests else 0 end,
        case when swap.is_swapped then answer.requests else 0 end, answer.finished_requests, answer.truncated_requests, null
    from core.answer_day as answer
    left join core.model_swap as swap
        on swap.day = answer.day and swap.provider = answer.provider and swap.model = answer.model
        and swap.requested_model = answer.requested_model
    where answer.day >= getvariable('from_day') and answer.day < getvariable('to_day')
    union all
    select
        talk.book_day, coalesce(talk.team, 'unowned'), coalesce(talk.tenant, '(none)'), coalesce(talk.feature, '(none)'), '(none)',
        '(none)', 0, 0, 0, 0, 0, 0, 0, 0, count(*), 0, 0, 0, 0, null
    from talk
    group by talk.book_day, talk.team, talk.tenant, talk.feature
)
select
    line.day, line.team, line.tenant, line.feature, line.provider, line.model, cast(sum(line.requests) as bigint) as requests,
    cast(sum(line.unpriced_requests) as bigint) as unpriced_requests,
    cast(sum(line.used_requests) as bigint) as used_requests, cast(sum(line.repeated_attempts) as bigint) as repeated_attempts,
    cast(sum(line.prompt_tokens) as bigint) as prompt_tokens, cast(sum(line.cache_read_tokens) as bigint) as cache_read_tokens,
    cast(sum(line.tokens) as bigint) as tokens, cast(sum(line.session_requests) as bigint) as session_requests,
    cast(sum(line.sessions) as bigint) as sessions, cast(sum(line.compared_requests) as bigint) as compared_requests,
    cast(sum(line.swapped_requests) as bigint) as swapped_requests, cast(sum(line.finished_requests) as bigint) as finished_requests,
    cast(sum(line.truncated_requests) as bigint) as truncated_requests, cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from line
group by line.day, line.team, line.tenant, line.feature, line.provider, line.model
