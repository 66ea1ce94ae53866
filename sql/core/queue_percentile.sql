/*
Exact percentiles of the waits that ended with a start, by nearest rank: the smallest wait that so many percent of the runs do not exceed.

grain: one row per cell of core.queue_cell and first day of its day or week
key: [cell_id, day]
must:
  - p50_seconds <= p90_seconds and p90_seconds <= p99_seconds and p99_seconds <= longest_seconds
*/
with counted as (
    select
        cell.cell_id, case when cell.span = 'day' then waited.book_day else calendar.week_start end as day, waited.wait_seconds,
        count(*) as runs
    from core.job_wait as waited
    inner join book.day as calendar on calendar.day = waited.book_day
    inner join core.queue_cell as cell
        on cell.team = waited.team and cell.queue = waited.queue and cell.priority = waited.priority
        and cell.hour_of_day = coalesce(lpad(cast(waited.hour_of_day as varchar), 2, '0'), '(unknown)')
    where waited.wait_state = 'started' and waited.wait_seconds is not null
    group by cell.cell_id, case when cell.span = 'day' then waited.book_day else calendar.week_start end, waited.wait_seconds
),
summed as (
    select
        counted.*, cast(sum(counted.runs) over (
            partition by counted.cell_id, counted.day order by counted.wait_seconds rows between unbounded preceding and current row
        ) as bigint) as runs_up_to,
        cast(sum(counted.runs) over (partition by counted.cell_id, counted.day) as bigint) as all_runs
    from counted
)
select
    summed.cell_id, summed.day, cast(sum(summed.runs) as bigint) as started_runs,
    min(case when summed.runs_up_to * 100 >= 50 * summed.all_runs then summed.wait_seconds end) as p50_seconds,
    min(case when summed.runs_up_to * 100 >= 90 * summed.all_runs then summed.wait_seconds end) as p90_seconds,
    min(case when summed.runs_up_to * 100 >= 99 * summed.all_runs then summed.wait_seconds end) as p99_seconds,
    max(summed.wait_seconds) as longest_seconds
from summed
group by summed.cell_id, summed.day
