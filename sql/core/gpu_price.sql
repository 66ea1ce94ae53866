/*
What each device costs in each hour - at an amortised price as far as what is reserved or owned reaches, the card's beyond - and its power.

grain: one row per device and UTC hour
key: [device_id, started_at]
daily: true
must:
  - covered_seconds >= 0 and covered_seconds <= seconds
*/
with device as (
    select
        state.day, state.device_id, state.hour_second, max(state.pool) as pool, max(state.gpu_model) as gpu_model,
        cast(div_trunc(sum(state.seconds), max(state.device_slices)) as decimal(12,0)) as seconds -- of a cut device the slices are one
    from core.gpu_state as state
    where state.day >= getvariable('from_day') and state.day < getvariable('to_day')
    group by state.day, state.device_id, state.hour_second
),
alias as (
    select
        named.day, named.gpu_model, alias.card_provider as provider, alias.model, row_number() over (
            partition by named.day, named.gpu_model order by alias.rank, length(alias.name) desc, alias.model, alias.name) as choice
    from (select distinct device.day, device.gpu_model from device where device.gpu_model is not null) as named
    inner join rate_cards.alias as alias on alias.provider = 'gpu' and lower(named.gpu_model) like like_of(alias.name) escape '!'
        and named.day >= alias.priced_from and named.day < alias.priced_to
),
rated as (
    select
        device.*, hour.started_at, hour.book_day, alias.model as card_model, rate.rate_id,
        cast(to_pico(coalesce(paid.gpu_hour_usd, rate.gpu_hour_usd)) as decimal(19,0)) as hour_pico
    from device
    inner join book.hour as hour on hour.day = device.day and hour.hour_second = device.hour_second
    left join book.gpu_pool as pool on pool.pool = device.pool
    left join alias on alias.choice = 1 and alias.day = device.day and alias.gpu_model = device.gpu_model
    left join rate_cards.rate as rate
        on rate.layer = 'list' and rate.provider = coalesce(nullif(pool.provider, ''), alias.provider)
        and rate.model = coalesce(nullif(pool.model, ''), alias.model) and rate.gpu_hour_usd is not null and rate.region = ''
        and rate.served_tier = coalesce(pool.served_tier, 'standard') and hour.started_at >= rate.starts_at and hour.started_at < rate.ends_at
        and device.day >= rate.priced_from and device.day < rate.priced_to
    left join rate_cards.rate as paid
        on paid.layer = 'effective' and paid.rate_id = rate.rate_id and device.day >= paid.priced_from and device.day < paid.priced_to
),
matched as (
    select
        rated.device_id, rated.started_at, rated.seconds, rated.hour_pico, held.commitment, cast(held.capacity as decimal(18,0)) as capacity,
        cast(to_pico(held.cost_usd) as decimal(19,0)) as pico, row_number() over (partition by rated.device_id, rated.started_at order by match.place) as choice
    from rated
    inner join book.commitment_match as match
        on match.kind in ('reserved_gpu', 'owned_gpu') and rated.day >= match.starts_on and rated.day < match.ends_on
        and coalesce(rated.pool, '') like match.pool escape '!' and (lower(coalesce(rated.gpu_model, '')) like match.model escape '!'
            or lower(coalesce(rated.card_model, '')) like match.model escape '!')
    inner join core.commitment_cost as held on held.commitment = match.commitment and held.started_at = rated.started_at
),
-- Devices fill a reservation in the order of their names; each takes what the seconds up to it cost less those before it.
running as (
    select
        matched.*, cast(sum(matched.seconds) over (partition by matched.commitment, matched.started_at order by matched.device_id
            rows between unbounded preceding and current row) as decimal(18,0)) as upto
    from matched where matched.choice = 1
),
filled as (
    select running.*, least(upto, capacity) as through, cast(least(upto - seconds, capacity) as decimal(18,0)) as until from running
),
reserved as (
    select
        filled.device_id, filled.started_at, filled.through - filled.until as seconds,
        div_trunc(filled.pico * filled.through, filled.capacity) - div_trunc(filled.pico * filled.until, filled.capacity) as pico
    from filled
    -- A device that is covered in part and has no price for the rest has no known cost: it leaves the reservation unused.
    where filled.through > filled.until and (filled.through - filled.until = filled.seconds or filled.hour_pico is not null)
)
select
    rated.device_id, rated.started_at, rated.day, rated.book_day, rated.hour_second, rated.rate_id, running.commitment,
    cast(rated.seconds as bigint) as seconds, cast(coalesce(reserved.seconds, 0) as bigint) as covered_seconds,
    to_usd(coalesce(reserved.pico, 0)) as covered_cost_usd, power.power_basis, power.cost_usd as power_cost_usd,
    to_usd(coalesce(to_pico(power.cost_usd), 0) + coalesce(reserved.pico, 0) + case when reserved.seconds = rated.seconds then 0
        else div_trunc(rated.hour_pico * cast(rated.seconds - coalesce(reserved.seconds, 0) as decimal(12,0)), 3600) end) as cost_usd
from rated
left join core.gpu_power as power on power.device_id = rated.device_id and power.day = rated.day and power.started_at = rated.started_at
left join running on running.device_id = rated.device_id and running.started_at = rated.started_at
left join reserved on reserved.device_id = rated.device_id and reserved.started_at = rated.started_at
