/*
Every cost line of a day after shared pools were shared out: shared costs on lines of their own that name the key they were shared by.

grain: one row per day, line and owner; an empty cost centre is that of the team
key: [day, line, basis, team, cost_centre, tenant, feature]
daily: true
must:
  - cost_usd is not null
*/
with line as (
    select line.day, line.line, line.basis, line.team, line.cost_centre, line.tenant, line.feature, line.cost_usd
    from core.cost_line as line
    where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
    union all
    -- What a pool takes from a line is on the lines of those who pay for it.
    select taken.day, taken.line, taken.basis, 'unallocated' as team, taken.cost_centre, taken.tenant, taken.feature, -taken.cost_usd as cost_usd
    from core.pool_cost as taken
    where taken.day >= getvariable('from_day') and taken.day < getvariable('to_day') and taken.line <> ''
    union all
    select
        shared.day, 'Shared: ' || shared.pool as line,
        case when shared.line = '' then '' else shared.line || ' ' end || 'by ' || pool.key_text
            || case when shared.through = '' then '' else ', through ' || shared.through end as basis,
        shared.team, '' as cost_centre, '(none)' as tenant, '(none)' as feature, shared.cost_usd
    from core.shared_cost as shared
    inner join book.pool as pool on pool.pool = shared.pool and shared.day >= pool.starts_on and shared.day < pool.ends_on
    where shared.day >= getvariable('from_day') and shared.day < getvariable('to_day')
)
select
    line.day, line.line, line.basis, line.team, line.cost_centre, line.tenant, line.feature,
    cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from line
group by line.day, line.line, line.basis, line.team, line.cost_centre, line.tenant, line.feature
having sum(line.cost_usd) <> 0
