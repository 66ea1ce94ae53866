/*
Outcomes of files a mapping describes, each once.

grain: one row per record and day
key: outcome_id
daily: true
kind: outcome
conserves: raw.mapped_outcome
*/
with ranked as (
    select
        record.*,
        row_number() over (
            partition by record.day, record.outcome_id
            order by record.quantity desc, record.file_id, record.line
        ) as place,
        count(*) over (partition by record.day, record.outcome_id) as copies
    from raw.mapped_outcome as record
    where record.day >= getvariable('from_day') and record.day < getvariable('to_day')
)
select
    ranked.outcome_id, ranked.day, ranked.occurred_at, ranked.source, ranked.unit, ranked.quantity, ranked.is_success,
    ranked.is_escalated, ranked.quality_score, ranked.operation_id, ranked.session_id, ranked.key_alias, ranked.team, ranked.tenant,
    ranked.feature, ranked.environment, ranked.experiment_arm, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
