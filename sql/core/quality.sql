/*
Every signal of quality, whatever said it: scores, ratings, outcomes, and what requests say of themselves.

grain: one row per judgement and signal
key: [quality_id, signal]
daily: true
should:
  - signal <> 'rating' or value is null or (value >= 0 and value <= 1)
*/
with said as (
    select quality_id, day, occurred_at, source, signal, value, label, request_id, operation_id, session_id from staging.quality
    union all
    select
        request_id as quality_id, day, started_at as occurred_at, source, 'rating' as signal, quality_score as value, null as label, request_id,
        operation_id, session_id
    from staging.request
    where quality_score is not null
    union all
    select
        request_id, day, started_at, source, 'task_completed', cast(case when is_completed then 1 else 0 end as decimal(18,6)), null,
        request_id, operation_id, session_id
    from staging.request
    where is_completed is not null
    union all
    select
        request_id, day, started_at, source, 'fallback', cast(case when is_fallback then 1 else 0 end as decimal(18,6)), null,
        request_id, operation_id, session_id
    from staging.request
    where is_fallback is not null
    union all
    select
        request_id, day, started_at, source, 'escalated', cast(case when is_escalated then 1 else 0 end as decimal(18,6)), null,
        request_id, operation_id, session_id
    from staging.request
    where is_escalated is not null
    union all
    select outcome_id, day, occurred_at, source, 'rating', quality_score, unit, null, operation_id, session_id
    from staging.outcome
    where quality_score is not null
    union all
    select
        outcome_id, day, occurred_at, source, 'task_completed', cast(case when coalesce(is_success, true) then 1 else 0 end as decimal(18,6)), unit,
        null, operation_id, session_id
    from staging.outcome
    union all
    select
        outcome_id, day, occurred_at, source, 'escalated', cast(case when is_escalated then 1 else 0 end as decimal(18,6)), unit, null,
        operation_id, session_id
    from staging.outcome
    where is_escalated is not null
)
select
    said.quality_id, said.day, said.occurred_at, said.source, said.signal, said.value, said.label, said.request_id, said.operation_id,
    said.session_id
from said
where said.day >= getvariable('from_day') and said.day < getvariable('to_day')
