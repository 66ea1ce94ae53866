/*
The prices a team's use of a month was computed at: every meter of every rate that priced something.

grain: one row per month, team, rate, meter and version of its price
key: [period, team, rate_id, meter, priced_from]
monthly: true
book_days: true
*/
with used as (
    select distinct cost.book_day, cost.day, cost.rate_id, coalesce(cost.team, 'unowned') as team
    from core.request_cost as cost
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day')
        and cost.rate_id is not null and cost.commitment is null and cost.cost_basis = 'computed'
    union
    select distinct usage.book_day, usage.day, cost.rate_id, coalesce(usage.team, 'unowned') as team
    from core.usage as usage
    inner join core.usage_cost as cost on cost.usage_id = usage.usage_id and cost.day = usage.day
    -- Provider usage counts where no request log covers the provider that day.
    inner join (select distinct day, provider from core.model_spend where basis = 'usage') as counted
        on counted.day = usage.day and counted.provider = coalesce(usage.provider, '(none)')
    where usage.book_day >= getvariable('from_day') and usage.book_day < getvariable('to_day')
        and cost.rate_id is not null and cost.cost_basis = 'computed'
    union
    select distinct
        hour.book_day, hour.day, hour.rate_id,
        coalesce(case when hour.team = 'unassigned' then pool.owner else hour.team end, 'unowned') as team
    from core.gpu_hour as hour
    left join book.gpu_pool as pool on pool.pool = hour.pool
    where hour.book_day >= getvariable('from_day') and hour.book_day < getvariable('to_day')
        and hour.rate_id is not null and hour.commitment is null and hour.cost_usd is not null
)
select
    calendar.period, used.team, rate.provider, rate.model, rate.served_tier, rate.region, used.rate_id, price.meter, rate.card,
    rate.card_version, rate.starts_at, rate.ends_at, rate.source_url, price.priced_from, price.list_usd, price.contracted_usd,
    price.effective_usd, cast(count(distinct used.book_day) as bigint) as days
from used
inner join book.day as calendar on calendar.day = used.book_day
inner join rate_cards.rate as rate
    on rate.rate_id = used.rate_id and rate.layer = 'list' and used.day >= rate.priced_from and used.day < rate.priced_to
inner join rate_cards.unit_rate as price
    on price.rate_id = used.rate_id and price.priced_from = rate.priced_from
    and used.day >= price.priced_from and used.day < price.priced_to
group by calendar.period, used.team, rate.provider, rate.model, rate.served_tier, rate.region, used.rate_id, price.meter, rate.card,
    rate.card_version, rate.starts_at, rate.ends_at, rate.source_url, price.priced_from, price.list_usd, price.contracted_usd,
    price.effective_usd
