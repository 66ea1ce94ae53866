/*
What each unit of value cost in requests, failed attempts included, whether it was delivered by its unit's rule, and with what quality.

grain: one row per outcome
key: outcome_id
daily: true
must:
  - cost_usd >= 0
  - attempts >= failed_attempts
should:
  - quality_score is null or quality_score between 0 and 1
*/
with linked as (
    select
        linked.*, row_number() over (
            partition by linked.outcome_id, linked.day
            order by case when linked.status = 'success' then 0 else 1 end, linked.started_at desc, linked.attempt desc, linked.request_id desc
        ) as place
    from core.outcome_request as linked
    where linked.day >= getvariable('from_day') and linked.day < getvariable('to_day')
),
-- Named by the last attempt that succeeded, else by the last.
spent as (
    select
        linked.outcome_id, linked.day, count(*) as attempts, count(case when linked.status <> 'success' then 1 end) as failed_attempts,
        count(*) - count(linked.cost_usd) as unpriced_attempts, sum(linked.cost_usd) as cost_usd,
        max(case when linked.place = 1 then linked.team end) as team, max(case when linked.place = 1 then linked.tenant end) as tenant,
        max(case when linked.place = 1 then linked.feature end) as feature,
        max(case when linked.place = 1 then linked.environment end) as environment,
        max(case when linked.place = 1 then linked.model end) as model,
        max(case when linked.place = 1 then linked.experiment_arm end) as experiment_arm
    from linked
    group by linked.outcome_id, linked.day
),
judged as (
    select
        outcome.*, coalesce(unit.quality_signal, 'score') as quality_signal, coalesce(unit.asks_success, true) as asks_success,
        coalesce(unit.asks_no_escalation, false) as asks_no_escalation, coalesce(unit.asks_completion, false) as asks_completion,
        unit.min_quality, outcome.is_escalated or coalesce(signal.escalations, 0) > 0 as was_escalated,
        coalesce(signal.fallbacks, 0) > 0 as is_fallback, coalesce(signal.fallback_signals, 0) as fallback_signals,
        case when signal.completions > 0 then signal.completion_sum = signal.completions else outcome.is_success end as is_completed,
        -- Means of scores at the millionth.
        cast(div_trunc(cast(signal.rating_sum as decimal(20,6)) * cast(1000000 as decimal(7,0)), nullif(signal.ratings, 0))
            * cast('0.000001' as decimal(7,6)) as decimal(18,6)) as rating,
        cast(div_trunc(cast(signal.completion_sum as decimal(20,6)) * cast(1000000 as decimal(7,0)), nullif(signal.completions, 0))
            * cast('0.000001' as decimal(7,6)) as decimal(18,6)) as completion
    from core.unit_outcome as outcome
    left join core.outcome_signal as signal on signal.outcome_id = outcome.outcome_id and signal.day = outcome.day
    left join book.unit as unit on unit.unit = outcome.unit
    where outcome.day >= getvariable('from_day') and outcome.day < getvariable('to_day')
),
scored as (
    select
        judged.*, cast(case judged.quality_signal when 'score' then coalesce(judged.quality_score, judged.rating)
            when 'rating' then coalesce(judged.rating, judged.quality_score)
            when 'task_completed' then coalesce(judged.completion, case when judged.is_success then 1 else 0 end)
            when 'escalated' then case when judged.was_escalated then 0 else 1 end
            when 'fallback' then case when judged.fallback_signals > 0 then case when judged.is_fallback then 0 else 1 end end
        end as decimal(18,6)) as score
    from judged
)
select
    scored.outcome_id, scored.day, scored.book_day, scored.occurred_at, scored.unit, scored.quantity,
    (scored.is_success or not scored.asks_success) and not (scored.asks_no_escalation and scored.was_escalated)
        and (scored.is_completed or not scored.asks_completion)
        and (scored.min_quality is null or coalesce(scored.score >= scored.min_quality, false)) as is_success,
    scored.was_escalated as is_escalated, scored.is_fallback, scored.is_completed, scored.score as quality_score,
    coalesce(scored.team, spent.team, '(none)') as team, coalesce(scored.tenant, spent.tenant, '(none)') as tenant,
    coalesce(scored.feature, spent.feature, '(none)') as feature,
    coalesce(scored.environment, spent.environment, '(none)') as environment,
    case when spent.outcome_id is null then '(unknown)' else coalesce(spent.model, '(none)') end as model,
    coalesce(scored.experiment_arm, spent.experiment_arm, '(none)') as experiment_arm,
    cast(coalesce(spent.cost_usd, 0) as decimal(38,12)) as cost_usd, coalesce(spent.attempts, 0) as attempts,
    coalesce(spent.failed_attempts, 0) as failed_attempts, coalesce(spent.unpriced_attempts, 0) as unpriced_attempts
from scored
left join spent on spent.outcome_id = scored.outcome_id and spent.day = scored.day
