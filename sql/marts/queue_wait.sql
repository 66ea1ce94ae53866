/*
How long jobs waited for GPUs, by day and by week, each with exact percentiles, because percentiles do not add up; runs that have not
started are counted apart. A wait counts on the day on which it ended. '(all)' stands for what a row does not part.

grain: one row per day, in all and by team, queue and priority; per week also by team, by queue and by hour of the day
key: [span, day, parted_by, team, queue, priority, hour_of_day]
must:
  - unshared_seconds <= wait_seconds
  - within_target_runs <= target_runs and target_runs <= started_runs
*/
with run as (
    select
        waited.*, coalesce(lpad(cast(waited.hour_of_day as varchar), 2, '0'), '(unknown)') as hour_name,
        waited.wait_state = 'started' and waited.wait_seconds is not null as is_measured,
        waited.wait_state = 'waiting' and waited.wait_seconds is not null as is_waiting,
        waited.wait_state = 'cancelled' and waited.wait_seconds is not null as is_cancelled
    from core.job_wait as waited
),
daily as (
    select
        run.book_day, run.team, run.queue, run.priority, run.hour_name, run.target_seconds, run.target_percentile,
        count(case when run.is_measured then 1 end) as started_runs,
        sum(case when run.is_measured then run.wait_seconds end) as wait_seconds,
        sum(case when run.is_measured then run.unshared_seconds end) as unshared_seconds,
        sum(case when run.is_measured then run.gpus end) as gpus,
        sum(case when run.is_measured then run.waited_gpu_seconds end) as waited_gpu_seconds,
        count(case when run.is_waiting then 1 end) as waiting_runs,
        sum(case when run.is_waiting then run.wait_seconds end) as waiting_seconds,
        max(case when run.is_waiting then run.wait_seconds end) as longest_waiting_seconds,
        count(case when run.is_cancelled then 1 end) as cancelled_runs,
        sum(case when run.is_cancelled then run.wait_seconds end) as cancelled_seconds,
        count(case when run.wait_seconds is null then 1 end) as unknown_runs,
        count(case when run.is_measured then run.is_within_target end) as target_runs,
        count(case when run.is_measured and run.is_within_target then 1 end) as within_target_runs,
        count(case when not run.is_measured and not run.is_within_target then 1 end) as censored_beyond_target_runs,
        sum(case when run.is_measured then run.wait_cost_usd end) as wait_cost_usd,
        sum(case when not run.is_measured then run.wait_cost_usd end) as censored_cost_usd,
        count(case when run.wait_seconds is not null and run.wait_cost_usd is null then 1 end) as unpriced_runs
    from run
    group by run.book_day, run.team, run.queue, run.priority, run.hour_name, run.target_seconds, run.target_percentile
),
placed as (
    select
        daily.*, cell.cell_id, cell.span, cell.parted_by, cell.cell_team, cell.cell_queue, cell.cell_priority, cell.cell_hour,
        case when cell.span = 'day' then daily.book_day else calendar.week_start end as day
    from daily
    inner join book.day as calendar on calendar.day = daily.book_day
    inner join core.queue_cell as cell
        on cell.team = daily.team and cell.queue = daily.queue and cell.priority = daily.priority and cell.hour_of_day = daily.hour_name
)
select
    placed.span, placed.day, placed.parted_by, placed.cell_team as team, placed.cell_queue as queue, placed.cell_priority as priority,
    placed.cell_hour as hour_of_day, cast(sum(placed.started_runs) as bigint) as started_runs,
    max(found.p50_seconds) as p50_seconds, max(found.p90_seconds) as p90_seconds, max(found.p99_seconds) as p99_seconds,
    max(found.longest_seconds) as longest_seconds, cast(coalesce(sum(placed.wait_seconds), 0) as bigint) as wait_seconds,
    cast(coalesce(sum(placed.unshared_seconds), 0) as bigint) as unshared_seconds, cast(coalesce(sum(placed.gpus), 0) as bigint) as gpus,
    cast(coalesce(sum(placed.waited_gpu_seconds), 0) as bigint) as waited_gpu_seconds,
    cast(sum(placed.waiting_runs) as bigint) as waiting_runs, cast(coalesce(sum(placed.waiting_seconds), 0) as bigint) as waiting_seconds,
    max(placed.longest_waiting_seconds) as longest_waiting_seconds, cast(sum(placed.cancelled_runs) as bigint) as cancelled_runs,
    cast(coalesce(sum(placed.cancelled_seconds), 0) as bigint) as cancelled_seconds,
    cast(sum(placed.unknown_runs) as bigint) as unknown_runs,
    -- A row of several targets has no single one.
    case when min(placed.target_seconds) = max(placed.target_seconds) then min(placed.target_seconds) end as target_seconds,
    case when min(placed.target_percentile) = max(placed.target_percentile) then min(placed.target_percentile) end as target_percentile,
    cast(sum(placed.target_runs) as bigint) as target_runs, cast(sum(placed.within_target_runs) as bigint) as within_target_runs,
    cast(sum(placed.censored_beyond_target_runs) as bigint) as censored_beyond_target_runs,
    cast(sum(placed.wait_cost_usd) as decimal(38,12)) as wait_cost_usd,
    cast(sum(placed.censored_cost_usd) as decimal(38,12)) as censored_cost_usd,
    cast(sum(placed.unpriced_runs) as bigint) as unpriced_runs
from placed
left join core.queue_percentile as found on found.cell_id = placed.cell_id and found.day = placed.day
group by placed.span, placed.day, placed.parted_by, placed.cell_team, placed.cell_queue, placed.cell_priority, placed.cell_hour
