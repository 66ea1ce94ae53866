/*
FOCUS rows of GPUs: what each device did on a day, for whom, in GPU hours; hours without a known cost are not in it.

grain: one row per day, device, holder, rate, reservation and state
key: [day, line_id]
daily: true
on_demand: true
must:
  - list_cost_usd is not null and contracted_cost_usd is not null and effective_cost_usd is not null
*/
with hour as (
    select
        hour.day, hour.device_id, coalesce(hour.pool, '') as pool, hour.gpu_model, coalesce(hour.rate_id, '') as rate_id, hour.used_seconds,
        hour.warm_idle_seconds, hour.free_idle_seconds, hour.unknown_seconds, hour.used_cost_usd, hour.warm_idle_cost_usd,
        hour.free_idle_cost_usd, hour.unknown_cost_usd, price.covered_seconds, price.seconds as whole_seconds,
        coalesce(pool.is_billed, true) as is_billed,
        case when price.covered_seconds > 0 then coalesce(price.commitment, '') else '' end as commitment,
        -- Whose it is, as everywhere: nobody's use and all free time is the owner's of the pool.
        coalesce(case when hour.team = 'unassigned' then pool.owner else hour.team end, 'unowned') as holder,
        coalesce(pool.owner, 'unallocated') as owner
    from core.gpu_hour as hour
    inner join core.gpu_price as price
        on price.day = hour.day and price.device_id = hour.device_id and price.started_at = hour.started_at
    left join book.gpu_pool as pool on pool.pool = hour.pool
    where hour.day >= getvariable('from_day') and hour.day < getvariable('to_day') and hour.cost_usd is not null
),
state as (
    select hour.*, 'used' as state, holder as team, used_seconds as seconds, used_cost_usd as cost_usd from hour
    union all
    select hour.*, 'warm idle' as state, holder as team, warm_idle_seconds as seconds, warm_idle_cost_usd as cost_usd from hour
    union all
    select hour.*, 'free idle' as state, owner as team, free_idle_seconds as seconds, free_idle_cost_usd as cost_usd from hour
    union all
    select hour.*, 'unknown' as state, owner as team, unknown_seconds as seconds, unknown_cost_usd as cost_usd from hour
),
held as (
    select
        state.day, state.device_id, state.pool, state.team, state.rate_id, state.commitment, state.state, max(state.gpu_model) as gpu_model,
        max(case when state.is_billed then 1 else 0 end) as billed, cast(sum(state.seconds) as decimal(12,0)) as seconds,
        sum(state.cost_usd) as cost_usd,
        cast(sum(div_trunc(cast(state.seconds as decimal(12,0)) * cast(state.covered_seconds as decimal(12,0)), state.whole_seconds))
            as decimal(12,0)) as covered_seconds
    from state
    where state.seconds > 0
    group by state.day, state.device_id, state.pool, state.team, state.rate_id, state.commitment, state.state
),
timed as (
    -- Hours are whole millionths here: an hour has 3600 seconds, so most parts of one have no end.
    select
        held.*, cast(cast(div_trunc(held.seconds * 1000000 + 1800, 3600) as decimal(19,0)) * cast('0.000001' as decimal(6,6))
            as decimal(19,6)) as quantity,
        cast(cast(div_trunc(held.covered_seconds * 1000000 + 1800, 3600) as decimal(19,0)) * cast('0.000001' as decimal(6,6))
            as decimal(19,6)) as covered
    from held
)
select
    timed.day,
    'gpu ' || md5(concat_ws('|', timed.device_id, timed.pool, timed.team, timed.rate_id, timed.commitment, timed.state)) as line_id,
    case when timed.billed = 1 then 'gpu instances' else 'own machines' end as provider, timed.device_id, nullif(timed.pool, '') as pool,
    timed.gpu_model, timed.team, timed.state, nullif(timed.rate_id, '') as rate_id, nullif(timed.commitment, '') as commitment,
    cast(case when timed.commitment <> '' then timed.covered end as decimal(38,6)) as commitment_quantity,
    cast(timed.quantity as decimal(38,6)) as quantity, price.list_usd, price.contracted_usd,
    -- Where no card has the device, what a reservation charges is the only price there is.
    cast(coalesce(timed.quantity * price.list_usd, timed.cost_usd) as decimal(38,12)) as list_cost_usd,
    cast(coalesce(timed.quantity * price.contracted_usd, timed.cost_usd) as decimal(38,12)) as contracted_cost_usd,
    cast(timed.cost_usd as decimal(38,12)) as effective_cost_usd
from timed
left join rate_cards.unit_rate as price
    on price.rate_id = timed.rate_id and price.meter = 'gpu_hour' and timed.day >= price.priced_from and timed.day < price.priced_to
