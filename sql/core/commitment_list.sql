/*
What the calls and GPU hours that a commitment serves would cost at list without it, and those that it could serve and does not.

grain: one row per UTC day, day of the book and commitment with any of these
key: [day, book_day, commitment]
daily: true
must:
  - list_usd >= 0 and open_list_usd >= 0
*/
-- Days without a commitment of tokens are not read.
with held as (
    select distinct calendar.day
    from book.day as calendar
    inner join book.commitment_match as match on calendar.day >= match.starts_on and calendar.day < match.ends_on
    where match.kind = 'provisioned_throughput' and calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
),
spent as (
    select
        cost.day, cost.book_day, lower(coalesce(cost.provider, '')) as provider, lower(coalesce(cost.model, '')) as model,
        coalesce(cost.key_id, '') as key_id, coalesce(cost.project_id, '') as project_id, cost.commitment,
        sum(cost.list_cost_usd) as list_usd, sum(case when cost.list_cost_usd is null then 1 else 0 end) as unlisted
    from core.request_cost as cost
    inner join held on held.day = cost.day
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
        -- What was answered in a batch, or by priority, was not meant for a commitment.
        and (cost.commitment is not null or coalesce(cost.served_tier, 'standard') = 'standard')
    group by cost.day, cost.book_day, lower(coalesce(cost.provider, '')), lower(coalesce(cost.model, '')), coalesce(cost.key_id, ''),
        coalesce(cost.project_id, ''), cost.commitment
),
matched as (
    select
        spent.*, match.commitment as could, row_number() over (
            partition by spent.day, spent.book_day, spent.provider, spent.model, spent.key_id, spent.project_id order by match.place
        ) as choice
    from spent
    inner join book.commitment_match as match
        on match.kind = 'provisioned_throughput' and spent.day >= match.starts_on and spent.day < match.ends_on
        and spent.provider = match.provider and spent.model like match.model escape '!'
        and spent.key_id like match.key_id escape '!' and spent.project_id like match.project_id escape '!'
    where spent.commitment is null
),
device as (
    select
        price.day, price.book_day, price.commitment, cast(to_pico(rate.gpu_hour_usd) as decimal(19,0)) as pico,
        cast(price.covered_seconds as decimal(12,0)) as covered, cast(price.seconds - price.covered_seconds as decimal(12,0)) as rest
    from core.gpu_price as price
    left join rate_cards.rate as rate
        on rate.rate_id = price.rate_id and rate.layer = 'list' and price.day >= rate.priced_from and price.day < rate.priced_to
    where price.day >= getvariable('from_day') and price.day < getvariable('to_day') and price.commitment is not null
),
part as (
    select spent.day, spent.book_day, spent.commitment, to_pico(spent.list_usd) as served, 0 as open, spent.unlisted
    from spent where spent.commitment is not null
    union all
    select matched.day, matched.book_day, matched.could, 0, to_pico(matched.list_usd), 0 from matched where matched.choice = 1
    union all
    select
        device.day, device.book_day, device.commitment, div_trunc(device.pico * device.covered, 3600),
        div_trunc(device.pico * device.rest, 3600), case when device.pico is null and device.covered > 0 then 1 else 0 end
    from device
)
select
    part.day, part.book_day, part.commitment, to_usd(coalesce(sum(part.served), 0)) as list_usd,
    to_usd(coalesce(sum(part.open), 0)) as open_list_usd, cast(sum(part.unlisted) as bigint) as unlisted
from part
group by part.day, part.book_day, part.commitment
