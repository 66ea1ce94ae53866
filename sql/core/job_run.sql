/*
From when on each run of a GPU job could have started, and until when it waited: its start, its end where it never started, or the end of
the data. Whole, because the runs before it and the end of the data may lie on any day; jobs without GPUs are left out.

grain: one row per run of a job
key: run_id
*/
with run as (
    select
        job.*, coalesce(job.team, 'unassigned') as waiting_team,
        -- Where a source tells when some runs could start, a run of which it does not tell could not yet, or from an unknown instant on.
        max(job.eligible_at) over (partition by job.source, job.cluster) is not null as tells_eligible,
        max(greatest(job.submitted_at, coalesce(job.started_at, job.submitted_at), coalesce(job.ended_at, job.submitted_at))) over (
            partition by job.source, job.cluster
        ) as data_until,
        max(job.ended_at) over (
            partition by job.source, job.job_id
            order by job.submitted_at, coalesce(job.started_at, timestamp '9999-12-31'), job.run_id rows between 1 preceding and 1 preceding
        ) as previous_end,
        min(job.submitted_at) over (
            partition by job.source, job.job_id
            order by job.submitted_at, coalesce(job.started_at, timestamp '9999-12-31'), job.run_id rows between 1 following and 1 following
        ) as next_submission,
        -- A run that completed is not run again: runs of one name then are tasks beside each other.
        max(job.state) over (
            partition by job.source, job.job_id
            order by job.submitted_at, coalesce(job.started_at, timestamp '9999-12-31'), job.run_id rows between 1 preceding and 1 preceding
        ) in ('preempted', 'failed', 'timeout', 'cancelled') as is_rerun
    from core.job as job
    where coalesce(job.gpus, 1) > 0
),
predecessor as (
    select job.source, job.job_id, max(job.ended_at) as ended_at, count(*) - count(job.ended_at) as open_runs
    from core.job as job
    group by job.source, job.job_id
),
judged as (
    select
        run.*, predecessor.ended_at as predecessor_end, coalesce(predecessor.open_runs, 0) > 0 as is_held_up,
        case
            when run.started_at is not null then 'started'
            when coalesce(run.elapsed_seconds, 0) > 0 and coalesce(run.state, '') <> 'waiting' then 'started'
            when run.state in ('running', 'completed') then 'started'
            -- Where the job was handed in again, this run waits no more, even if no later export says what became of it.
            when run.ended_at is not null or run.next_submission > run.submitted_at then 'cancelled'
            when coalesce(run.state, 'waiting') = 'waiting' then 'waiting'
            else 'cancelled'
        end as wait_state
    from run
    left join predecessor
        on predecessor.source = run.source and predecessor.job_id = run.predecessor_job_id and run.predecessor_job_id <> run.job_id
),
timed as (
    select
        judged.*, case judged.wait_state
            when 'started' then judged.started_at
            when 'cancelled' then coalesce(
                judged.ended_at, case when judged.next_submission > judged.submitted_at then judged.next_submission end
            )
            else judged.data_until
        end as waited_until
    from judged
)
select
    timed.run_id, timed.job_id, timed.day, timed.source, timed.cluster, coalesce(timed.queue, '(none)') as queue,
    coalesce(timed.priority, '(none)') as priority, timed.waiting_team as team, timed.tenant, timed.feature, timed.gpus, timed.gpu_model,
    timed.state, timed.submitted_at, timed.started_at, timed.ended_at, timed.elapsed_seconds, timed.wait_state, timed.waited_until,
    case when timed.eligible_at is null and timed.tells_eligible then null else greatest(
        timed.submitted_at, coalesce(timed.eligible_at, timed.submitted_at),
        case when timed.is_rerun and timed.previous_end <= timed.waited_until then timed.previous_end else timed.submitted_at end,
        case when timed.predecessor_end <= timed.waited_until then timed.predecessor_end else timed.submitted_at end
    ) end as runnable_at,
    timed.is_held_up and timed.wait_state <> 'started' as is_held_up
from timed
