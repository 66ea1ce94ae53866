/*
What models on the book's own pools cost a day on both bases, beside an API: sums to be divided by the tokens that each is of.

grain: one row per day, pool and model; '(none)' has the hours in which the pool served none
key: [day, pool, model, api]
daily: true
book_days: true
must:
  - costed_tokens <= tokens and priced_tokens <= tokens
*/
-- Used of capacity is the utilisation. On the allocation basis, models bear the hours in which their pool served none.
select
    hour.book_day as day, hour.pool, hour.model, hour.api, cast(sum(hour.requests) as bigint) as requests,
    cast(sum(hour.uncounted_requests) as bigint) as uncounted_requests, cast(sum(hour.unpriced_requests) as bigint) as unpriced_requests,
    cast(sum(hour.input_tokens) as bigint) as input_tokens, cast(sum(hour.cache_read_tokens) as bigint) as cache_read_tokens,
    cast(sum(hour.cache_write_tokens) as bigint) as cache_write_tokens, cast(sum(hour.output_tokens) as bigint) as output_tokens,
    cast(sum(hour.tokens) as bigint) as tokens,
    -- Tokens of the hours whose cost is known, and of those that the API has a price for.
    cast(sum(case when hour.allocation_cost_usd is not null then hour.tokens else 0 end) as bigint) as costed_tokens,
    cast(sum(case when hour.api_cost_usd is not null then hour.tokens else 0 end) as bigint) as priced_tokens,
    cast(sum(hour.capacity_seconds) as bigint) as capacity_seconds, cast(sum(hour.used_seconds) as bigint) as used_seconds,
    cast(sum(hour.unknown_seconds) as bigint) as unknown_seconds,
    cast(sum(hour.allocation_cost_usd) as decimal(38,12)) as allocation_cost_usd,
    cast(sum(hour.usage_cost_usd) as decimal(38,12)) as usage_cost_usd, cast(sum(hour.api_cost_usd) as decimal(38,12)) as api_cost_usd
from (
    select held.*, held.input_tokens + held.cache_read_tokens + held.cache_write_tokens + held.output_tokens as tokens
    from core.self_hosted_hour as held
) as hour
where hour.book_day >= getvariable('from_day') and hour.book_day < getvariable('to_day')
group by hour.book_day, hour.pool, hour.model, hour.api
