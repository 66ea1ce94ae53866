/*
Tokens of self-hosted models by hour and pool, what they would have cost at the list price of an API, and their part of the hour.

grain: one row per UTC hour, pool, model and API model it is held against
key: [started_at, pool, model, api]
daily: true
must:
  - requests >= uncounted_requests + unpriced_requests
  - (api_cost_usd is null) = (unpriced_requests > 0)
  - weight_from >= 0 and weight_from <= weight_to and weight_to <= weight_whole and weight_whole > 0
*/
-- Answers of a cache and calls that are not billed took no GPU.
with call as (
    select
        cost.day, cost.started_at, served.pool, served.model, served.api_provider, served.api_model, cost.input_tokens,
        cost.output_tokens, coalesce(cost.cache_read_tokens, 0) as reads, coalesce(cost.cache_write_5m_tokens, 0) as writes_5m,
        coalesce(cost.cache_write_1h_tokens, 0) as writes_1h, coalesce(cost.reasoning_tokens, 0) as reasoned,
        cost.input_tokens is not null and cost.output_tokens is not null as is_counted, coalesce(cost.input_tokens, 0) as uncached,
        coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)
            as prompt
    from core.request_cost as cost
    inner join book.self_hosted as served on served.rate_id = cost.rate_id
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day') and cost.billing is distinct from 'not billed'
),
-- Call by call, for thresholds are those of one call.
priced as (
    select
        call.*, rate.minimum_pico, cost_of(call.input_tokens, rate.input_pico) + cost_of(call.reads, rate.cache_read_pico)
            + cost_of(call.writes_5m, rate.cache_write_5m_pico) + cost_of(call.writes_1h, rate.cache_write_1h_pico)
            + cost_of(call.output_tokens, rate.output_pico) + cost_of(call.reasoned, rate.reasoning_extra_pico) + rate.request_pico as pico
    from call
    left join core.self_hosted_price as rate
        on rate.day = call.day and rate.api_provider = call.api_provider and rate.api_model = call.api_model
        and call.started_at >= rate.holds_from and call.started_at < rate.holds_to
        and case when rate.is_uncached then call.uncached else call.prompt end > rate.input_above
        and case when rate.is_uncached then call.uncached else call.prompt end <= rate.input_up_to
),
summed as (
    select
        day, cast(date_trunc('hour', started_at) as timestamp) as started_at, pool, model, api_provider || '/' || api_model as api,
        count(*) as requests, count(case when not is_counted then 1 end) as uncounted_requests,
        count(case when is_counted and pico is null then 1 end) as unpriced_requests,
        sum(case when is_counted then input_tokens else 0 end) as input_tokens,
        sum(case when is_counted then reads else 0 end) as cache_read_tokens,
        sum(case when is_counted then writes_5m + writes_1h else 0 end) as cache_write_tokens,
        sum(case when is_counted then output_tokens else 0 end) as output_tokens,
        coalesce(sum(case when pico < minimum_pico then minimum_pico else pico end), 0) as pico
    from priced
    group by day, cast(date_trunc('hour', started_at) as timestamp), pool, model, api_provider || '/' || api_model
),
-- Models share an hour by what their tokens cost at their APIs; by tokens where one has no price there, by calls where nothing is counted.
weighed as (
    select
        summed.*, cast(case
            when sum(unpriced_requests) over (partition by pool, started_at) = 0 and sum(pico) over (partition by pool, started_at) > 0
            then pico when sum(tokens) over (partition by pool, started_at) > 0 then tokens else requests end as decimal(18,0)) as weight
    from (select *, input_tokens + cache_read_tokens + cache_write_tokens + output_tokens as tokens from summed) as summed
),
running as (
    select weighed.*, sum(weight) over (partition by pool, started_at) as whole,
        sum(weight) over (partition by pool, started_at order by model, api rows between unbounded preceding and current row) as upto
    from weighed
)
select
    used.day, hour.book_day, used.started_at, used.pool, used.model, used.api, used.requests, used.uncounted_requests,
    used.unpriced_requests, cast(used.input_tokens as bigint) as input_tokens, cast(used.cache_read_tokens as bigint) as cache_read_tokens,
    cast(used.cache_write_tokens as bigint) as cache_write_tokens, cast(used.output_tokens as bigint) as output_tokens,
    case when used.unpriced_requests = 0 then to_usd(used.pico) end as api_cost_usd,
    cast(used.upto - used.weight as decimal(18,0)) as weight_from, cast(used.upto as decimal(18,0)) as weight_to,
    cast(used.whole as decimal(18,0)) as weight_whole
from running as used
inner join book.hour as hour on hour.day = used.day and hour.started_at = used.started_at
