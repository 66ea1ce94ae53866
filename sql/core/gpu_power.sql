/*
What the power of each device cost in each hour, where its pool pays for power apart: by its energy counter, else by the watts stated.

grain: one row per device and UTC hour with a price of power
key: [device_id, started_at]
daily: true
must:
  - (cost_usd is null) = (unknown_reason is not null)
  - (energy_mj is null) = (power_basis = 'unknown')
  - cost_usd >= 0 or cost_usd is null
should:
  - unknown_reason is null
*/
with device as (
    select
        state.day, state.device_id, state.hour_second, max(state.pool) as pool, max(state.device_slices) as device_slices,
        cast(sum(case when state.state = 'used' then state.seconds else 0 end) as bigint) as used_seconds,
        cast(sum(case when state.state in ('warm_idle', 'free_idle') then state.seconds else 0 end) as bigint) as idle_seconds,
        cast(sum(case when state.state = 'unknown' then state.seconds else 0 end) as bigint) as unknown_seconds
    from core.gpu_state as state
    where state.day >= getvariable('from_day') and state.day < getvariable('to_day')
    group by state.day, state.device_id, state.hour_second
),
taken as (
    select
        device.*, hour.started_at, hour.book_day, power.kwh_usd, power.watts, load.energy_mj as measured_mj, load.is_energy_partial,
        -- A watt is a thousand millijoules a second; what a device took in an unknown state is unknown. Seconds are those of a MIG slice.
        case when device.used_seconds + device.idle_seconds > 0 then div_trunc(
            1000 * (power.watts * device.used_seconds + power.idle_watts * device.idle_seconds), device.device_slices) end as stated_mj
    from device
    inner join book.hour as hour on hour.day = device.day and hour.hour_second = device.hour_second
    inner join book.gpu_power as power on power.pool = device.pool and device.day >= power.starts_on and device.day < power.ends_on
    left join core.gpu_load as load on load.day = device.day and load.device_id = device.device_id and load.started_at = hour.started_at
)
select
    taken.device_id, taken.started_at, taken.day, taken.book_day, taken.pool, cast(taken.kwh_usd as decimal(18,12)) as kwh_usd,
    cast(coalesce(taken.measured_mj, taken.stated_mj) as bigint) as energy_mj,
    case when taken.measured_mj is not null and taken.is_energy_partial then 'measured in part'
        when taken.measured_mj is not null then 'measured' when taken.stated_mj is null then 'unknown'
        when taken.unknown_seconds > 0 then 'stated in part' else 'stated' end as power_basis,
    case when coalesce(taken.measured_mj, taken.stated_mj) is not null then null
        when taken.watts is null then 'no counter and no watts stated' else 'no counter and no known state' end as unknown_reason,
    -- A kWh is 3.6 * 10^9 millijoules; what is below a pico-dollar is dropped, once for a device and hour.
    to_usd(div_trunc(cast(coalesce(taken.measured_mj, taken.stated_mj) as decimal(19,0)) * cast(to_pico(taken.kwh_usd) as decimal(18,0)),
        3600000000)) as cost_usd
from taken
