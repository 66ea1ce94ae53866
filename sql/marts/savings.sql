/*
What each idea of the savings ledger saved a day since it is live: the same tokens as before it, less what they cost; signed.

grain: one row per day and idea
key: [day, saving]
daily: true
book_days: true
must:
  - unknown_requests <= requests
  - basis in ('measured', 'against a frozen baseline')
*/
-- Amounts are of what is known; what is not is counted, with a reason.
with measured as (
    select
        cost.book_day as day, cost.saving, count(*) as requests, count(cost.unknown_reason) as unknown_requests,
        max(cost.unknown_reason) as unknown_reason, cast(sum(cost.was_usd) as decimal(38,12)) as was_usd,
        cast(sum(cost.cost_usd) as decimal(38,12)) as cost_usd
    from core.saving_cost as cost
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day')
    group by cost.book_day, cost.saving
    union all
    select
        frozen.day, frozen.saving, frozen.requests, case when frozen.unknown_reason is null then 0 else frozen.requests end as unknown_requests,
        frozen.unknown_reason, frozen.was_usd, frozen.cost_usd
    from core.saving_frozen as frozen
    where frozen.day >= getvariable('from_day') and frozen.day < getvariable('to_day')
)
select
    measured.day, measured.saving, saving.lever, saving.owner,
    case when saving.lever in ('caps', 'retries', 'gpu') then 'against a frozen baseline' else 'measured' end as basis,
    cast(measured.requests as bigint) as requests, cast(measured.unknown_requests as bigint) as unknown_requests, measured.unknown_reason,
    measured.was_usd, measured.cost_usd, cast(measured.was_usd - measured.cost_usd as decimal(38,12)) as saving_usd
from measured
inner join book.saving as saving on saving.saving = measured.saving
