/*
What the calls of a day used of each meter at one price for one owner, and what those calls cost as a whole: the grain of FOCUS rows.

grain: one row per day, price, owner and meter; meter `request` has the number of calls and their whole cost
key: [day, use_id, meter]
daily: true
on_demand: true
must:
  - meter <> 'request' or (list_cost_usd is not null and contracted_cost_usd is not null and cost_usd is not null)
*/
with request as (
    select
        cost.request_id, cost.day, coalesce(cost.provider, '') as provider, coalesce(cost.model, '') as model,
        coalesce(cost.card_model, '') as card_model, cost.served_tier, coalesce(cost.region, '') as region,
        coalesce(cost.project_id, '') as project_id, coalesce(cost.team, '') as team, coalesce(cost.cost_centre, '') as cost_centre,
        coalesce(cost.tenant, '') as tenant, coalesce(cost.feature, '') as feature, coalesce(cost.environment, '') as environment,
        coalesce(cost.rate_id, '') as rate_id, coalesce(cost.card_version, '') as card_version, coalesce(cost.commitment, '') as commitment,
        -- Of what a commitment serves and no card has a price for it is only known that it costs nothing more.
        case when cost.cost_basis = 'reported' then 'reported' when cost.billing = 'not billed' then 'not billed'
            when cost.rate_id is null then 'commitment' else 'computed' end as basis,
        coalesce(cost.is_estimated, false) as is_estimated, cost.input_tokens, cost.cache_read_tokens, cost.cache_write_5m_tokens,
        cost.cache_write_1h_tokens, cost.output_tokens, cost.reasoning_tokens,
        case when cost.cost_basis = 'computed' then coalesce(cost.list_cost_usd, cost.cost_usd) else cost.cost_usd end as list_usd,
        case when cost.cost_basis = 'computed' then coalesce(cost.contracted_cost_usd, cost.cost_usd) else cost.cost_usd end
            as contracted_usd, cost.cost_usd
    from core.request_cost as cost
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day') and cost.cost_usd is not null
),
summed as (
    select
        day, provider, model, card_model, served_tier, region, project_id, team, cost_centre, tenant, feature, environment, rate_id,
        card_version, commitment, basis, is_estimated, count(*) as requests, sum(input_tokens) as input_tokens,
        sum(cache_read_tokens) as cache_read_tokens, sum(cache_write_5m_tokens) as cache_write_5m_tokens,
        sum(cache_write_1h_tokens) as cache_write_1h_tokens, sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens,
        sum(list_usd) as list_usd, sum(contracted_usd) as contracted_usd, sum(cost_usd) as cost_usd
    from request
    group by day, provider, model, card_model, served_tier, region, project_id, team, cost_centre, tenant, feature, environment, rate_id,
        card_version, commitment, basis, is_estimated
),
metered as (
    select
        day, provider, model, card_model, served_tier, region, project_id, team, cost_centre, tenant, feature, environment, rate_id,
        card_version, commitment, basis, is_estimated, meter.meter, meter.meter = 'request' as is_whole, list_usd, contracted_usd, cost_usd,
        case meter.meter when 'request' then requests when 'input' then input_tokens when 'cache_read' then cache_read_tokens
            when 'cache_write_5m' then cache_write_5m_tokens when 'cache_write_1h' then cache_write_1h_tokens
            when 'output' then output_tokens when 'reasoning' then reasoning_tokens end as quantity,
        case when meter.meter = 'output' then reasoning_tokens end as reasoning_tokens
    from summed
    cross join (
        select 'request' as meter union all select 'input' union all select 'cache_read' union all select 'cache_write_5m'
        union all select 'cache_write_1h' union all select 'output' union all select 'reasoning'
    ) as meter
    union all
    select
        request.day, provider, model, card_model, served_tier, region, project_id, team, cost_centre, tenant, feature, environment,
        request.rate_id, card_version, commitment, basis, is_estimated, used.meter, true, sum(used.list_cost_usd),
        sum(used.contracted_cost_usd), sum(used.effective_cost_usd), sum(used.quantity), null
    from request
    inner join core.request_meter as used on used.request_id = request.request_id and used.day = request.day
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day')
    group by request.day, provider, model, card_model, served_tier, region, project_id, team, cost_centre, tenant, feature, environment,
        request.rate_id, card_version, commitment, basis, is_estimated, used.meter
)
select
    day, md5(concat_ws('|', provider, model, card_model, served_tier, region, project_id, team, cost_centre, tenant, feature, environment,
        rate_id, card_version, commitment, basis, cast(is_estimated as varchar))) as use_id,
    nullif(provider, '') as provider, nullif(model, '') as model, nullif(card_model, '') as card_model, served_tier,
    nullif(region, '') as region, nullif(project_id, '') as project_id, nullif(team, '') as team, nullif(cost_centre, '') as cost_centre,
    nullif(tenant, '') as tenant, nullif(feature, '') as feature, nullif(environment, '') as environment, nullif(rate_id, '') as rate_id,
    nullif(card_version, '') as card_version, nullif(commitment, '') as commitment, basis, is_estimated, meter,
    cast(quantity as decimal(38,6)) as quantity, cast(coalesce(reasoning_tokens, 0) as bigint) as reasoning_tokens,
    cast(case when is_whole then list_usd end as decimal(38,12)) as list_cost_usd,
    cast(case when is_whole then contracted_usd end as decimal(38,12)) as contracted_cost_usd,
    cast(case when is_whole then cost_usd end as decimal(38,12)) as cost_usd
from metered
where quantity > 0
