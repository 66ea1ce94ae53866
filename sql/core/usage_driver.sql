/*
What drives the cost of provider usage on days on which no log covers the provider: requests where they are counted, tokens and dollars by meter.

grain: one row per day, owner, model, tier, meter, whether requests are counted and have a price; meter '' holds requests and plain tokens
key: [day, team, tenant, feature, provider, model, served_tier, meter, is_counted, is_priced]
daily: true
book_days: true
*/
with usage as (
    select
        usage.*, cost.cost_usd, case when cost.cost_basis = 'computed' then 1 end as priced, coalesce(usage.requests, 0) > 0 as is_counted,
        cost.cost_usd is not null as is_priced
    from core.usage as usage
    inner join core.usage_cost as cost on cost.usage_id = usage.usage_id and cost.day = usage.day
    left join (
        select distinct day, provider from core.model_spend where basis = 'requests'
    ) as logged on logged.day = usage.day and logged.provider = coalesce(usage.provider, '(none)')
    where usage.book_day >= getvariable('from_day') and usage.book_day < getvariable('to_day') and logged.day is null
),
line as (
    select
        usage.usage_id, '' as meter, coalesce(usage.requests, 0) as requests, coalesce(usage.input_tokens, 0) as input_tokens,
        coalesce(usage.cache_read_tokens, 0) as cache_read_tokens,
        coalesce(usage.cache_write_5m_tokens, 0) + coalesce(usage.cache_write_1h_tokens, 0) as cache_write_tokens,
        coalesce(usage.output_tokens, 0) as output_tokens, case when usage.priced = 1 then 0 else coalesce(usage.input_tokens, 0)
            + coalesce(usage.cache_read_tokens, 0) + coalesce(usage.cache_write_5m_tokens, 0) + coalesce(usage.cache_write_1h_tokens, 0)
            + coalesce(usage.output_tokens, 0) end as stated_tokens,
        cast(0 as decimal(18,6)) as units, cast(0 as decimal(38,12)) as input_cost_usd, cast(0 as decimal(38,12)) as cache_read_cost_usd,
        cast(0 as decimal(38,12)) as cache_write_cost_usd, cast(0 as decimal(38,12)) as output_cost_usd,
        cast(0 as decimal(38,12)) as other_cost_usd, case when usage.priced = 1 then 0 else coalesce(usage.cost_usd, 0) end as rest_usd
    from usage
    union all
    select
        used.usage_id, case when used.meter in ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output', 'request') then ''
            else used.meter end as meter, 0, 0, 0, 0, 0, 0,
        case when used.meter in ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output', 'request') then 0 else used.quantity end,
        case when used.meter = 'input' then used.effective_cost_usd else 0 end,
        case when used.meter = 'cache_read' then used.effective_cost_usd else 0 end,
        case when used.meter in ('cache_write_5m', 'cache_write_1h') then used.effective_cost_usd else 0 end,
        case when used.meter = 'output' then used.effective_cost_usd else 0 end,
        case when used.meter in ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output', 'request') then 0
            else used.effective_cost_usd end,
        case when used.meter = 'request' then used.effective_cost_usd else 0 end
    from core.usage_meter as used
    inner join usage on usage.usage_id = used.usage_id and usage.day = used.day and usage.priced = 1
)
select
    usage.book_day as day, coalesce(usage.team, 'unowned') as team, coalesce(usage.tenant, '(none)') as tenant,
    coalesce(usage.feature, '(none)') as feature, coalesce(usage.provider, '(none)') as provider, coalesce(usage.model, '(none)') as model,
    usage.served_tier, line.meter, usage.is_counted, usage.is_priced, cast(sum(line.requests) as bigint) as requests,
    cast(sum(line.input_tokens) as bigint) as input_tokens, cast(sum(line.cache_read_tokens) as bigint) as cache_read_tokens,
    cast(sum(line.cache_write_tokens) as bigint) as cache_write_tokens, cast(sum(line.output_tokens) as bigint) as output_tokens,
    cast(sum(line.stated_tokens) as bigint) as stated_tokens, cast(sum(line.units) as decimal(38,6)) as units,
    cast(coalesce(sum(line.input_cost_usd), 0) as decimal(38,12)) as input_cost_usd,
    cast(coalesce(sum(line.cache_read_cost_usd), 0) as decimal(38,12)) as cache_read_cost_usd,
    cast(coalesce(sum(line.cache_write_cost_usd), 0) as decimal(38,12)) as cache_write_cost_usd,
    cast(coalesce(sum(line.output_cost_usd), 0) as decimal(38,12)) as output_cost_usd,
    cast(coalesce(sum(line.other_cost_usd), 0) as decimal(38,12)) as other_cost_usd,
    cast(coalesce(sum(case when line.stated_tokens > 0 then 0 else line.rest_usd end), 0) as decimal(38,12)) as call_cost_usd,
    cast(coalesce(sum(case when line.stated_tokens > 0 then line.rest_usd end), 0) as decimal(38,12)) as stated_cost_usd
from line
inner join usage on usage.usage_id = line.usage_id
group by usage.book_day, coalesce(usage.team, 'unowned'), coalesce(usage.tenant, '(none)'), coalesce(usage.feature, '(none)'),
    coalesce(usage.provider, '(none)'), coalesce(usage.model, '(none)'), usage.served_tier, line.meter, usage.is_counted, usage.is_priced
