/*
FOCUS rows of calls to models: each meter at its unit price, minimums per call apart. Calls without a known cost are not in it.

grain: one row per day, price, owner and meter
key: [day, line_id]
daily: true
on_demand: true
must:
  - list_cost_usd is not null and contracted_cost_usd is not null and effective_cost_usd is not null
*/
with used as (
    select
        used.*, used.commitment is not null and (weight.meter is not null or used.meter in ('request', 'input', 'cache_read',
            'cache_write_5m', 'cache_write_1h', 'output', 'reasoning')) as is_served,
        price.list_usd, price.contracted_usd, price.effective_usd,
        -- Reasoning is inside of output; where it has a price of its own it is taken out.
        used.quantity - case when reasoning.meter is not null then used.reasoning_tokens else 0 end as units
    from marts.focus_use as used
    left join rate_cards.unit_rate as price
        on price.rate_id = used.rate_id and price.meter = used.meter and used.day >= price.priced_from and used.day < price.priced_to
    left join rate_cards.unit_rate as reasoning
        on reasoning.rate_id = used.rate_id and reasoning.meter = 'reasoning' and used.day >= reasoning.priced_from
        and used.day < reasoning.priced_to
    left join book.commitment_weight as weight on weight.commitment = used.commitment and weight.meter = used.meter
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day')
),
priced as (
    select
        used.*, cast(case when used.is_served then 0 else used.contracted_usd end as decimal(18,12)) as agreed_usd,
        cast(used.units as decimal(19,6)) * used.list_usd as list_price_usd,
        case when used.is_served then 0 else cast(used.units as decimal(19,6)) * used.contracted_usd end as contracted_price_usd,
        case when used.is_served then 0 else cast(used.units as decimal(19,6)) * used.effective_usd end as effective_price_usd
    from used
    -- Calls have no price of their own unless a card gives them one, and reasoning none where it is paid as output.
    where used.basis = 'computed' and (used.list_usd is not null or used.meter not in ('request', 'reasoning'))
),
rest as (
    select
        whole.day, whole.use_id,
        max(whole.list_cost_usd) - coalesce(sum(coalesce(priced.list_price_usd, priced.list_cost_usd)), 0) as list_usd,
        max(whole.contracted_cost_usd) - coalesce(sum(coalesce(priced.contracted_price_usd, priced.contracted_cost_usd)), 0)
            as contracted_usd,
        max(whole.cost_usd) - coalesce(sum(coalesce(priced.effective_price_usd, priced.cost_usd)), 0) as effective_usd
    from used as whole
    left join priced on priced.day = whole.day and priced.use_id = whole.use_id
    where whole.meter = 'request' and whole.basis = 'computed'
    group by whole.day, whole.use_id
),
line as (
    select priced.day, priced.use_id, priced.meter, priced.units, priced.list_usd, priced.agreed_usd as contracted_usd,
        coalesce(priced.list_price_usd, priced.list_cost_usd, 0) as list_cost_usd,
        coalesce(priced.contracted_price_usd, priced.contracted_cost_usd, 0) as contracted_cost_usd,
        coalesce(priced.effective_price_usd, priced.cost_usd, 0) as effective_cost_usd
    from priced where priced.units > 0
    union all
    -- A least amount per call is more than its meters come to.
    select rest.day, rest.use_id, 'minimum', 1, null, null, rest.list_usd, rest.contracted_usd, rest.effective_usd
    from rest where rest.list_usd <> 0 or rest.contracted_usd <> 0 or rest.effective_usd <> 0
    union all
    select used.day, used.use_id, used.meter, used.quantity, 0, 0, 0, 0, 0
    from used where used.basis in ('not billed', 'commitment') and used.meter not in ('request', 'reasoning')
    union all
    select used.day, used.use_id, used.meter, used.quantity, null, null, used.cost_usd, used.cost_usd, used.cost_usd
    from used where used.basis = 'reported' and used.meter = 'request'
)
select
    line.day, 'request ' || line.use_id || ' ' || line.meter as line_id, used.provider, used.model, used.card_model, used.served_tier,
    used.region, used.project_id, used.team, used.cost_centre, used.tenant, used.feature, used.environment, line.meter, used.rate_id,
    used.card_version, used.commitment, used.basis as cost_basis, used.is_estimated, cast(line.units as decimal(38,6)) as quantity,
    cast(line.list_usd as decimal(18,12)) as list_usd, cast(line.contracted_usd as decimal(18,12)) as contracted_usd,
    cast(line.list_cost_usd as decimal(38,12)) as list_cost_usd, cast(line.contracted_cost_usd as decimal(38,12)) as contracted_cost_usd,
    cast(line.effective_cost_usd as decimal(38,12)) as effective_cost_usd
from line
inner join used on used.day = line.day and used.use_id = line.use_id and used.meter = 'request'
