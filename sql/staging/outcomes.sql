/*
Business outcomes, each once.

grain: one row per outcome and day
key: outcome_id
daily: true
kind: outcome
conserves: raw.outcomes
*/
with ranked as (
    select
        outcome.*,
        row_number() over (partition by outcome.day, outcome.outcome_id order by outcome.occurred_at desc, outcome.quantity desc, outcome.file_id, outcome.line)
            as place,
        count(*) over (partition by outcome.day, outcome.outcome_id) as copies
    from raw.outcomes as outcome
    where outcome.day >= getvariable('from_day') and outcome.day < getvariable('to_day')
)
select
    ranked.outcome_id, ranked.day, ranked.occurred_at, ranked.source, ranked.unit, ranked.quantity, ranked.is_success, ranked.is_escalated,
    ranked.quality_score, ranked.operation_id, ranked.session_id, ranked.key_alias, ranked.team, ranked.tenant, ranked.feature,
    ranked.environment, ranked.experiment_arm, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
