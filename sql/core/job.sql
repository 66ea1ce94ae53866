/*
GPU jobs of schedulers: when each could have run, when it ran, and what it held.

grain: one row per run of a job
key: run_id
daily: true
must:
  - coalesce(gpus, 0) >= 0 and coalesce(elapsed_seconds, 0) >= 0
should:
  - started_at is null or started_at >= submitted_at
  - ended_at is null or started_at is null or ended_at >= started_at
*/
select
    run_id, job_id, predecessor_job_id, day, submitted_at, eligible_at, started_at, ended_at, source, cluster, queue, priority, state,
    gpus, gpu_model, elapsed_seconds, gpus * coalesce(elapsed_seconds, 0) as gpu_seconds, node, user_id, team, tenant, feature, file_id
from staging.job
where day >= getvariable('from_day') and day < getvariable('to_day')
