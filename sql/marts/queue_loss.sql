/*
GPU time that runs took which did not end well, at most what was lost, on the day each run ended; the cost is of the runs that have one.

grain: one row per day, team, queue and way of being lost
key: [day, team, queue, loss]
must:
  - unpriced_gpu_seconds <= lost_gpu_seconds
*/
select
    lost.book_day as day, lost.team, lost.queue, lost.loss, count(*) as runs, count(*) - count(lost.lost_gpu_seconds) as unknown_runs,
    cast(coalesce(sum(lost.lost_gpu_seconds), 0) as bigint) as lost_gpu_seconds,
    cast(coalesce(sum(case when lost.cost_usd is null then lost.lost_gpu_seconds end), 0) as bigint) as unpriced_gpu_seconds,
    cast(sum(lost.cost_usd) as decimal(38,12)) as cost_usd, min(lost.unpriced_reason) as unpriced_reason
from core.job_loss as lost
group by lost.book_day, lost.team, lost.queue, lost.loss
