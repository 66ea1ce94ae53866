/*
Calls of self-hosted models that would have been answered together, had the server waited a moment for more: how many batches, how large,
and what waiting adds. What that gains in throughput is told only by a curve that was measured (levers.yaml).

grain: one row per day, pool, model and length of the window
key: [day, pool, model, window_ms]
daily: true
book_days: true
then: gather
must:
  - (batches is null) = (unknown_reason is not null)
  - batches is null or (batches > 0 and batches <= calls and largest_batch >= 1 and calls_saved = calls - batches)
  - batches is null or (added_p50_ms <= added_p95_ms and added_p95_ms <= window_ms)
*/
-- Answers of a cache and calls that are not billed took no GPU.
select cost.book_day as day, served.pool, served.model, cost.started_at, gain.gain_per_doubling
from core.request_cost as cost
inner join book.self_hosted as served on served.rate_id = cost.rate_id
left join book.micro_batch as gain on gain.gain_per_doubling is not null
where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day') and cost.billing is distinct from 'not billed'
