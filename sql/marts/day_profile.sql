/*
A day in figures: what is looked at before anything is published.

grain: one row per day
key: day
daily: true
*/
with asked as (
    select
        spend.day, sum(spend.requests) as requests, sum(spend.failed_requests) as failed_requests, sum(spend.unpriced_requests) as unpriced_requests,
        sum(case when spend.team = 'unowned' then spend.requests else 0 end) as unowned_requests,
        sum(spend.cost_usd) as model_usd, sum(case when spend.team = 'unowned' then spend.cost_usd end) as unowned_usd
    from marts.spend as spend
    group by spend.day
),
gpu as (
    select gpu_use.day, sum(gpu_use.capacity_seconds) as capacity_seconds, sum(gpu_use.unknown_seconds) as unknown_seconds
    from marts.gpu_use as gpu_use
    group by gpu_use.day
),
billed as (
    select reconciliation.day, sum(reconciliation.billed_usd) as billed_usd, sum(reconciliation.difference_usd) as difference_usd
    from marts.reconciliation as reconciliation
    group by reconciliation.day
)
select
    proof.day, cast(coalesce(asked.requests, 0) as bigint) as requests, cast(coalesce(asked.failed_requests, 0) as bigint) as failed_requests,
    cast(coalesce(asked.unpriced_requests, 0) as bigint) as unpriced_requests,
    cast(coalesce(asked.unowned_requests, 0) as bigint) as unowned_requests,
    cast(coalesce(gpu.capacity_seconds, 0) as bigint) as capacity_seconds, cast(coalesce(gpu.unknown_seconds, 0) as bigint) as unknown_seconds,
    cast(coalesce(asked.model_usd, 0) as decimal(38,12)) as model_usd, cast(coalesce(asked.unowned_usd, 0) as decimal(38,12)) as unowned_usd,
    proof.cost_usd, cast(billed.billed_usd as decimal(38,12)) as billed_usd,
    cast(billed.difference_usd as decimal(38,12)) as billed_minus_priced_usd, proof.difference_usd
from marts.conservation as proof
left join asked on asked.day = proof.day
left join gpu on gpu.day = proof.day
left join billed on billed.day = proof.day
where proof.day >= getvariable('from_day') and proof.day < getvariable('to_day')
