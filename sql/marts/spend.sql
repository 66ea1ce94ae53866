/*
What models cost, by day and the dimensions people ask for.

grain: one row per day, team, tenant, feature, environment, provider and model
key: [day, team, tenant, feature, environment, provider, model]
daily: true
book_days: true
must:
  - requests >= unpriced_requests
  - uncertain_cost_usd between 0 and coalesce(cost_usd, 0)
*/
select
    spend.book_day as day, spend.team, spend.tenant, spend.feature, spend.environment, spend.provider, spend.model,
    cast(sum(spend.requests) as bigint) as requests, cast(sum(spend.failed_requests) as bigint) as failed_requests,
    cast(sum(spend.unpriced_requests) as bigint) as unpriced_requests, cast(sum(spend.repeated_attempts) as bigint) as repeated_attempts,
    cast(sum(spend.input_tokens) as bigint) as input_tokens, cast(sum(spend.cache_read_tokens) as bigint) as cache_read_tokens,
    cast(sum(spend.cache_write_tokens) as bigint) as cache_write_tokens, cast(sum(spend.output_tokens) as bigint) as output_tokens,
    cast(sum(spend.reasoning_tokens) as bigint) as reasoning_tokens,
    cast(sum(spend.cost_usd) as decimal(38,12)) as cost_usd,
    cast(sum(spend.uncertain_cost_usd) as decimal(38,12)) as uncertain_cost_usd,
    cast(sum(spend.reported_cost_usd) as decimal(38,12)) as reported_cost_usd
from core.model_spend as spend
where spend.book_day >= getvariable('from_day') and spend.book_day < getvariable('to_day')
group by spend.book_day, spend.team, spend.tenant, spend.feature, spend.environment, spend.provider, spend.model
