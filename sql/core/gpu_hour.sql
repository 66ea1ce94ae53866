/*
Who had which GPU in each hour, what it did, and what that cost; a gap in the samples is unknown, never idle.

grain: one row per device, hour and holder; team 'unassigned' is nobody
key: [device_id, started_at, team, tenant, feature, job_id]
daily: true
must:
  - used_seconds + warm_idle_seconds + free_idle_seconds + unknown_seconds = capacity_seconds
  - cost_usd is null or used_cost_usd + warm_idle_cost_usd + free_idle_cost_usd + unknown_cost_usd = cost_usd
should:
  - cost_usd is not null
*/
with part as (
    select
        state.day, price.book_day, state.device_id, price.started_at, state.team, state.tenant, state.feature, state.job_id, state.pool,
        state.gpu_model, state.source, state.gpus, state.state, price.rate_id, price.commitment, state.device_slices,
        price.seconds * state.device_slices as whole, div_trunc(state.seconds, state.device_slices) as seconds,
        state.seconds % state.device_slices as second_remainder,
        div_trunc(cast(to_pico(price.cost_usd) as decimal(24,0)) * cast(state.seconds as decimal(13,0)), price.seconds * state.device_slices) as pico,
        (cast(to_pico(price.cost_usd) as decimal(24,0)) * cast(state.seconds as decimal(13,0))) % (price.seconds * state.device_slices) as remainder
    from core.gpu_state as state
    inner join core.gpu_price as price
        on price.day = state.day and price.device_id = state.device_id and price.hour_second = state.hour_second
    where state.day >= getvariable('from_day') and state.day < getvariable('to_day')
),
-- What a division leaves over, in whole pico-dollars and seconds of the device's hour, goes to the largest remainders.
ranked as (
    select
        part.*,
        row_number() over (partition by device_id, started_at order by remainder desc, team, tenant, feature, job_id, state) as place,
        row_number() over (partition by device_id, started_at order by second_remainder desc, team, tenant, feature, job_id, state) as second_place,
        div_trunc(sum(remainder) over (partition by device_id, started_at), whole) as left_over,
        div_trunc(sum(second_remainder) over (partition by device_id, started_at), device_slices) as seconds_over
    from part
),
costed as (
    select
        device_id, started_at, day, book_day, pool, team, tenant, feature, job_id, gpu_model, source, rate_id, commitment, gpus, state,
        cast(seconds + case when second_place <= seconds_over then 1 else 0 end as bigint) as seconds,
        to_usd(pico + case when place <= left_over then 1 else 0 end) as cost_usd
    from ranked
)
select
    device_id, started_at, day, book_day, pool, team, tenant, feature, job_id, gpu_model, source, rate_id, commitment, gpus,
    cast(sum(seconds) as bigint) as capacity_seconds,
    cast(sum(case when state = 'used' then seconds else 0 end) as bigint) as used_seconds,
    cast(sum(case when state = 'warm_idle' then seconds else 0 end) as bigint) as warm_idle_seconds,
    cast(sum(case when state = 'free_idle' then seconds else 0 end) as bigint) as free_idle_seconds,
    cast(sum(case when state = 'unknown' then seconds else 0 end) as bigint) as unknown_seconds,
    cast(sum(cost_usd) as decimal(18,12)) as cost_usd,
    cast(sum(case when state = 'used' then cost_usd else 0 end) as decimal(18,12)) as used_cost_usd,
    cast(sum(case when state = 'warm_idle' then cost_usd else 0 end) as decimal(18,12)) as warm_idle_cost_usd,
    cast(sum(case when state = 'free_idle' then cost_usd else 0 end) as decimal(18,12)) as free_idle_cost_usd,
    cast(sum(case when state = 'unknown' then cost_usd else 0 end) as decimal(18,12)) as unknown_cost_usd
from costed
group by device_id, started_at, day, book_day, pool, team, tenant, feature, job_id, gpu_model, source, rate_id, commitment, gpus
