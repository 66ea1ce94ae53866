/*
What we counted and computed, in the terms of a bill: tokens and dollars by meter, with the calls a provider may count otherwise apart.

grain: one row per day, day it is billed for, provider, model by its card's name, tier, meter, project, key, kind and error
key: [day, billed_day, provider, model, served_tier, meter, project_id, key_id, kind, error_class]
daily: true
lookback_days: 1
must:
  - kind in ('answered', 'failed', 'not billed', 'free', 'usage')
*/
with edge as (
    -- Where every charge of a provider ends within the next day, its days are those of another zone.
    select coalesce(charge.provider, '(none)') as provider, charge.day, min(charge.ends_at) as ends_at
    from core.charge as charge
    where charge.scope = 'model' and charge.charge_category = 'Usage' and charge.model is not null
    group by coalesce(charge.provider, '(none)'), charge.day
    having min(charge.ends_at) > cast(charge.day + 1 as timestamp) and min(charge.ends_at) < cast(charge.day + 2 as timestamp)
),
request as (
    select
        cost.*, coalesce(cost.provider, '(none)') as seller, coalesce(cost.card_model, cost.model, '(none)') as known_model,
        case when cost.started_at < edge.ends_at then cost.day - 1 else cost.day end as billed_day,
        case when cost.billing = 'not billed' then case when cost.status = 'failure' then 'not billed' else 'free' end
            when cost.status = 'failure' then 'failed' else 'answered' end as kind,
        case when cost.status = 'failure' then coalesce(cost.error_class, '(none)') else '' end as error,
        cast(case when cost.effective_cost_usd is not null then 1 end as decimal(1,0)) as priced,
        coalesce(cost.cache_write_1h_tokens, 0) as hour_tokens
    from core.request_cost as cost
    left join edge on edge.day = cost.day - 1 and edge.provider = coalesce(cost.provider, '(none)')
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day') and not cost.is_cache_hit
),
summed as (
    select
        day, billed_day, seller as provider, known_model as model, served_tier, coalesce(project_id, '') as project_id,
        coalesce(key_id, '') as key_id, kind, error as error_class, sum(input_tokens) as input_tokens,
        sum(cache_read_tokens) as read_tokens, sum(cache_write_5m_tokens) as write_tokens, sum(hour_tokens) as hour_tokens,
        sum(output_tokens) as output_tokens, sum(priced * input_cost_usd) as input_usd, sum(priced * cache_read_cost_usd) as read_usd,
        -- Writes of both lifetimes in one request have one cost; it stands with the longer one.
        sum(case when hour_tokens = 0 then priced * cache_write_cost_usd end) as write_usd,
        sum(case when hour_tokens > 0 then priced * cache_write_cost_usd end) as hour_usd, sum(priced * output_cost_usd) as output_usd,
        sum(effective_cost_usd - input_cost_usd - cache_read_cost_usd - cache_write_cost_usd - output_cost_usd) as other_usd
    from request
    group by day, billed_day, seller, known_model, served_tier, coalesce(project_id, ''), coalesce(key_id, ''), kind, error
),
use as (
    select summed.*, 'input' as meter, input_tokens as tokens, input_usd as usd from summed union all
    select summed.*, 'cache_read' as meter, read_tokens as tokens, read_usd as usd from summed union all
    select summed.*, 'cache_write_5m' as meter, write_tokens as tokens, write_usd as usd from summed union all
    select summed.*, 'cache_write_1h' as meter, hour_tokens as tokens, hour_usd as usd from summed union all
    select summed.*, 'output' as meter, output_tokens as tokens, output_usd as usd from summed union all
    select summed.*, 'other' as meter, null as tokens, other_usd as usd from summed
),
counted as (
    select day, billed_day, provider, model, served_tier, meter, project_id, key_id, kind, error_class, tokens, usd from use
    union all
    -- What providers count themselves, on days on which no log covers them.
    select
        used.day, used.day as billed_day, coalesce(usage.provider, '(none)') as provider,
        coalesce(cost.card_model, usage.model, '(none)') as model, usage.served_tier, coalesce(token.meter, 'other') as meter,
        coalesce(usage.project_id, '') as project_id, coalesce(usage.key_id, '') as key_id, 'usage' as kind, '' as error_class,
        case when token.meter is not null then cast(used.quantity as bigint) end as tokens,
        case when cost.effective_cost_usd is not null then used.effective_cost_usd end as usd
    from core.usage_meter as used
    inner join core.usage as usage on usage.usage_id = used.usage_id and usage.day = used.day
    inner join core.usage_cost as cost on cost.usage_id = used.usage_id and cost.day = used.day
    left join (select 'input' as meter union select 'cache_read' union select 'cache_write_5m' union select 'cache_write_1h'
        union select 'output') as token on token.meter = used.meter
    left join (select distinct day, coalesce(provider, '') as provider from core.request_cost) as logged
        on logged.day = usage.day and logged.provider = coalesce(usage.provider, '')
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day') and logged.day is null
)
select
    day, billed_day, provider, model, served_tier, meter, project_id, key_id, kind, error_class, cast(sum(tokens) as bigint) as tokens,
    cast(coalesce(sum(usd), 0) as decimal(38,12)) as computed_usd
from counted
where tokens > 0 or usd <> 0
group by day, billed_day, provider, model, served_tier, meter, project_id, key_id, kind, error_class
