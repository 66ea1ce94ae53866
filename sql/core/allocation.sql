/*
The whole cost of a day and who answers for it, each kind of cost on its own line.

grain: one row per day, line and owner
key: [day, line, basis, team, cost_centre, tenant, feature]
daily: true
must:
  - cost_usd is not null
*/
with centre as (
    select calendar.day, owner.team, min(owner.cost_centre) as cost_centre
    from book.day as calendar
    inner join book.owner as owner on calendar.day >= owner.starts_on and calendar.day < owner.ends_on
    where owner.team is not null and owner.cost_centre is not null
        and calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
    group by calendar.day, owner.team
)
select
    line.day, line.line, line.basis, line.team, coalesce(nullif(line.cost_centre, ''), centre.cost_centre, '(none)') as cost_centre,
    line.tenant, line.feature, cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from core.cost_line as line
left join centre on centre.day = line.day and centre.team = line.team
where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
group by line.day, line.line, line.basis, line.team, coalesce(nullif(line.cost_centre, ''), centre.cost_centre, '(none)'), line.tenant,
    line.feature
