/*
How much of what was used has a price, and why the rest has none; how much of it is estimated.

grain: one row per day, source and reason ('priced' where there is a price, or its source knows the cost better)
key: [day, source, reason]
daily: true
*/
select
    used.day, used.source, used.reason, cast(sum(used.requests) as bigint) as requests, cast(sum(used.tokens) as bigint) as tokens,
    cast(sum(used.reported_cost_usd) as decimal(38,12)) as reported_cost_usd, cast(sum(used.cost_usd) as decimal(38,12)) as cost_usd,
    cast(sum(used.estimated_requests) as bigint) as estimated_requests, cast(sum(used.estimated_tokens) as bigint) as estimated_tokens,
    cast(sum(used.estimated_cost_usd) as decimal(38,12)) as estimated_cost_usd
from marts.priced_use as used
where used.day >= getvariable('from_day') and used.day < getvariable('to_day')
group by used.day, used.source, used.reason
