/*
What bills say was used, by meter, in tokens and dollars, with what providers count themselves; lines that are no use stand apart.

grain: one row per day, provider, model by its card's name, tier, meter, project, key, kind of line and last day it is for
key: [day, provider, model, served_tier, meter, project_id, key_id, kind, ends_on]
daily: true
must:
  - kind in ('use', 'late', 'correction', 'credit', 'count')
*/
with name as (
    select distinct found.day, found.provider, found.model, found.card_model
    from core.rate_in_force as found
    where found.card_model is not null
),
-- What a line of a bill may be off because it was rounded, in pico-units of its currency.
unit as (
    select charge.day, coalesce(charge.source, '') as source, half_unit(to_pico(charge.billed_cost % 1)) as half_pico
    from core.charge as charge
    group by charge.day, coalesce(charge.source, '')
),
line as (
    select
        charge.day, coalesce(charge.provider, '(none)') as provider, coalesce(name.card_model, charge.model, '(none)') as model,
        coalesce(charge.served_tier, 'standard') as served_tier,
        case when charge.meter in ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output') then charge.meter
            else 'other' end as meter, coalesce(charge.project_id, '') as project_id, coalesce(charge.key_id, '') as key_id,
        case when charge.charge_class = 'Correction' then 'correction'
            when charge.charge_category in ('Tax', 'Credit', 'Adjustment', 'Purchase') or charge.model is null then 'credit'
            when charge.billing_period <> calendar.period then 'late' else 'use' end as kind,
        -- The first day that the line is not for; most lines are for one day, or for a part of it.
        case when charge.ends_at > cast(charge.day + 2 as timestamp) then cast(charge.ends_at as date) else charge.day + 1 end as ends_on,
        case when charge.ends_at > cast(cast(charge.ends_at as date) as timestamp) then cast(charge.ends_at as date) + 1
            else coalesce(cast(charge.ends_at as date), charge.day + 1) end as until_on, charge.tokens, charge.cost_usd,
        charge.billed_cost, charge.currency, unit.half_pico, charge.line_item, charge.file_id,
        case when charge.fx_basis = 'book' then case when charge.effective_cost_usd is null then staged.billed_cost_in_usd
            else staged.effective_cost_in_usd end end as said_usd
    from core.charge as charge
    inner join book.day as calendar on calendar.day = charge.day
    inner join unit on unit.day = charge.day and unit.source = coalesce(charge.source, '')
    left join staging.charge as staged on staged.charge_id = charge.charge_id and staged.day = charge.day
    left join name on name.day = charge.day and name.provider = coalesce(charge.provider, '') and name.model = charge.model
    where charge.day >= getvariable('from_day') and charge.day < getvariable('to_day') and charge.scope = 'model'
        and charge.cost_usd is not null
),
found as (
    select
        line.day, line.provider, line.model, line.served_tier, line.meter, line.project_id, line.key_id, line.kind, line.ends_on,
        line.until_on, line.tokens,
        line.cost_usd, coalesce(line.said_usd, line.cost_usd) as stated_usd, line.line_item, line.file_id,
        case when line.currency = 'USD' then line.half_pico when line.billed_cost = 0 or abs(line.billed_cost) >= 1000000000000 then 0
            else 1 + div_trunc(cast(abs(to_pico(coalesce(line.said_usd, line.cost_usd))) as decimal(26,0))
                * cast(line.half_pico as decimal(10,0)), abs(to_pico(line.billed_cost))) end as bound_pico
    from line
    union all
    select
        used.day, coalesce(usage.provider, '(none)') as provider, coalesce(name.card_model, usage.model, '(none)') as model,
        usage.served_tier, used.meter, coalesce(usage.project_id, '') as project_id, coalesce(usage.key_id, '') as key_id, 'count' as kind,
        used.day + 1 as ends_on, used.day + 1 as until_on, cast(used.quantity as bigint) as tokens, null as cost_usd, null as stated_usd,
        null as line_item, usage.file_id, null as bound_pico
    from core.usage_meter as used
    inner join core.usage as usage on usage.usage_id = used.usage_id and usage.day = used.day
    left join name on name.day = used.day and name.provider = coalesce(usage.provider, '') and name.model = usage.model
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day')
        and used.meter in ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output')
)
select
    found.day, found.provider, found.model, found.served_tier, found.meter, found.project_id, found.key_id, found.kind, found.ends_on,
    max(found.until_on) as until_on, count(*) as lines, count(found.tokens) as token_lines, cast(sum(found.tokens) as bigint) as tokens,
    cast(sum(found.cost_usd) as decimal(38,12)) as billed_usd, cast(sum(found.stated_usd) as decimal(38,12)) as stated_usd,
    cast(sum(found.bound_pico) as decimal(38,0)) as bound_pico, min(found.line_item) as line_item, min(found.file_id) as file_id
from found
group by found.day, found.provider, found.model, found.served_tier, found.meter, found.project_id, found.key_id, found.kind, found.ends_on
