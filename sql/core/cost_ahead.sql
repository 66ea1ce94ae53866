/*
What is known of the rest of a month, by what it moves: everything, a team, a feature or a provider.

grain: one row per day that asks, day from which, or on which, it holds, dimension and scope
key: [day, on_day, dimension, scope]
daily: true
*/
-- price_usd: what the use of the 28 days before costs more or less from the day on. fixed_usd: what fixed amounts are more or less on the day.
with line as (
    select
        price.day, price.on_day, dimension.dimension, case dimension.dimension when 'total' then 'all' when 'team' then price.team
            when 'feature' then price.feature else price.provider end as scope, price.change_usd as price_usd, 0 as fixed_usd
    from core.price_ahead as price
    cross join (values ('total'), ('team'), ('feature'), ('provider')) as dimension (dimension)
    where price.day >= getvariable('from_day') and price.day < getvariable('to_day')
    union all
    -- Who bears a fixed amount follows from keys of days to come: it is told of everything only.
    select fixed.day, fixed.on_day, 'total' as dimension, 'all' as scope, 0 as price_usd, fixed.change_usd as fixed_usd
    from core.fixed_ahead as fixed
    where fixed.day >= getvariable('from_day') and fixed.day < getvariable('to_day')
)
select
    line.day, line.on_day, line.dimension, line.scope, cast(sum(line.price_usd) as decimal(38,12)) as price_usd,
    cast(sum(line.fixed_usd) as decimal(38,12)) as fixed_usd
from line
group by line.day, line.on_day, line.dimension, line.scope
