/*
What people, judges and requests say of an outcome: signals of quality of its operation or session, of its day and the day before.

grain: one row per outcome that anything is said of
key: outcome_id
daily: true
lookback_days: 1
*/
with outcome as (
    select outcome.outcome_id, outcome.day, outcome.operation_id, outcome.session_id
    from core.unit_outcome as outcome
    where outcome.day >= getvariable('from_day') and outcome.day < getvariable('to_day')
),
-- What outcomes say of themselves is in their own rows.
said as (
    select quality.quality_id, quality.day, quality.signal, quality.value, quality.request_id, quality.operation_id, quality.session_id
    from core.quality as quality
    left join core.outcome as own on own.outcome_id = quality.quality_id and own.day = quality.day
        and own.day >= getvariable('from_day') - 1 and own.day < getvariable('to_day')
    where quality.day >= getvariable('from_day') - 1 and quality.day < getvariable('to_day') and quality.value is not null
        and own.outcome_id is null and quality.signal in ('rating', 'task_completed', 'escalated', 'fallback')
),
found as (
    select linked.outcome_id, linked.day, said.quality_id, said.signal, said.value
    from core.outcome_request as linked
    inner join said on said.request_id = linked.request_id
    where linked.day >= getvariable('from_day') and linked.day < getvariable('to_day') and said.day <= linked.day and said.day >= linked.day - 1
    union
    select outcome.outcome_id, outcome.day, said.quality_id, said.signal, said.value
    from outcome
    inner join said on said.operation_id = outcome.operation_id
    where said.request_id is null and said.day <= outcome.day and said.day >= outcome.day - 1
    union
    select outcome.outcome_id, outcome.day, said.quality_id, said.signal, said.value
    from outcome
    inner join said on said.session_id = outcome.session_id
    where said.request_id is null and said.operation_id is null and said.day <= outcome.day and said.day >= outcome.day - 1
)
select
    found.outcome_id, found.day, count(case when found.signal = 'rating' then 1 end) as ratings,
    cast(sum(case when found.signal = 'rating' then found.value else 0 end) as decimal(38,6)) as rating_sum,
    count(case when found.signal = 'task_completed' then 1 end) as completions,
    cast(sum(case when found.signal = 'task_completed' then found.value else 0 end) as decimal(38,6)) as completion_sum,
    count(case when found.signal = 'escalated' then 1 end) as escalation_signals,
    count(case when found.signal = 'escalated' and found.value > 0 then 1 end) as escalations,
    count(case when found.signal = 'fallback' then 1 end) as fallback_signals,
    count(case when found.signal = 'fallback' and found.value > 0 then 1 end) as fallbacks
from found
group by found.outcome_id, found.day
