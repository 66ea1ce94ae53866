/*
Jobs of files a mapping describes, each once.

grain: one row per record and day
key: run_id
daily: true
kind: job
conserves: raw.mapped_job
*/
with ranked as (
    select
        record.*,
        row_number() over (partition by record.day, record.run_id order by record.elapsed_seconds desc, record.ended_at desc, record.file_id, record.line) as place,
        count(*) over (partition by record.day, record.run_id) as copies
    from raw.mapped_job as record
    where record.day >= getvariable('from_day') and record.day < getvariable('to_day')
)
select
    ranked.run_id, ranked.job_id, ranked.predecessor_job_id, ranked.day, ranked.submitted_at, ranked.eligible_at, ranked.started_at, ranked.ended_at, ranked.source,
    ranked.cluster, ranked.queue, ranked.priority, ranked.state, ranked.gpus, ranked.gpu_model, ranked.elapsed_seconds, ranked.node,
    ranked.user_id, ranked.team, ranked.tenant, ranked.feature, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
