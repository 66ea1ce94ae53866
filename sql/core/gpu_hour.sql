/*
Who had which GPU in each hour, what it did, and what that cost; a gap in the samples is unknown, never idle.

grain: one row per device, hour and team ('unassigned' is nobody)
key: [device_id, started_at, team]
daily: true
lookback_days: 1
must:
  - used_seconds + warm_idle_seconds + free_idle_seconds + unknown_seconds = capacity_seconds
  - cost_usd is null or used_cost_usd + warm_idle_cost_usd + free_idle_cost_usd + unknown_cost_usd = cost_usd
should:
  - cost_usd is not null
*/
with state as (
    select
        day, device_id, hour_second, team, pool, gpu_model, source, gpus, state, seconds
    from core.gpu_state
    where day >= getvariable('from_day') and day < getvariable('to_day')
),
alias as (
    select
        device.gpu_model, alias.provider, alias.model,
        row_number() over (partition by device.gpu_model order by alias.rank, length(alias.pattern) desc, alias.model, alias.pattern) as choice
    from (select distinct gpu_model from state where gpu_model is not null) as device
    inner join rate_cards.alias as alias on alias.provider = 'gpu' and lower(device.gpu_model) like alias.pattern escape '!'
),
part as (
    select
        state.day, state.device_id, state.hour_second, hour.started_at, state.team, state.pool, state.gpu_model, state.source, state.gpus,
        state.state, state.seconds, rate.rate_id,
        div_trunc(to_pico(rate.gpu_hour_usd) * cast(state.seconds as decimal(12,0)), 3600) as pico,
        (to_pico(rate.gpu_hour_usd) * cast(state.seconds as decimal(12,0))) % 3600 as remainder
    from state
    inner join book.hour as hour on hour.day = state.day and hour.hour_second = state.hour_second
    left join book.gpu_pool as pool on pool.pool = state.pool
    left join alias on alias.choice = 1 and alias.gpu_model = state.gpu_model
    left join rate_cards.rate as rate
        on rate.provider = coalesce(pool.provider, alias.provider) and rate.model = coalesce(pool.model, alias.model)
        and rate.gpu_hour_usd is not null and rate.served_tier = 'standard'
        and hour.started_at >= rate.starts_at and hour.started_at < rate.ends_at
),
-- What the division leaves over (whole pico-dollars, for the device's hour) goes to the largest remainders.
ranked as (
    select
        part.*,
        row_number() over (partition by device_id, hour_second order by remainder desc, team, state) as place,
        div_trunc(sum(remainder) over (partition by device_id, hour_second), 3600) as left_over
    from part
),
costed as (
    select ranked.*, to_usd(pico + case when place <= left_over then 1 else 0 end) as cost_usd
    from ranked
)
select
    device_id, started_at, day, pool, team, gpu_model, source, rate_id, gpus, cast(sum(seconds) as bigint) as capacity_seconds,
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
group by device_id, started_at, day, pool, team, gpu_model, source, rate_id, gpus
