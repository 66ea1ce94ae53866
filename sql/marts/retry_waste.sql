/*
Failed attempts by their error: what they cost, and what of it a retry policy would have spared (core.avoidable_attempt says how).

grain: one row per day, provider, model, feature and error class with failed attempts
key: [day, provider, model, feature, error_class]
daily: true
book_days: true
must:
  - low_saving_usd >= 0 and low_saving_usd <= point_saving_usd and point_saving_usd <= high_saving_usd
  - high_saving_usd <= coalesce(cost_usd, 0)
  - paid_attempts + unpriced_attempts <= failed_attempts and beyond_attempts + after_final_attempts <= paid_attempts
*/
with failed as (
    select
        cost.book_day, coalesce(cost.provider, '(none)') as provider, coalesce(cost.model, '(none)') as model,
        coalesce(cost.feature, '(none)') as feature, coalesce(cost.error_class, '(none)') as error_class, cost.attempt, cost.cost_usd,
        cost.uncertain_cost_usd, cast(row_pico(cost.cost_usd) as decimal(24,0)) as pico, spared.low_ppm, spared.point_ppm, spared.high_ppm,
        spared.reason
    from core.request_cost as cost
    left join core.avoidable_attempt as spared on spared.day = cost.day and spared.request_id = cost.request_id
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day') and cost.status = 'failure'
)
select
    failed.book_day as day, failed.provider, failed.model, failed.feature, failed.error_class, count(*) as failed_attempts,
    count(case when failed.attempt > 1 then 1 end) as repeated_attempts, count(case when failed.cost_usd > 0 then 1 end) as paid_attempts,
    count(case when failed.cost_usd is null then 1 end) as unpriced_attempts,
    count(case when failed.reason = 'beyond the limit' then 1 end) as beyond_attempts,
    count(case when failed.reason = 'after an error that no repeat mends' then 1 end) as after_final_attempts,
    cast(sum(failed.cost_usd) as decimal(38,12)) as cost_usd,
    cast(coalesce(sum(failed.uncertain_cost_usd), 0) as decimal(38,12)) as uncertain_cost_usd,
    to_usd(div_trunc(coalesce(sum(failed.pico * failed.low_ppm), 0), 1000000)) as low_saving_usd,
    to_usd(div_trunc(coalesce(sum(failed.pico * failed.point_ppm), 0), 1000000)) as point_saving_usd,
    to_usd(div_trunc(coalesce(sum(failed.pico * failed.high_ppm), 0), 1000000)) as high_saving_usd
from failed
group by failed.book_day, failed.provider, failed.model, failed.feature, failed.error_class
