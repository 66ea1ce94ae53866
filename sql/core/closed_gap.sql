/*
What a closed month would cost more, or less, by owner and line if it were computed now: late data, edited owners, pools or prices.

grain: one row per closed month, line and owner
key: [period, basis, team, cost_centre, gl_account, tenant, feature]
monthly: true
must:
  - cost_usd <> 0
*/
with line as (
    select
        closed.period, now.line || ', ' || now.basis as basis, now.team, now.cost_centre, now.gl_account, now.tenant, now.feature, now.cost_usd
    from core.owned_line as now
    inner join book.closed_period as closed on now.day >= closed.starts_on and now.day < closed.ends_on
    where now.day >= getvariable('from_day') and now.day < getvariable('to_day')
    union all
    -- What corrects months before it is no part of what the month itself cost.
    select
        closed.period, frozen.line || ', ' || frozen.basis as basis, frozen.team, frozen.cost_centre, frozen.gl_account, frozen.tenant,
        frozen.feature, -frozen.cost_usd as cost_usd
    from raw.closed_line as frozen
    inner join book.closed_period as closed on frozen.day >= closed.starts_on and frozen.day < closed.ends_on
    where frozen.day >= getvariable('from_day') and frozen.day < getvariable('to_day') and frozen.corrects_period = ''
)
select
    line.period, line.basis, line.team, line.cost_centre, line.gl_account, line.tenant, line.feature,
    cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from line
group by line.period, line.basis, line.team, line.cost_centre, line.gl_account, line.tenant, line.feature
having sum(line.cost_usd) <> 0
