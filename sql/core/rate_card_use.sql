/*
Use that an internal rate card can price, in months that have one: tokens by model and GPU hours held by pool, with what they cost.

grain: one row per day of the book, model or GPU pool, and owner; an empty cost centre is that of the team
key: [day, model, gpu_pool, team, cost_centre, tenant, feature]
daily: true
book_days: true
must:
  - cost_usd is not null
*/
with used as (
    -- What is paid by the token at a known price. Searches, fees and the like stay at what they cost, as do calls that a commitment serves
    -- or that nobody bills.
    select
        cost.book_day as day, cost.model, '' as gpu_pool, coalesce(cost.team, 'unowned') as team, cost.cost_centre, cost.tenant, cost.feature,
        sum(cost.input_tokens) as input_tokens, sum(coalesce(cost.cache_read_tokens, 0)) as cache_read_tokens,
        sum(coalesce(cost.cache_write_5m_tokens, 0) + coalesce(cost.cache_write_1h_tokens, 0)) as cache_write_tokens,
        sum(cost.output_tokens) as output_tokens, 0 as held_seconds, sum(cost.input_cost_usd) as input_cost_usd,
        sum(cost.cache_read_cost_usd) as cache_read_cost_usd, sum(cost.cache_write_cost_usd) as cache_write_cost_usd,
        sum(cost.output_cost_usd) as output_cost_usd, sum(cost.cost_usd) - sum(cost.effective_cost_usd) + sum(cost.input_cost_usd)
            + sum(cost.cache_read_cost_usd) + sum(cost.cache_write_cost_usd) + sum(cost.output_cost_usd) as cost_usd
    from core.request_cost as cost
    inner join rate_cards.internal_card as card on cost.book_day >= card.starts_on and cost.book_day < card.ends_on
    where cost.effective_cost_usd is not null and cost.commitment is null and cost.billing is distinct from 'not billed'
    group by cost.book_day, cost.model, cost.team, cost.cost_centre, cost.tenant, cost.feature
    union all
    select
        usage.book_day, usage.model, '', coalesce(usage.team, 'unowned'), usage.cost_centre, usage.tenant, usage.feature,
        sum(case used.meter when 'input' then used.quantity else 0 end),
        sum(case used.meter when 'cache_read' then used.quantity else 0 end),
        sum(case when used.meter like 'cache!_write%' escape '!' then used.quantity else 0 end),
        sum(case used.meter when 'output' then used.quantity else 0 end), 0,
        sum(case used.meter when 'input' then used.effective_cost_usd else 0 end),
        sum(case used.meter when 'cache_read' then used.effective_cost_usd else 0 end),
        sum(case when used.meter like 'cache!_write%' escape '!' then used.effective_cost_usd else 0 end),
        sum(case used.meter when 'output' then used.effective_cost_usd else 0 end), sum(used.effective_cost_usd)
    from core.usage_meter as used
    inner join core.usage as usage on usage.usage_id = used.usage_id and usage.day = used.day
    inner join core.usage_cost as cost on cost.usage_id = used.usage_id and cost.day = used.day and cost.cost_basis = 'computed'
    inner join rate_cards.internal_card as card on usage.book_day >= card.starts_on and usage.book_day < card.ends_on
    left join (select distinct spend.day, spend.provider from core.model_spend as spend where spend.basis = 'requests') as logged
        on logged.day = usage.day and logged.provider = coalesce(usage.provider, '(none)')
    where used.meter in ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output') and logged.day is null
    group by usage.book_day, usage.model, usage.team, usage.cost_centre, usage.tenant, usage.feature
    union all
    select
        hour.book_day, '', hour.pool, hour.team, '', null, null, 0, 0, 0, 0, sum(hour.used_seconds + hour.warm_idle_seconds), 0, 0, 0, 0,
        sum(hour.used_cost_usd) + sum(hour.warm_idle_cost_usd)
    from core.gpu_hour as hour
    inner join rate_cards.internal_card as card on hour.book_day >= card.starts_on and hour.book_day < card.ends_on
    where hour.team <> 'unassigned' and hour.cost_usd is not null
    group by hour.book_day, hour.pool, hour.team
)
select
    used.day, coalesce(used.model, '(none)') as model, coalesce(used.gpu_pool, '(none)') as gpu_pool, used.team,
    coalesce(used.cost_centre, '(none)') as cost_centre, coalesce(used.tenant, '(none)') as tenant,
    coalesce(used.feature, '(none)') as feature, cast(sum(used.input_tokens) as bigint) as input_tokens,
    cast(sum(used.cache_read_tokens) as bigint) as cache_read_tokens, cast(sum(used.cache_write_tokens) as bigint) as cache_write_tokens,
    cast(sum(used.output_tokens) as bigint) as output_tokens, cast(sum(used.held_seconds) as bigint) as held_seconds,
    cast(sum(used.input_cost_usd) as decimal(38,12)) as input_cost_usd,
    cast(sum(used.cache_read_cost_usd) as decimal(38,12)) as cache_read_cost_usd,
    cast(sum(used.cache_write_cost_usd) as decimal(38,12)) as cache_write_cost_usd,
    cast(sum(used.output_cost_usd) as decimal(38,12)) as output_cost_usd, cast(sum(used.cost_usd) as decimal(38,12)) as cost_usd
from used
where used.day >= getvariable('from_day') and used.day < getvariable('to_day')
group by used.day, coalesce(used.model, '(none)'), coalesce(used.gpu_pool, '(none)'), used.team, coalesce(used.cost_centre, '(none)'),
    coalesce(used.tenant, '(none)'), coalesce(used.feature, '(none)')
