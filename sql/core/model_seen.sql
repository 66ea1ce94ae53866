/*
Each model, tier and region that calls, usage or a bill named on a day, and the model of a card that is meant by it.

grain: one row per day, provider, model, tier and region seen; what a commitment serves has its name for a tier
key: [day, provider, model, served_tier, region]
daily: true
*/
-- Millions of calls are told apart as they are logged; what is missing gets its name after.
with logged as (
    select distinct day, provider, model, served_tier, region from staging.request
    where day >= getvariable('from_day') and day < getvariable('to_day')
    union
    select distinct day, provider, model, served_tier, region from staging.usage
    where day >= getvariable('from_day') and day < getvariable('to_day')
    union
    -- What is only on a bill is priced for comparison.
    select distinct day, provider, model, served_tier, cast(null as varchar) as region from staging.charge
    where day >= getvariable('from_day') and day < getvariable('to_day') and model is not null
),
seen as (
    select day, coalesce(provider, '') as provider, coalesce(model, '') as model, coalesce(served_tier, 'standard') as served_tier,
        coalesce(region, '') as region, cast(null as varchar) as commitment
    from logged
    union
    select held.day, held.provider, held.model, 'commitment ' || held.commitment as served_tier, held.region, held.commitment
    from core.commitment_in_force as held
    where held.day >= getvariable('from_day') and held.day < getvariable('to_day')
),
-- A name meets those of its provider's cards once, not on each day; without a provider it meets those of all.
asked as (
    select seen.provider, seen.model, lower(seen.model) as name, seen.provider as of_provider from seen where seen.provider <> ''
    union
    -- A name that is meant whatever provider is logged.
    select seen.provider, seen.model, lower(seen.model) as name, '*' as of_provider from seen
    union
    select seen.provider, seen.model, lower(seen.model) as name, alias.provider as of_provider
    from seen
    cross join (select distinct provider from rate_cards.alias) as alias
    where seen.provider = ''
),
matched as (
    select asked.provider as seen_provider, asked.model as seen_model, alias.*, alias.rank as closeness
    from asked
    inner join rate_cards.alias as alias on alias.provider = asked.of_provider and alias.name = asked.name and alias.rank % 10 < 3
    union all
    select asked.provider as seen_provider, asked.model as seen_model, alias.*, alias.rank - alias.rank % 10 + 2 as closeness
    from asked
    inner join rate_cards.alias as alias on alias.provider = asked.of_provider and alias.name = undated(asked.name) and alias.rank % 10 < 3
    union all
    select asked.provider as seen_provider, asked.model as seen_model, alias.*, alias.rank as closeness
    from asked
    inner join rate_cards.alias as alias
        on alias.provider = asked.of_provider and alias.rank % 10 = 3 and asked.name like like_of(alias.name) escape '!'
),
named as (
    select seen.day, seen.provider, seen.model, alias.card_provider, alias.model as card_model, alias.closeness,
        -- Clouds that serve others' models have a dot in their name; makers go before them.
        row_number() over (
            partition by seen.day, seen.provider, seen.model order by alias.closeness, length(alias.name) desc,
                case when alias.card_provider like '%.%' then 1 else 0 end, alias.card_provider, alias.model, alias.name, alias.provider
        ) as choice
    from (select distinct day, provider, model from seen) as seen
    inner join matched as alias
        on alias.seen_provider = seen.provider and alias.seen_model = seen.model
        and seen.day >= alias.priced_from and seen.day < alias.priced_to
)
select
    seen.day, seen.provider, seen.model, seen.served_tier, seen.region, seen.commitment, named.card_provider, named.card_model,
    case named.closeness % 10 when 0 then 'name' when 1 then 'alias' when 2 then 'snapshot' when 3 then 'pattern' end as matched_by
from seen
left join named on named.choice = 1 and named.day = seen.day and named.provider = seen.provider and named.model = seen.model
