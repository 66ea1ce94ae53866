/*
Answers that a cap on their output cut off, and whether the caller asked again on the same day.

grain: one row per answer that was cut off
key: request_id
daily: true
must:
  - is_known or not is_asked_again
*/
with answer as (
    select
        request.day, request.request_id, request.operation_id, request.attempt, request.session_id, request.prompt_hash,
        request.started_at
    from core.request as request
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day')
        and request.status = 'success' and not request.is_cache_hit and (
            -- As OpenAI, Anthropic, Gemini, the Responses API and Mistral say it.
            lower(request.finish_reason) in ('length', 'max_tokens', 'max_output_tokens', 'model_length')
            -- A log without the reason: the answer is as long as it was allowed to be.
            or (request.finish_reason is null and not request.is_estimated and request.output_tokens >= request.max_output_tokens)
        )
),
again as (
    select answer.day, answer.request_id
    from answer
    inner join core.request as later
        on later.day = answer.day and later.operation_id = answer.operation_id and later.attempt > answer.attempt
    where later.day >= getvariable('from_day') and later.day < getvariable('to_day')
    union
    -- The next turn of a conversation is another prompt; the same one is the same question.
    select answer.day, answer.request_id
    from answer
    inner join core.request as later
        on later.day = answer.day and later.session_id = answer.session_id and later.prompt_hash = answer.prompt_hash
        and later.started_at > answer.started_at
    where later.day >= getvariable('from_day') and later.day < getvariable('to_day')
)
select
    answer.request_id, answer.day,
    -- It would show: its attempts are told, or its session and prompt.
    answer.operation_id <> answer.request_id or (answer.session_id is not null and answer.prompt_hash is not null)
        or again.request_id is not null as is_known,
    again.request_id is not null as is_asked_again
from answer
left join again on again.day = answer.day and again.request_id = answer.request_id
