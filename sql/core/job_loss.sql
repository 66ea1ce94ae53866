/*
GPU time of runs that did not end well, at most what was lost: a checkpoint may have saved a part. Priced at what a GPU-hour of the
queue's pool cost on the day the run ended.

grain: one row per run that was lost
key: run_id
must:
  - (cost_usd is null) = (unpriced_reason is not null)
  - lost_gpu_seconds >= 0 or lost_gpu_seconds is null
*/
with ran as (
    select
        run.*, unix_second(run.ended_at) - unix_second(run.started_at) as span_seconds,
        run.state in ('preempted', 'failed', 'timeout', 'cancelled') as is_lost
    from core.job_run as run
),
lost as (
    select
        ran.*, coalesce(ran.ended_at, ran.submitted_at) as lost_at, case when ran.is_lost then ran.state else 'earlier runs' end as loss,
        -- Kueue adds up in one row what the evicted runs of a workload ran; beyond the last run's own time all of it was lost.
        case when ran.is_lost then coalesce(ran.elapsed_seconds, ran.span_seconds)
            else ran.elapsed_seconds - coalesce(ran.span_seconds, 0) end as lost_seconds
    from ran
    where (ran.is_lost and (ran.started_at is not null or ran.elapsed_seconds > 0))
        or (not coalesce(ran.is_lost, false) and ran.elapsed_seconds > coalesce(ran.span_seconds, 0)
            and (ran.started_at is null) = (ran.state = 'waiting') and (ran.ended_at is not null or ran.state = 'waiting'))
),
dated as (
    select
        lost.*, setting.pool, coalesce(hour.book_day, cast(lost.lost_at as date)) as book_day,
        lost.gpus * lost.lost_seconds as lost_gpu_seconds
    from lost
    left join core.queue_setting as setting on setting.queue = lost.queue and setting.team = lost.team
    left join book.hour as hour
        on hour.day = cast(lost.lost_at as date) and hour.hour_second = unix_second(lost.lost_at) - unix_second(lost.lost_at) % 3600
),
rate as (
    select held.book_day, held.pool, sum(held.cost_usd) as cost_usd, cast(sum(held.priced_seconds) as bigint) as priced_seconds
    from core.queue_pool_hour as held
    where held.capacity_seconds is not null
    group by held.book_day, held.pool
),
priced as (
    select
        dated.*, case when dated.lost_gpu_seconds is null then 'how many GPUs it held, or how long, is not known'
            when dated.pool is null then 'the book names no pool for its queue'
            when rate.pool is null then 'the pool has no samples on that day'
            when coalesce(rate.priced_seconds, 0) = 0 then 'the pool has no price on that day' end as unpriced_reason,
        cast(to_pico(rate.cost_usd) as decimal(25,0)) as pool_pico, rate.priced_seconds
    from dated
    left join rate on rate.pool = dated.pool and rate.book_day = dated.book_day
)
select
    priced.run_id, priced.job_id, priced.book_day, priced.source, priced.cluster, priced.queue, priced.priority, priced.team, priced.tenant,
    priced.feature, priced.pool, priced.loss, priced.gpus, priced.gpu_model, priced.lost_seconds, priced.lost_gpu_seconds,
    priced.unpriced_reason,
    case when priced.unpriced_reason is null then to_usd(div_trunc(
        priced.pool_pico * cast(priced.lost_gpu_seconds as decimal(12,0)), priced.priced_seconds)) end as cost_usd
from priced
