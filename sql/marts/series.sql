/*
Daily figures of everything that is watched: the whole, each team, tenant, feature and model.

grain: one row per day, dimension and scope
key: [day, dimension, scope]
daily: true
*/
with named as (
    select spend.day, dimension.dimension,
        case dimension.dimension when 'total' then 'all' when 'team' then spend.team when 'tenant' then spend.tenant
            when 'feature' then spend.feature else spend.model end as scope,
        spend.team, spend.requests, spend.repeated_attempts, spend.cost_usd,
        spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens + spend.output_tokens as tokens
    from marts.spend as spend
    cross join (values ('total'), ('team'), ('tenant'), ('feature'), ('model')) as dimension (dimension)
    where spend.day >= getvariable('from_day') and spend.day < getvariable('to_day')
)
select
    named.day, named.dimension, named.scope, case when count(distinct named.team) = 1 then max(named.team) else '(several)' end as owner,
    cast(sum(named.requests) as bigint) as requests, cast(sum(named.repeated_attempts) as bigint) as repeated_attempts,
    cast(sum(named.tokens) as bigint) as tokens, cast(coalesce(sum(named.cost_usd), 0) as decimal(38,12)) as cost_usd
from named
where named.scope <> '(none)'
group by named.day, named.dimension, named.scope
