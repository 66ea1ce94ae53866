/*
The whole cost of a day and who answers for it, each kind of cost on its own line: closed months as they were closed, corrections of them on
the first open day.

grain: one row per day, line and owner
key: [day, line, basis, team, cost_centre, gl_account, tenant, feature, corrects_period]
daily: true
must:
  - cost_usd is not null
*/
with open_days as (
    select calendar.day
    from book.day as calendar
    left join book.closed_period as closed on calendar.day >= closed.starts_on and calendar.day < closed.ends_on
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day') and closed.period is null
)
select
    now.day, now.line, now.basis, now.team, now.cost_centre, now.gl_account, now.tenant, now.feature, '' as corrects_period, now.cost_usd
from core.owned_line as now
inner join open_days on open_days.day = now.day
union all
select
    frozen.day, frozen.line, frozen.basis, frozen.team, frozen.cost_centre, frozen.gl_account, frozen.tenant, frozen.feature,
    frozen.corrects_period, frozen.cost_usd
from raw.closed_line as frozen
where frozen.day >= getvariable('from_day') and frozen.day < getvariable('to_day')
union all
select
    correction.posts_on as day, 'Correction of ' || correction.corrects_period as line, correction.basis, correction.team,
    correction.cost_centre, correction.gl_account, correction.tenant, correction.feature, correction.corrects_period, correction.cost_usd
from core.closed_correction as correction
where correction.posts_on >= getvariable('from_day') and correction.posts_on < getvariable('to_day')
