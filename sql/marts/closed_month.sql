/*
What each closed month cost when it was closed, what it would cost now, and by how much open or later months correct it.

grain: one row per closed month
key: period
must:
  - now_usd = closed_usd + corrected_usd + due_usd
*/
with part as (
    select closed.period, 'closed' as part, frozen.cost_usd
    from raw.closed_line as frozen
    inner join book.closed_period as closed on frozen.day >= closed.starts_on and frozen.day < closed.ends_on
    where frozen.corrects_period = ''
    union all
    select gap.period, 'gap' as part, gap.cost_usd from core.closed_gap as gap
    union all
    select frozen.corrects_period as period, 'corrected' as part, frozen.cost_usd
    from raw.closed_line as frozen
    where frozen.corrects_period <> ''
    union all
    select correction.corrects_period as period, 'due' as part, correction.cost_usd
    from core.closed_correction as correction
)
select
    closed.period, closed.posts_on,
    cast(coalesce(sum(case when part.part = 'closed' then part.cost_usd end), 0) as decimal(38,12)) as closed_usd,
    cast(coalesce(sum(case when part.part in ('closed', 'gap') then part.cost_usd end), 0) as decimal(38,12)) as now_usd,
    cast(coalesce(sum(case when part.part = 'corrected' then part.cost_usd end), 0) as decimal(38,12)) as corrected_usd,
    cast(coalesce(sum(case when part.part = 'due' then part.cost_usd end), 0) as decimal(38,12)) as due_usd
from book.closed_period as closed
left join part on part.period = closed.period
group by closed.period, closed.posts_on
