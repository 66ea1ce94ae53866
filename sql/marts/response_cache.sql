/*
What a cache of whole answers would spare, by three estimates, beside what the gateway's own cache does spare; and what would be claimed
without the boundary between tenants and without an end of life.

grain: one row per day, team, tenant, feature, provider and model
key: [day, team, tenant, feature, provider, model]
daily: true
book_days: true
must:
  - low_repeats <= point_repeats and point_repeats <= high_repeats and high_repeats <= eligible_requests
  - high_repeats + late_repeats + foreign_repeats <= claimed_repeats and claimed_repeats <= eligible_requests
*/
with line as (
    select
        cost.book_day, coalesce(cost.team, 'unowned') as team, coalesce(cost.tenant, '(none)') as tenant,
        coalesce(cost.feature, '(none)') as feature, coalesce(cost.provider, '(none)') as provider, coalesce(cost.model, '(none)') as model,
        case when replay.place is null then 0 else 1 end as eligible, case when cost.is_cache_hit then 1 else 0 end as hit,
        case when replay.low_ppm > 0 then 1 else 0 end as low, case when replay.point_ppm > 0 then 1 else 0 end as point,
        case when replay.high_ppm > 0 then 1 else 0 end as high,
        -- Asked before by the same tenant, but longer ago than an answer lives; asked in time, but only by another tenant.
        case when replay.place > 1 and replay.high_ppm = 0 and replay.wide_high_ppm = 0 then 1 else 0 end as late,
        case when replay.high_ppm = 0 and replay.wide_high_ppm > 0 then 1 else 0 end as foreign_one,
        case when replay.place > 1 or replay.wide_place > 1 then 1 else 0 end as claimed, cast(cost.cost_usd as decimal(38,12)) as cost_usd,
        case when given.is_foreign then 1 else 0 end as foreign_hit, given.spared_usd
    from core.request_cost as cost
    left join core.cache_replay as replay on replay.day = cost.day and replay.request_id = cost.request_id
    left join core.gateway_hit as given on given.day = cost.day and given.request_id = cost.request_id
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day')
)
select
    line.book_day as day, line.team, line.tenant, line.feature, line.provider, line.model, count(*) as requests,
    cast(sum(line.eligible) as bigint) as eligible_requests, cast(sum(line.low) as bigint) as low_repeats,
    cast(sum(line.point) as bigint) as point_repeats, cast(sum(line.high) as bigint) as high_repeats,
    cast(sum(line.late) as bigint) as late_repeats, cast(sum(line.foreign_one) as bigint) as foreign_repeats,
    cast(sum(line.claimed) as bigint) as claimed_repeats,
    cast(sum(case when line.high = 1 and line.cost_usd is null then 1 else 0 end) as bigint) as unpriced_repeats,
    cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd,
    -- No repeats cost nothing; repeats of which no cost is known are unknown.
    cast(case when sum(line.low) = 0 then 0 else sum(case when line.low = 1 then line.cost_usd end) end as decimal(38,12)) as low_saving_usd,
    cast(case when sum(line.point) = 0 then 0 else sum(case when line.point = 1 then line.cost_usd end) end as decimal(38,12)) as point_saving_usd,
    cast(case when sum(line.high) = 0 then 0 else sum(case when line.high = 1 then line.cost_usd end) end as decimal(38,12)) as high_saving_usd,
    cast(case when sum(line.claimed) = 0 then 0 else sum(case when line.claimed = 1 then line.cost_usd end) end as decimal(38,12))
        as claimed_usd,
    cast(sum(line.hit) as bigint) as cache_hits, cast(sum(line.foreign_hit) as bigint) as foreign_hits,
    cast(sum(line.spared_usd) as decimal(38,12)) as cache_hit_value_usd
from line
group by line.book_day, line.team, line.tenant, line.feature, line.provider, line.model
