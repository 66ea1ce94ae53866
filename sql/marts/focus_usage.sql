/*
FOCUS rows of provider usage, of the days on which no request log covers the provider: each bucket and meter at its unit price.

grain: one row per bucket of a usage export and meter
key: [day, line_id]
daily: true
on_demand: true
must:
  - list_cost_usd is not null and contracted_cost_usd is not null and effective_cost_usd is not null
*/
with usage as (
    select
        usage.*, cost.card_model, cost.rate_id, cost.card_version, cost.cost_basis, cost.cost_usd
    from core.usage as usage
    inner join core.usage_cost as cost on cost.usage_id = usage.usage_id and cost.day = usage.day and cost.cost_usd is not null
    left join (select distinct day, provider from core.model_spend where basis = 'requests') as logged
        on logged.day = usage.day and logged.provider = coalesce(usage.provider, '(none)')
    where usage.day >= getvariable('from_day') and usage.day < getvariable('to_day') and logged.day is null
),
line as (
    select
        used.usage_id, used.day, used.meter, used.quantity, price.list_usd, price.contracted_usd, used.list_cost_usd,
        used.contracted_cost_usd, used.effective_cost_usd
    from core.usage_meter as used
    inner join usage on usage.usage_id = used.usage_id and usage.day = used.day and usage.cost_basis = 'computed'
    left join rate_cards.unit_rate as price
        on price.rate_id = used.rate_id and price.meter = used.meter and used.day >= price.priced_from and used.day < price.priced_to
    -- Requests have no price of their own unless a card gives them one.
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day') and used.effective_cost_usd is not null
    union all
    select
        usage.usage_id, usage.day, 'request', coalesce(usage.requests, 0), null, null, usage.cost_usd, usage.cost_usd, usage.cost_usd
    from usage
    where usage.cost_basis = 'reported'
)
select
    line.day, 'usage ' || line.usage_id || ' ' || line.meter as line_id, usage.starts_at, usage.ends_at, usage.provider, usage.model,
    usage.card_model, usage.served_tier, usage.region, usage.project_id, usage.team, usage.cost_centre, usage.tenant, usage.feature,
    usage.environment, line.meter, usage.rate_id, usage.card_version, usage.cost_basis, cast(line.quantity as decimal(38,6)) as quantity,
    cast(line.list_usd as decimal(18,12)) as list_usd, cast(line.contracted_usd as decimal(18,12)) as contracted_usd,
    cast(line.list_cost_usd as decimal(38,12)) as list_cost_usd, cast(line.contracted_cost_usd as decimal(38,12)) as contracted_cost_usd,
    cast(line.effective_cost_usd as decimal(38,12)) as effective_cost_usd
from line
inner join usage on usage.usage_id = line.usage_id and usage.day = line.day
