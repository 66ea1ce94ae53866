/*
What each team weighs in the key of each shared pool on a day: in tokens, requests, seconds of GPUs, pico-dollars, or trillionths.

grain: one row per day, pool and team that pays a part of it
key: [day, place, team]
daily: true
book_days: true
must:
  - weight > 0
*/
with pool as (
    select calendar.day, pool.*, coalesce(named.teams, 0) as teams
    from book.day as calendar
    inner join book.pool as pool on calendar.day >= pool.starts_on and calendar.day < pool.ends_on
    left join (select part.place, count(*) as teams from book.pool_part as part where part.part = 'team' group by part.place) as named
        on named.place = pool.place
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
),
spend as (
    select
        spend.book_day as day, spend.team, spend.provider, spend.model, spend.tenant, spend.feature, spend.environment, spend.source,
        cast(sum(spend.requests) as decimal(38,0)) as requests, to_pico(coalesce(sum(spend.cost_usd), 0)) as pico,
        cast(sum(spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens + spend.output_tokens) as decimal(38,0)) as tokens
    from core.model_spend as spend
    where spend.book_day >= getvariable('from_day') and spend.book_day < getvariable('to_day') and spend.team <> 'unowned'
    group by spend.book_day, spend.team, spend.provider, spend.model, spend.tenant, spend.feature, spend.environment, spend.source
),
team_spend as (
    select spend.day, spend.team, sum(spend.requests) as requests, sum(spend.pico) as pico, sum(spend.tokens) as tokens
    from spend group by spend.day, spend.team
),
direct as (
    select line.day, line.team, to_pico(sum(line.cost_usd)) as pico
    from core.cost_line as line
    where line.day >= getvariable('from_day') and line.day < getvariable('to_day') and line.team not in ('unallocated', 'unowned')
    group by line.day, line.team
),
weight as (
    select pool.day, pool.place, spend.team,
        case pool.allocation_key when 'cost' then spend.pico when 'tokens' then spend.tokens else spend.requests end as weight
    from pool inner join team_spend as spend on spend.day = pool.day
    where pool.allocation_key in ('cost', 'tokens', 'requests') and not pool.is_scoped
    union all
    select pool.day, pool.place, spend.team,
        case pool.allocation_key when 'cost' then spend.pico when 'tokens' then spend.tokens else spend.requests end as weight
    from pool
    inner join spend on spend.day = pool.day and spend.provider like pool.provider escape '!' and spend.model like pool.model escape '!'
        and spend.tenant like pool.tenant escape '!' and spend.feature like pool.feature escape '!'
        and spend.environment like pool.environment escape '!' and spend.source like pool.source escape '!'
    where pool.allocation_key in ('cost', 'tokens', 'requests') and pool.is_scoped
    union all
    select pool.day, pool.place, hour.team, cast(hour.capacity_seconds as decimal(38,0)) as weight
    from pool inner join core.gpu_hour as hour on hour.book_day = pool.day and hour.pool like pool.gpu_pool escape '!'
    where pool.allocation_key = 'gpu_hours' and hour.team <> 'unassigned'
    union all
    select pool.day, pool.place, direct.team, case when pool.allocation_key = 'even' then 1 else direct.pico end as weight
    from pool inner join direct on direct.day = pool.day
    where pool.allocation_key in ('direct_cost', 'full_cost') or (pool.allocation_key = 'even' and pool.teams = 0)
    union all
    -- What the book states holds whatever was used.
    select pool.day, pool.place, part.name as team, case when part.part = 'share' then part.value else 1 end as weight
    from pool inner join book.pool_part as part on part.place = pool.place
        and ((part.part = 'share' and pool.allocation_key = 'fixed') or (part.part = 'team' and pool.allocation_key = 'even'))
    union all
    select pool.day, pool.place, stated.team, to_pico(stated.weight) as weight
    from pool
    inner join book.weight as stated on stated.weights = pool.weights and pool.day >= stated.starts_on and pool.day < stated.ends_on
    union all
    -- In trillionths as what the book states, in two parts: tokens of a day may be more than dollars to_pico is made for.
    select pool.day, pool.place, measured.team, cast(measured.weight - measured.weight % 1 as decimal(24,0))
        * cast(1000000000000 as decimal(13,0)) + to_pico(measured.weight % 1) as weight
    from pool inner join core.column_weight as measured on measured.day = pool.day and measured.measure = pool.measure
)
select weight.day, weight.place, weight.team, cast(sum(weight.weight) as decimal(38,0)) as weight
from weight inner join pool on pool.day = weight.day and pool.place = weight.place
left join book.pool_part as part
    on part.place = weight.place and part.name = weight.team and (part.part = 'exempt' or (part.part = 'team' and pool.teams > 0))
where coalesce(part.part, case when pool.teams > 0 then 'exempt' else 'team' end) = 'team'
group by weight.day, weight.place, weight.team
having sum(weight.weight) > 0
