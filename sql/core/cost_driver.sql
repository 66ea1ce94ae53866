/*
What drives the cost of models, request logs and provider usage together: counts, tokens and dollars by meter that sum to what models cost.

grain: one row per day, owner, model, tier, meter, whether requests are counted and whether they have a price
key: [day, team, tenant, feature, provider, model, served_tier, meter, is_counted, is_priced]
daily: true
book_days: true
must:
  - day_difference_usd = 0
*/
with driver as (
    select
        request.day, request.team, request.tenant, request.feature, request.provider, request.model, request.served_tier, request.meter,
        true as is_counted, request.is_priced, request.operations, request.calls, request.attempts, request.input_tokens,
        request.cache_read_tokens, request.cache_write_tokens, request.output_tokens, request.stated_tokens, request.units,
        request.input_cost_usd, request.cache_read_cost_usd, request.cache_write_cost_usd, request.output_cost_usd, request.other_cost_usd, request.call_cost_usd,
        request.stated_cost_usd
    from core.request_driver as request
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day')
    union all
    select
        usage.day, usage.team, usage.tenant, usage.feature, usage.provider, usage.model, usage.served_tier, usage.meter, usage.is_counted,
        usage.is_priced, usage.requests, usage.requests, usage.requests, usage.input_tokens, usage.cache_read_tokens,
        usage.cache_write_tokens, usage.output_tokens, usage.stated_tokens, usage.units, usage.input_cost_usd,
        usage.cache_read_cost_usd, usage.cache_write_cost_usd, usage.output_cost_usd, usage.other_cost_usd, usage.call_cost_usd, usage.stated_cost_usd
    from core.usage_driver as usage
    where usage.day >= getvariable('from_day') and usage.day < getvariable('to_day')
),
cell as (
    select
        day, team, tenant, feature, provider, model, served_tier, meter, is_counted, is_priced,
        cast(sum(operations) as bigint) as operations, cast(sum(calls) as bigint) as calls,
        cast(sum(attempts) as bigint) as attempts, cast(sum(input_tokens) as bigint) as input_tokens,
        cast(sum(cache_read_tokens) as bigint) as cache_read_tokens, cast(sum(cache_write_tokens) as bigint) as cache_write_tokens,
        cast(sum(output_tokens) as bigint) as output_tokens, cast(sum(stated_tokens) as bigint) as stated_tokens,
        cast(sum(units) as decimal(38,6)) as units, cast(sum(input_cost_usd) as decimal(38,12)) as input_cost_usd,
        cast(sum(cache_read_cost_usd) as decimal(38,12)) as cache_read_cost_usd, cast(sum(cache_write_cost_usd) as decimal(38,12)) as cache_write_cost_usd,
        cast(sum(output_cost_usd) as decimal(38,12)) as output_cost_usd, cast(sum(other_cost_usd) as decimal(38,12)) as other_cost_usd,
        cast(sum(call_cost_usd) as decimal(38,12)) as call_cost_usd, cast(sum(stated_cost_usd) as decimal(38,12)) as stated_cost_usd
    from driver
    group by day, team, tenant, feature, provider, model, served_tier, meter, is_counted, is_priced
),
summed as (
    select cell.*, cell.input_cost_usd + cell.cache_read_cost_usd + cell.cache_write_cost_usd + cell.output_cost_usd + cell.other_cost_usd
        + cell.call_cost_usd + cell.stated_cost_usd as cost_usd
    from cell
),
spent as (
    select spend.book_day as day, sum(coalesce(spend.cost_usd, 0)) as cost_usd from core.model_spend as spend group by spend.book_day
)
select
    summed.day, summed.team, summed.tenant, summed.feature, summed.provider, summed.model, summed.served_tier, summed.meter,
    summed.is_counted, summed.is_priced, summed.operations, summed.calls, summed.attempts, summed.input_tokens, summed.cache_read_tokens,
    summed.cache_write_tokens, summed.output_tokens, summed.stated_tokens, summed.units, summed.input_cost_usd, summed.cache_read_cost_usd,
    summed.cache_write_cost_usd, summed.output_cost_usd, summed.other_cost_usd, summed.call_cost_usd, summed.stated_cost_usd,
    cast(summed.cost_usd as decimal(38,12)) as cost_usd,
    cast(sum(summed.cost_usd) over (partition by summed.day) - coalesce(spent.cost_usd, 0) as decimal(38,12)) as day_difference_usd
from summed
left join spent on spent.day = summed.day
