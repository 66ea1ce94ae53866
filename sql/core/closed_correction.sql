/*
What closed months still have to be corrected by: their gap, less the corrections that are in months closed since.

grain: one row per closed month, line and owner
key: [corrects_period, basis, team, cost_centre, gl_account, tenant, feature]
must:
  - cost_usd <> 0
*/
with line as (
    select
        gap.period as corrects_period, gap.basis, gap.team, gap.cost_centre, gap.gl_account, gap.tenant, gap.feature, gap.cost_usd
    from core.closed_gap as gap
    union all
    select
        frozen.corrects_period, frozen.basis, frozen.team, frozen.cost_centre, frozen.gl_account, frozen.tenant, frozen.feature,
        -frozen.cost_usd as cost_usd
    from raw.closed_line as frozen
    where frozen.corrects_period <> ''
)
select
    posts.posts_on, line.corrects_period, line.basis, line.team, line.cost_centre, line.gl_account, line.tenant, line.feature,
    cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from line
cross join (select max(closed.posts_on) as posts_on from book.closed_period as closed) as posts
group by posts.posts_on, line.corrects_period, line.basis, line.team, line.cost_centre, line.gl_account, line.tenant, line.feature
having sum(line.cost_usd) <> 0
