/*
How many units of value were attempted and delivered, and with what quality.

grain: one row per day of the book, unit of value, feature, tenant, model and experiment arm
key: [day, unit, feature, tenant, model, experiment_arm]
daily: true
book_days: true
must:
  - units >= successes
*/
select
    outcome.book_day as day, outcome.unit, outcome.feature, outcome.tenant, outcome.model, outcome.experiment_arm,
    cast(sum(outcome.quantity) as bigint) as units, cast(sum(case when outcome.is_success then outcome.quantity else 0 end) as bigint) as successes,
    cast(sum(case when outcome.is_escalated then outcome.quantity else 0 end) as bigint) as escalations,
    cast(sum(case when outcome.is_fallback then outcome.quantity else 0 end) as bigint) as fallbacks,
    cast(sum(case when outcome.is_completed then outcome.quantity else 0 end) as bigint) as completed,
    count(outcome.quality_score) as quality_count, cast(coalesce(sum(outcome.quality_score), 0) as decimal(38,6)) as quality_sum
from core.outcome_cost as outcome
where outcome.book_day >= getvariable('from_day') and outcome.book_day < getvariable('to_day')
group by outcome.book_day, outcome.unit, outcome.feature, outcome.tenant, outcome.model, outcome.experiment_arm
union all
select
    counted.day, counted.unit, counted.feature, counted.tenant, counted.model, counted.experiment_arm, counted.units, counted.successes,
    counted.escalations, counted.fallbacks, counted.completed, counted.quality_count, counted.quality_sum
from core.unit_quantity as counted
where counted.day >= getvariable('from_day') and counted.day < getvariable('to_day')
