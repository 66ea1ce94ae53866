/*
What each day adds to each budget whose scope it falls in, in the measure of the budget.

grain: one row per budget and day with use
key: [budget, day]
daily: true
*/
-- NULL is not known: none of the calls has a price. Where only some have none, `unpriced_requests` says so.
select
    driver.budget, driver.day,
    cast(case when sum(driver.gpu_seconds) > 0
        then to_usd(div_trunc(cast(sum(driver.gpu_seconds) as decimal(24,0)) * cast(1000000000000 as decimal(13,0)), 3600))
        else sum(driver.used) end as decimal(38,12)) as used,
    cast(sum(driver.gpu_seconds) as bigint) as gpu_seconds, cast(sum(driver.unpriced_requests) as bigint) as unpriced_requests
from marts.budget_driver as driver
where driver.day >= getvariable('from_day') and driver.day < getvariable('to_day')
group by driver.budget, driver.day
