/*
What we priced beside what providers bill and say was used.

grain: one row per day and provider
key: [day, provider]
daily: true
*/
with adjusted as (
    -- Commitments, allowances and minimum spends that are on a bill of that day.
    select adjustment.day, adjustment.billed_as as provider, sum(adjustment.cost_usd) as cost_usd
    from core.adjustment as adjustment
    left join (select distinct day from core.charge where billed_as = 'gpu instances') as bill on bill.day = adjustment.day
    where adjustment.billed_as <> 'gpu instances' or (adjustment.billed_as = 'gpu instances' and bill.day is not null)
    group by adjustment.day, adjustment.billed_as
),
calls as (
    select
        spend.day, spend.provider, sum(spend.cost_usd) as priced_usd, sum(spend.unpriced_requests) as unpriced_requests,
        sum(case when spend.basis = 'requests' then spend.requests end) as logged_requests,
        sum(case when spend.basis = 'requests'
            then spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens + spend.output_tokens end) as logged_tokens,
        sum(spend.list_cost_usd) as list_usd, sum(spend.reported_cost_usd) as reported_usd
    from core.model_spend as spend
    group by spend.day, spend.provider
    union all
    select hour.day, 'gpu instances', sum(hour.cost_usd), cast(null as bigint), cast(null as bigint), cast(null as bigint), null, null
    from core.gpu_hour as hour
    inner join (select distinct day from core.charge where billed_as = 'gpu instances') as bill on bill.day = hour.day
    left join book.gpu_pool as pool on pool.pool = hour.pool
    where coalesce(pool.is_billed, true)
    group by hour.day
),
priced as (
    select
        pair.day, pair.provider,
        cast(coalesce(calls.priced_usd + coalesce(adjusted.cost_usd, 0), adjusted.cost_usd) as decimal(38,12)) as priced_usd,
        calls.unpriced_requests, calls.logged_requests, calls.logged_tokens, calls.list_usd, calls.reported_usd
    from (select calls.day, calls.provider from calls union select adjusted.day, adjusted.provider from adjusted) as pair
    left join calls on calls.day = pair.day and calls.provider = pair.provider
    left join adjusted on adjusted.day = pair.day and adjusted.provider = pair.provider
),
used as (
    select
        usage.day, coalesce(usage.provider, '(none)') as provider, sum(usage.requests) as usage_requests,
        sum(
            coalesce(usage.input_tokens, 0) + coalesce(usage.cache_read_tokens, 0) + coalesce(usage.cache_write_5m_tokens, 0)
            + coalesce(usage.cache_write_1h_tokens, 0) + coalesce(usage.output_tokens, 0)
        ) as usage_tokens
    from core.usage as usage
    group by usage.day, coalesce(usage.provider, '(none)')
),
billed as (
    select
        charge.day, charge.billed_as as provider, sum(charge.billed_cost_usd) as billed_usd, sum(charge.cost_usd) as cost_usd,
        sum(case when charge.unconverted_reason is null then 0 else 1 end) as unconverted_charges
    from core.charge as charge
    where charge.billed_as is not null
    group by charge.day, charge.billed_as
),
pair as (
    select priced.day, priced.provider from priced union select used.day, used.provider from used union select billed.day, billed.provider from billed
)
select
    pair.day, pair.provider, cast(priced.priced_usd as decimal(38,12)) as priced_usd, cast(billed.billed_usd as decimal(38,12)) as billed_usd,
    cast(billed.cost_usd as decimal(38,12)) as amortised_usd,
    -- What a bill says is unknown while any line of it is not known in dollars.
    cast(case when billed.unconverted_charges = 0 then billed.cost_usd - coalesce(priced.priced_usd, 0) end as decimal(38,12))
        as difference_usd,
    cast(coalesce(billed.unconverted_charges, 0) as bigint) as unconverted_charges,
    cast(priced.logged_requests as bigint) as logged_requests, cast(used.usage_requests as bigint) as usage_requests,
    cast(priced.logged_tokens as bigint) as logged_tokens, cast(used.usage_tokens as bigint) as usage_tokens,
    cast(coalesce(priced.unpriced_requests, 0) as bigint) as unpriced_requests, cast(priced.list_usd as decimal(38,12)) as list_usd,
    cast(priced.reported_usd as decimal(38,12)) as reported_usd
from pair
left join priced on priced.day = pair.day and priced.provider = pair.provider
left join used on used.day = pair.day and used.provider = pair.provider
left join billed on billed.day = pair.day and billed.provider = pair.provider
where pair.day >= getvariable('from_day') and pair.day < getvariable('to_day')
