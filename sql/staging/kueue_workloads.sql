/*
Jobs of Kueue, one row per workload: of several exports the row with the latest change.

grain: one row per workload
key: run_id
daily: true
kind: job
conserves: raw.kueue_workloads
*/
with ranked as (
    select
        workload.*,
        row_number() over (
            partition by workload.day, workload.uid
            order by workload.changed_at desc, coalesce(workload.elapsed_seconds, -1) desc, workload.file_id, workload.line
        ) as place,
        count(*) over (partition by workload.day, workload.uid) as copies
    from raw.kueue_workloads as workload
    where workload.day >= getvariable('from_day') and workload.day < getvariable('to_day')
)
select
    uid as run_id, job_id, day, submitted_at, eligible_at, started_at, ended_at, source, cluster, queue, priority, state, gpus, gpu_model,
    elapsed_seconds, team, file_id, copies
from ranked
where place = 1
