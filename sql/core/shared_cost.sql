/*
Shared pools, spread evenly over the days of their month and split over the teams with an owner by the pool's key.

grain: one row per day, pool and team ('unallocated' where nobody has any weight)
key: [day, pool, team]
daily: true
book_days: true
must:
  - cost_usd is not null
*/
with cost as (
    select
        calendar.day, pool.pool, pool.allocation_key,
        -- The pico-dollars a month does not divide into go to its first days.
        div_trunc(to_pico(pool.monthly_usd), calendar.days_in_month)
        + case when cast(calendar.day_of_month as decimal(38,0)) <= to_pico(pool.monthly_usd) % calendar.days_in_month then 1 else 0 end as pico
    from book.day as calendar
    inner join book.pool as pool on calendar.day >= pool.starts_on and calendar.day < pool.ends_on
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
),
measure as (
    select
        spend.book_day as day, spend.team, cast(sum(spend.requests) as decimal(18,0)) as requests,
        cast(sum(spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens + spend.output_tokens) as decimal(18,0)) as tokens,
        -- Weights of money are whole micro-dollars: the product with a pool's pico-dollars keeps within 38 digits.
        cast(div_trunc(to_pico(coalesce(sum(spend.cost_usd), 0)), 1000000) as decimal(18,0)) as micro
    from core.model_spend as spend
    where spend.book_day >= getvariable('from_day') and spend.book_day < getvariable('to_day') and spend.team <> 'unowned'
    group by spend.book_day, spend.team
),
weight as (
    select
        cost.day, cost.pool, measure.team,
        case cost.allocation_key when 'cost' then measure.micro when 'tokens' then measure.tokens when 'requests' then measure.requests
            when 'even' then cast(1 as decimal(18,0)) end as weight
    from cost
    inner join measure on measure.day = cost.day
    where cost.allocation_key <> 'fixed'
    union all
    select cost.day, cost.pool, share.team, cast(share.weight as decimal(18,0)) as weight
    from cost
    inner join book.pool_share as share on share.pool = cost.pool
    where cost.allocation_key = 'fixed'
),
total as (
    select weight.day, weight.pool, cast(sum(weight.weight) as decimal(18,0)) as weight from weight group by weight.day, weight.pool
),
part as (
    select
        weight.day, weight.pool, weight.team,
        div_trunc(cast(cost.pico as decimal(19,0)) * weight.weight, total.weight) as pico,
        (cast(cost.pico as decimal(19,0)) * weight.weight) % total.weight as remainder, total.weight as whole
    from weight
    inner join total on total.day = weight.day and total.pool = weight.pool and total.weight > 0
    inner join cost on cost.day = weight.day and cost.pool = weight.pool
    where weight.weight > 0
),
ranked as (
    select
        part.*, row_number() over (partition by part.day, part.pool order by part.remainder desc, part.team) as place,
        div_trunc(sum(part.remainder) over (partition by part.day, part.pool), part.whole) as left_over
    from part
)
select ranked.day, ranked.pool, ranked.team, to_usd(ranked.pico + case when ranked.place <= ranked.left_over then 1 else 0 end) as cost_usd
from ranked
union all
select cost.day, cost.pool, 'unallocated' as team, to_usd(cost.pico) as cost_usd
from cost
left join total on total.day = cost.day and total.pool = cost.pool and total.weight > 0
where total.day is null
