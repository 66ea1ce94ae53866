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
    outcome_id, day, occurred_at, source, unit, coalesce(quantity, 1) as quantity, coalesce(is_success, true) as is_success,
    coalesce(is_escalated, false) as is_escalated, quality_score, operation_id, session_id, team, tenant, feature, environment,
    experiment_arm, file_id
from staging.outcome
where day >= getvariable('from_day') and day < getvariable('to_day')
