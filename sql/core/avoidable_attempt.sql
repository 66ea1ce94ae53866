/*
Failed attempts that are paid, and how much of each a retry policy would have spared. Low: made beyond the limit of attempts. Point: also
those made after an error that no repeat mends. High: all, as if no call had failed. An attempt that was answered is never spared.

grain: one row per failed attempt that costs something
key: request_id
daily: true
must:
  - low_ppm >= 0 and low_ppm <= point_ppm and point_ppm <= high_ppm and high_ppm <= 1000000
  - reason in ('beyond the limit', 'after an error that no repeat mends', 'failed')
*/
with failed as (
    select
        cost.day, cost.request_id, cost.operation_id, cost.attempt, cost.cost_usd, lower(coalesce(cost.error_class, '')) as error,
        policy.max_attempts
    from core.request_cost as cost
    inner join book.retry_policy as policy on policy.max_attempts > 0
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day') and cost.status = 'failure'
),
-- Attempts of the same UTC day: an operation that goes on after midnight is begun anew.
ended as (
    select failed.day, failed.operation_id, min(failed.attempt) as attempt
    from failed
    inner join book.final_error as final on failed.error like final.pattern escape '!'
    group by failed.day, failed.operation_id
),
judged as (
    select failed.*, failed.attempt > failed.max_attempts as is_beyond, coalesce(failed.attempt > ended.attempt, false) as is_after
    from failed
    left join ended on ended.day = failed.day and ended.operation_id = failed.operation_id
    where failed.cost_usd > 0
)
select
    judged.request_id, judged.day, case when judged.is_beyond then 1000000 else 0 end as low_ppm,
    case when judged.is_beyond or judged.is_after then 1000000 else 0 end as point_ppm, 1000000 as high_ppm,
    case when judged.is_beyond then 'beyond the limit' when judged.is_after then 'after an error that no repeat mends'
        else 'failed' end as reason
from judged
