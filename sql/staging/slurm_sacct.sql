/*
Jobs of Slurm, each run once: of a run that was exported while it waited or ran, the later row.

grain: one row per run of a job
key: run_id
daily: true
kind: job
conserves: raw.slurm_sacct
*/
with named as (
    select run.*, concat(coalesce(run.cluster, run.source), '/', run.job_number) as job_id
    from raw.slurm_sacct as run
    where run.day >= getvariable('from_day') and run.day < getvariable('to_day')
),
ranked as (
    select
        named.*,
        row_number() over (
            partition by named.job_id, named.submitted_second
            order by
                case named.state when 'waiting' then 0 when 'running' then 1 else 2 end desc, coalesce(named.elapsed_seconds, -1) desc,
                coalesce(named.ended_at, named.submitted_at) desc, named.file_id, named.line
        ) as place,
        count(*) over (partition by named.job_id, named.submitted_second) as copies
    from named
)
select
    concat(job_id, '/', cast(submitted_second as varchar)) as run_id, job_id, day, submitted_at, eligible_at, started_at, ended_at, source,
    cluster, queue, priority, state, gpus, gpu_model, elapsed_seconds, node, user_id, team, file_id, copies
from ranked
where place = 1
