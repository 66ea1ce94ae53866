/*
Days that stand out, in dollars, each with the widest scope it explains, why, and the combination it comes from; and known changes of price.

grain: one row per day, dimension, scope and measure that stands out; `parent` is the scope it is rolled into
key: [day, dimension, scope, measure]
daily: true
lookback_days: 36
then: roll_up
*/
with alarm as (
    select score.*, case when score.kind = 'drift' then score.baseline else score.expected end as usual,
        case when score.kind = 'drift' then score.drift else score.z end as stands_out
    from marts.series_score as score
    where score.day >= getvariable('from_day') and score.day < getvariable('to_day') and score.kind is not null
),
-- A scope that fell to nothing has no row of its day: whose it is, its last one tells.
known as (
    select
        alarm.day, alarm.dimension, alarm.scope, alarm.measure, series.owner, series.team, series.tenant, series.feature, series.model,
        case when series.day = alarm.day then series.cost_usd end as cost_usd,
        row_number() over (partition by alarm.day, alarm.dimension, alarm.scope, alarm.measure order by series.day desc) as place
    from alarm
    inner join marts.series as series
        on series.dimension = alarm.dimension and series.scope = alarm.scope and series.day <= alarm.day and series.day > alarm.day - 36
),
scoped as (
    select alarm.*, coalesce(known.owner, unit.team) as owner, coalesce(known.team, unit.team) as team, known.tenant,
        coalesce(known.feature, unit.feature) as feature, known.model, known.cost_usd
    from alarm
    left join book.unit as unit on alarm.dimension = 'unit' and unit.unit = alarm.scope
    left join known
        on known.place = 1 and known.day = alarm.day and known.dimension = alarm.dimension and known.scope = alarm.scope
        and known.measure = alarm.measure
),
request as (
    select scoped.day, scoped.dimension, scoped.scope, scoped.measure, min(large.place) as place
    from scoped
    inner join core.large_request as large
        on large.day = scoped.day and large.team = coalesce(scoped.team, large.team)
        and large.tenant = coalesce(scoped.tenant, large.tenant) and large.feature = coalesce(scoped.feature, large.feature)
        and large.model = coalesce(scoped.model, large.model)
    where scoped.dimension not in ('gpu pool', 'unit')
    group by scoped.day, scoped.dimension, scoped.scope, scoped.measure
),
session as (
    select scoped.day, scoped.dimension, scoped.scope, scoped.measure, min(long.place) as place
    from scoped
    inner join core.long_session as long
        on long.day = scoped.day and long.team = coalesce(scoped.team, long.team) and long.tenant = coalesce(scoped.tenant, long.tenant)
        and long.feature = coalesce(scoped.feature, long.feature)
    where scoped.dimension not in ('gpu pool', 'unit') and scoped.model is null
    group by scoped.day, scoped.dimension, scoped.scope, scoped.measure
)
select
    'alarm' as part, scoped.day, scoped.kind, scoped.dimension, scoped.scope, scoped.measure, coalesce(scoped.owner, '(none)') as owner,
    scoped.team, scoped.tenant, scoped.feature, scoped.model, scoped.value, scoped.usual, scoped.stands_out as score, scoped.severity,
    scoped.excess, cast(scoped.cost_usd as decimal(38,12)) as cost_usd, cast(null as decimal(38,12)) as change_usd, large.request_id,
    large.cost_usd as request_usd, case when long.is_session then 'session' else 'operation' end as session_kind, long.session_id,
    long.requests as session_calls, long.cost_usd as session_usd
from scoped
left join request using (day, dimension, scope, measure)
left join core.large_request as large on large.day = request.day and large.place = request.place
left join session using (day, dimension, scope, measure) left join core.long_session as long on long.day = session.day and long.place = session.place
union all
select
    'price', change.day, 'price change', 'model', change.model, 'price',
    case when count(distinct change.team) = 1 then max(change.team) else '(several)' end, null, null, null, change.model, null, null, null,
    null, null, cast(sum(change.cost_usd) as decimal(38,12)), cast(sum(change.change_usd) as decimal(38,12)), null, null, null, null, null,
    null
from core.card_change as change
where change.day >= getvariable('from_day') and change.day < getvariable('to_day')
group by change.day, change.model having abs(sum(change.change_usd)) >= 1
union all
select
    'leaf', driver.day, null, null, null, null, null, driver.team, driver.tenant, driver.feature, driver.model, null, null, null, null,
    null, cast(sum(driver.cost_usd) as decimal(38,12)), null, null, null, null, null, null, null
from core.cost_driver as driver
inner join (
    select distinct calendar.day from alarm inner join book.day as calendar on calendar.day between alarm.day - 35 and alarm.day
) as near on near.day = driver.day
group by driver.day, driver.team, driver.tenant, driver.feature, driver.model
