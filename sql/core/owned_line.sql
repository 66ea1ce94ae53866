/*
The whole cost of a day and who answers for it as inputs, prices, owners and pools now say: what several own is parted by their shares.

grain: one row per day, line and owner
key: [day, line, basis, team, cost_centre, gl_account, tenant, feature]
daily: true
must:
  - cost_usd is not null
*/
with whole as (
    select share.owner, cast(sum(share.weight) as decimal(12,0)) as weight from book.owner_share as share group by share.owner
),
part as (
    select
        line.day, line.line, line.basis, line.team as owner, line.cost_centre as owner_centre, line.tenant, line.feature, line.cost_usd,
        share.team as to_team, cast(abs(to_pico(line.cost_usd)) as decimal(25,0)) as pico, cast(share.weight as decimal(12,0)) as weight,
        whole.weight as whole
    from core.shared_line as line
    left join book.owner_share as share on share.owner = line.team
    left join whole on whole.owner = line.team
    where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
),
-- By largest remainder at the pico-dollar, as everything that is split.
ranked as (
    select
        part.*, div_trunc(part.pico * part.weight, part.whole) as least,
        row_number() over (
            partition by part.day, part.line, part.basis, part.owner, part.owner_centre, part.tenant, part.feature
            order by (part.pico * part.weight) % part.whole desc, part.to_team
        ) as place,
        part.pico - sum(div_trunc(part.pico * part.weight, part.whole)) over (
            partition by part.day, part.line, part.basis, part.owner, part.owner_centre, part.tenant, part.feature
        ) as left_over
    from part
    where part.to_team is not null
),
line as (
    select part.day, part.line, part.basis, part.owner as team, part.owner_centre as cost_centre, part.tenant, part.feature, part.cost_usd
    from part
    where part.to_team is null
    union all
    select
        ranked.day, ranked.line, ranked.basis, ranked.to_team as team,
        case when ranked.owner_centre = '(none)' then '' else ranked.owner_centre end as cost_centre, ranked.tenant, ranked.feature,
        to_usd((ranked.least + case when ranked.place <= ranked.left_over then 1 else 0 end) * case when ranked.cost_usd < 0 then -1 else 1 end)
    from ranked
),
centre as (
    select calendar.day, centre.team, centre.cost_centre, centre.gl_account,
        row_number() over (
            partition by calendar.day, centre.team
            order by case when centre.is_home then 0 else 1 end, case when centre.cost_centre = '(none)' then 1 else 0 end, centre.cost_centre
        ) as place
    from book.day as calendar
    inner join book.centre as centre on calendar.day >= centre.starts_on and calendar.day < centre.ends_on
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
),
placed as (
    select line.*, coalesce(nullif(line.cost_centre, ''), home.cost_centre, '(none)') as found_centre
    from line
    left join centre as home on home.day = line.day and home.team = line.team and home.place = 1
)
select
    placed.day, placed.line, placed.basis, placed.team, placed.found_centre as cost_centre,
    coalesce(centre.gl_account, '(none)') as gl_account, placed.tenant, placed.feature,
    cast(sum(placed.cost_usd) as decimal(38,12)) as cost_usd
from placed
left join centre on centre.day = placed.day and centre.team = placed.team and centre.cost_centre = placed.found_centre
group by placed.day, placed.line, placed.basis, placed.team, placed.found_centre, coalesce(centre.gl_account, '(none)'), placed.tenant,
    placed.feature
having sum(placed.cost_usd) <> 0
