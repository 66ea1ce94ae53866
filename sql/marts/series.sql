/*
Daily figures of everything that is watched: the whole, each team, tenant, feature, model and pair of these, GPU pools and units of value.

grain: one row per day, dimension and scope; pairs only on days on which they cost a dollar
key: [day, dimension, scope]
daily: true
must:
  - repeated_attempts <= requests and idle_seconds <= known_seconds
*/
-- Cost is of what has a price; what has none is counted beside it. change_usd is the part of it that changes of price brought that day.
with dimension as (
    select place.* from (values
        ('total', 0, 0, 0, 0), ('team', 1, 0, 0, 0), ('tenant', 0, 1, 0, 0), ('feature', 0, 0, 1, 0), ('model', 0, 0, 0, 1),
        ('team, feature', 1, 0, 1, 0), ('tenant, feature', 0, 1, 1, 0), ('feature, model', 0, 0, 1, 1), ('team, model', 1, 0, 0, 1)
    ) as place (dimension, by_team, by_tenant, by_feature, by_model)
),
cell as (
    select watched.*, change.change_usd
    from core.watch_day as watched
    left join core.card_change as change
        on change.day = watched.day and change.team = watched.team and change.tenant = watched.tenant and change.feature = watched.feature
        and change.provider = watched.provider and change.model = watched.model
    where watched.day >= getvariable('from_day') and watched.day < getvariable('to_day')
),
named as (
    select
        cell.*, dimension.*, case when dimension = 'total' then 'all' else concat_ws(', ', case when by_team = 1 then team end,
            case when by_tenant = 1 then tenant end, case when by_feature = 1 then feature end,
            case when by_model = 1 then model end) end as scope
    from cell
    cross join dimension
    where (by_tenant = 0 or tenant <> '(none)') and (by_feature = 0 or feature <> '(none)') and (by_model = 0 or model <> '(none)')
),
hourly as (
    select hour.day, dimension.dimension, case when dimension = 'total' then 'all' else concat_ws(', ', case when by_team = 1 then team end,
        case when by_tenant = 1 then tenant end, case when by_feature = 1 then feature end) end as scope, hour.started_at, hour.tokens
    from core.watch_hour as hour
    inner join dimension on dimension.by_model = 0
    where hour.day >= getvariable('from_day') and hour.day < getvariable('to_day')
),
busy as (select day, dimension, scope, started_at, sum(tokens) as tokens from hourly group by day, dimension, scope, started_at),
busiest as (select day, dimension, scope, max(tokens) as tokens from busy group by day, dimension, scope),
-- The part of each cell's cost that changes of price brought, in millionths: units of value bear as much of it.
part as (
    select day, tenant, feature, model, div_trunc(cast(to_pico(sum(change_usd)) as decimal(31,0)) * cast(1000000 as decimal(7,0)),
        nullif(to_pico(sum(cost_usd)), 0)) as ppm
    from cell
    group by day, tenant, feature, model
    having sum(change_usd) <> 0
),
line as (
    select
        day, dimension, scope, case when by_team = 1 then team end as team, case when by_tenant = 1 then tenant end as tenant,
        case when by_feature = 1 then feature end as feature, case when by_model = 1 then model end as model, team as owner, requests,
        unpriced_requests, used_requests, repeated_attempts, prompt_tokens, cache_read_tokens, tokens, session_requests, sessions,
        compared_requests, swapped_requests, finished_requests, truncated_requests, 0 as known_seconds, 0 as idle_seconds, 0 as units,
        cost_usd, change_usd
    from named
    union all
    select day, 'gpu pool', pool, null, null, null, null, owner, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, capacity_seconds - unknown_seconds,
        warm_idle_seconds + free_idle_seconds, 0, cost_usd, null
    from marts.gpu_use
    where day >= getvariable('from_day') and day < getvariable('to_day') and pool <> '(none)'
    union all
    -- '(no unit)' is what no unit bears, and 'inference' every request: that is watched as it is. A unit's part of shared cost moves with
    -- what others use, and so does what it bears of GPUs that none of its calls use: GPUs count where the model costs nothing else.
    select unit.day, 'unit', unit.unit, null, null, null, null, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, unit.successes,
        unit.api_cost_usd + case when unit.api_cost_usd = 0 then unit.gpu_cost_usd else 0 end,
        to_usd(div_trunc(cast(to_pico(unit.api_cost_usd) as decimal(24,0)) * cast(part.ppm as decimal(13,0)), 1000000))
    from marts.unit_cost as unit
    left join part on part.day = unit.day and part.tenant = unit.tenant and part.feature = unit.feature and part.model = unit.model
    where unit.day >= getvariable('from_day') and unit.day < getvariable('to_day') and unit.unit not in ('inference', '(no unit)')
)
select
    line.day, line.dimension, line.scope, max(line.team) as team, max(line.tenant) as tenant, max(line.feature) as feature,
    max(line.model) as model, case when min(line.owner) <> max(line.owner) then '(several)' else min(line.owner) end as owner,
    cast(sum(line.requests) as bigint) as requests, cast(sum(line.unpriced_requests) as bigint) as unpriced_requests,
    cast(sum(line.used_requests) as bigint) as used_requests, cast(sum(line.repeated_attempts) as bigint) as repeated_attempts,
    cast(sum(line.prompt_tokens) as bigint) as prompt_tokens, cast(sum(line.cache_read_tokens) as bigint) as cache_read_tokens,
    cast(sum(line.tokens) as bigint) as tokens, cast(max(coalesce(busiest.tokens, 0)) as bigint) as busiest_hour_tokens,
    cast(sum(line.session_requests) as bigint) as session_requests, cast(sum(line.sessions) as bigint) as sessions,
    cast(sum(line.compared_requests) as bigint) as compared_requests, cast(sum(line.swapped_requests) as bigint) as swapped_requests,
    cast(sum(line.finished_requests) as bigint) as finished_requests, cast(sum(line.truncated_requests) as bigint) as truncated_requests,
    cast(sum(line.known_seconds) as bigint) as known_seconds, cast(sum(line.idle_seconds) as bigint) as idle_seconds,
    cast(sum(line.units) as bigint) as units, cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd,
    cast(coalesce(sum(line.change_usd), 0) as decimal(38,12)) as change_usd
from line
left join busiest on busiest.day = line.day and busiest.dimension = line.dimension and busiest.scope = line.scope
group by line.day, line.dimension, line.scope
having line.dimension not like '%, %' or sum(line.cost_usd) >= 1
