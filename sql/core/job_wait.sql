/*
How long each run of a GPU job waited: from when it could have started to its start. A wait that did not end with a start is censored: the
run waits still at the end of the data, or was cancelled while it waited.

grain: one row per run of a job
key: run_id
must:
  - (wait_seconds is null) = (unknown_reason is not null)
  - wait_seconds >= 0 or wait_seconds is null
  - unshared_seconds between 0 and wait_seconds or wait_seconds is null
should:
  - unknown_reason is null or unknown_reason <> 'started before it could'
  - wait_state <> 'waiting' or wait_seconds is null or wait_seconds < 2592000
*/
with timed as (
    select
        run.*, coalesce(run.waited_until, run.submitted_at) as counted_at, unix_second(run.runnable_at) as runnable_second,
        unix_second(run.waited_until) as until_second,
        case
            when run.waited_until is null and run.wait_state = 'started' then 'no start is known'
            when run.waited_until is null then 'no end is known'
            when run.waited_until < run.submitted_at then 'started before it could'
            when run.wait_state <> 'started' and (run.is_held_up or coalesce(run.runnable_at > run.waited_until, true))
                then 'could not run yet'
            when run.runnable_at is null then 'could run from an unknown instant'
            when run.runnable_at > run.waited_until then 'started before it could'
        end as unknown_reason
    from core.job_run as run
),
waited as (
    select timed.*, case when timed.unknown_reason is null then timed.until_second - timed.runnable_second end as wait_seconds from timed
),
-- Of seconds that several waits of a team share, the one that began first has them: sums of what is left are seconds by the clock.
shared as (
    select
        waited.*, max(case when waited.wait_seconds is not null then waited.until_second end) over (
            partition by waited.team, waited.wait_state = 'started'
            order by waited.runnable_second, waited.run_id rows between unbounded preceding and 1 preceding
        ) as before_second
    from waited
)
select
    shared.run_id, shared.job_id, shared.day, coalesce(hour.book_day, cast(shared.counted_at as date)) as book_day,
    began.hour_of_day, shared.source, shared.cluster, shared.queue, shared.priority, shared.team, shared.tenant, shared.feature,
    setting.pool, shared.gpus, shared.gpu_model, shared.state, shared.wait_state, shared.runnable_at, shared.waited_until,
    shared.wait_seconds, shared.unknown_reason,
    case when shared.wait_seconds is null then null
        when coalesce(shared.before_second <= shared.runnable_second, true) then shared.wait_seconds
        when shared.before_second >= shared.until_second then 0 else shared.until_second - shared.before_second end as unshared_seconds,
    shared.gpus * shared.wait_seconds as waited_gpu_seconds, setting.target_seconds, setting.target_percentile,
    shared.wait_seconds <= setting.target_seconds as is_within_target,
    -- A value that is stated, not a part of a bill: cut off at the pico-dollar, run by run.
    to_usd(div_trunc(
        cast(to_pico(setting.waiting_usd_per_hour) as decimal(24,0)) * cast(shared.wait_seconds as decimal(12,0)), 3600
    )) as wait_cost_usd
from shared
left join core.queue_setting as setting on setting.queue = shared.queue and setting.team = shared.team
left join book.hour as hour
    on hour.day = cast(shared.counted_at as date)
    and hour.hour_second = unix_second(shared.counted_at) - unix_second(shared.counted_at) % 3600
left join book.hour as began
    on began.day = cast(shared.runnable_at as date) and began.hour_second = shared.runnable_second - shared.runnable_second % 3600
