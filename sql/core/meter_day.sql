/*
What counts towards free allowances: units of a meter that has one, and what they cost. Provider usage counts where no request log covers
the provider that day; what costs nothing does not count.

grain: one row per day, provider as logged, model and meter of the card, and owner
key: [day, provider, card_provider, card_model, meter, team, cost_centre, tenant, feature]
daily: true
must:
  - quantity > 0
*/
with card as (
    select distinct rate.rate_id, allowance.provider as card_provider, allowance.model as card_model, allowance.meter
    from rate_cards.rate as rate
    inner join rate_cards.allowance as allowance on allowance.provider = rate.provider and allowance.model = rate.model
    where rate.layer = 'list'
),
request as (
    select
        cost.request_id, cost.day, cost.provider, cost.rate_id, cost.card_model, cost.team, cost.cost_centre, cost.tenant, cost.feature,
        cost.input_tokens, cost.cache_read_tokens, cost.cache_write_5m_tokens, cost.cache_write_1h_tokens, cost.output_tokens
    from core.request_cost as cost
    inner join (select distinct card.rate_id from card) as free on free.rate_id = cost.rate_id
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
        and cost.cost_basis = 'computed' and cost.effective_cost_usd > 0 and cost.commitment is null
),
plain as (
    select
        request.*, card.card_provider, card.meter,
        case card.meter when 'input' then request.input_tokens when 'cache_read' then request.cache_read_tokens
            when 'cache_write_5m' then request.cache_write_5m_tokens when 'cache_write_1h' then request.cache_write_1h_tokens
            when 'output' then request.output_tokens when 'request' then 1 end as quantity
    from request
    inner join card on card.rate_id = request.rate_id
),
line as (
    select
        plain.day, plain.provider, plain.card_provider, plain.card_model, plain.meter, plain.team, plain.cost_centre, plain.tenant,
        plain.feature, cast(plain.quantity as decimal(18,6)) as quantity,
        cast(plain.quantity as decimal(12,0)) * price.effective_usd as cost_usd
    from plain
    left join rate_cards.unit_rate as price
        on price.rate_id = plain.rate_id and price.meter = plain.meter and plain.day >= price.priced_from and plain.day < price.priced_to
    where plain.quantity > 0
    union all
    select
        request.day, request.provider, card.card_provider, card.card_model, used.meter, request.team, request.cost_centre, request.tenant,
        request.feature, used.quantity, used.effective_cost_usd as cost_usd
    from core.request_meter as used
    inner join card on card.rate_id = used.rate_id and card.meter = used.meter
    inner join request on request.request_id = used.request_id and request.day = used.day
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day')
    union all
    select
        usage.day, usage.provider, card.card_provider, card.card_model, used.meter, usage.team, usage.cost_centre, usage.tenant,
        usage.feature, cast(used.quantity as decimal(18,6)) as quantity, used.effective_cost_usd as cost_usd
    from core.usage_meter as used
    inner join card on card.rate_id = used.rate_id and card.meter = used.meter
    inner join core.usage as usage on usage.usage_id = used.usage_id and usage.day = used.day
    inner join core.usage_cost as cost on cost.usage_id = used.usage_id and cost.day = used.day and cost.cost_basis = 'computed'
    left join (
        select distinct day, provider from core.model_spend where basis = 'requests'
    ) as logged on logged.day = usage.day and logged.provider = coalesce(usage.provider, '(none)')
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day') and logged.day is null
)
select
    line.day, coalesce(line.provider, '(none)') as provider, line.card_provider, line.card_model, line.meter,
    coalesce(line.team, 'unowned') as team, coalesce(line.cost_centre, '(none)') as cost_centre, coalesce(line.tenant, '(none)') as tenant,
    coalesce(line.feature, '(none)') as feature, cast(sum(line.quantity) as decimal(38,6)) as quantity,
    cast(sum(line.cost_usd) as decimal(38,12)) as effective_cost_usd
from line
where line.cost_usd > 0
group by line.day, coalesce(line.provider, '(none)'), line.card_provider, line.card_model, line.meter, coalesce(line.team, 'unowned'),
    coalesce(line.cost_centre, '(none)'), coalesce(line.tenant, '(none)'), coalesce(line.feature, '(none)')
