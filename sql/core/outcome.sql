/*
Units of business value attempted, with their quality.

grain: one row per outcome
key: outcome_id
daily: true
must:
  - quantity >= 0
should:
  - quality_score is null or (quality_score >= 0 and quality_score <= 1)
*/
select
    outcome.outcome_id, outcome.day, coalesce(local.book_day, outcome.day) as book_day, outcome.occurred_at, outcome.source, outcome.unit,
    coalesce(outcome.quantity, 1) as quantity, coalesce(outcome.is_success, true) as is_success,
    coalesce(outcome.is_escalated, false) as is_escalated, outcome.quality_score, outcome.operation_id, outcome.session_id, outcome.team,
    outcome.tenant, outcome.feature, outcome.environment, outcome.experiment_arm, outcome.file_id
from staging.outcome as outcome
left join book.local_day as local
    on local.day = outcome.day and outcome.occurred_at >= local.starts_at and outcome.occurred_at < local.ends_at
where outcome.day >= getvariable('from_day') and outcome.day < getvariable('to_day')
