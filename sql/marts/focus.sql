/*
FOCUS 1.2 Cost and Usage: what was billed, computed use of models, and GPU hours; `meterbook export focus` writes it by billing period.

grain: one row per day and line; a line that is billed in another month than its own has that month as its billing period
key: [day, line_id]
daily: true
on_demand: true
must:
  - list_cost is not null and contracted_cost is not null and effective_cost is not null and billed_cost is not null
  - list_unit_price is null or cast(list_unit_price as decimal(24,12)) * cast(pricing_quantity as decimal(13,6)) = list_cost
  - contracted_unit_price is null
    or cast(contracted_unit_price as decimal(24,12)) * cast(pricing_quantity as decimal(13,6)) = contracted_cost
  - (charge_category in ('Usage', 'Purchase') and charge_class is null) = (sku_price_id is not null)
  - kind = 'charge' or billed_cost = 0
*/
with line as (
    select
        line.*, line.charge_category in ('Usage', 'Purchase') and line.charge_class is null as is_priced,
        case when line.meter = 'reasoning' or line.meter like '%output' then 'Output'
            when line.meter like '%input' or line.meter like '%cache%' then 'Input' end as token_direction
    from marts.focus_line as line
    where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
),
unit as (
    select
        line.*, line.kind = 'api' and (line.token_direction is not null or line.meter in ('character', 'second')) as is_million,
        concat_ws('/', line.kind, line.provider, coalesce(line.card_model, line.model, line.gpu_model, line.commitment, line.service_name,
            '(none)'), coalesce(line.meter, 'charge')) as sku_id,
        case when line.kind = 'api' and line.token_direction is not null then 'Tokens' when line.kind = 'gpu' then 'GPU-Hours'
            when line.meter = 'search' then 'Searches' when line.meter = 'storage_token_hour' then 'Token-Hours'
            when line.kind = 'api' and line.meter <> 'minimum' then upper(left(line.meter, 1)) || substring(line.meter, 2) || 's'
            else coalesce(upper(left(line.quantity_unit, 1)) || substring(line.quantity_unit, 2), 'Charges') end as unit
    from line
),
sized as (
    select
        unit.*, case when unit.list_usd is null then 0 when unit.is_million
            then cast(cast(unit.quantity as decimal(19,0)) * cast('0.000001' as decimal(6,6)) as decimal(13,6))
            else cast(unit.quantity as decimal(13,6)) end as units,
        cast(unit.list_usd * case when unit.is_million then 1000000 else 1 end as decimal(24,12)) as list_price,
        cast(unit.contracted_usd * case when unit.is_million then 1000000 else 1 end as decimal(24,12)) as contracted_price,
        -- What has no unit price is one charge at a price of its own; what is priced on other rows is none of them.
        case when unit.is_explained then 0 when least(unit.list_cost, unit.contracted_cost) < 0 then -1 else 1 end as charges
    from unit
),
priced as (
    select
        sized.*,
        sized.is_priced and coalesce(sized.list_price * sized.units = sized.list_cost
            and sized.contracted_price * sized.units = sized.contracted_cost, false) as is_by_unit,
        sized.is_priced and sized.charge_category = 'Usage' and coalesce(sized.commitment_status, '') <> 'Unused' as is_metered,
        abs(case when sized.is_explained then coalesce(nullif(sized.billed_cost, 0), sized.effective_cost) else sized.list_cost end)
            as own_list,
        case when sized.is_explained then abs(coalesce(nullif(sized.billed_cost, 0), sized.effective_cost))
            else sized.contracted_cost * sized.charges end as own_contracted
    from sized
)
select
    day, line_id, kind, billing_period, starts_at as charge_period_start, ends_at as charge_period_end, provider as provider_name,
    coalesce(service_name, provider || ' API') as service_name,
    case when kind = 'gpu' or provider in ('gpu', 'gpu instances') or service_name = 'GPU instances' then 'Compute'
        else 'AI and Machine Learning' end as service_category, coalesce(account_id, provider) as billing_account_id,
    project_id as sub_account_id, resource_id, resource_type, region as region_id, charge_category, charge_class,
    coalesce(charge_description, meter, 'charge of ' || provider) as charge_description, commitment as commitment_discount_id,
    commitment_status as commitment_discount_status, commitment_quantity as commitment_discount_quantity,
    commitment_unit as commitment_discount_unit,
    case when is_priced then case when coalesce(commitment, served_by) is null then 'Standard' else 'Committed' end end as pricing_category,
    case when is_priced then sku_id end as sku_id, case when is_priced then coalesce(meter, 'charge') end as sku_meter,
    case when is_by_unit and cost_basis = 'computed' then rate_id || '/' || meter when is_priced then sku_id || '/' || cost_basis end
        as sku_price_id,
    cast(case when not is_priced then null when is_by_unit then units else charges end as decimal(38,6)) as pricing_quantity,
    case when is_by_unit then case when is_million then '1000000 ' else '' end || unit when is_priced then 'Charges' end as pricing_unit,
    cast(case when not is_metered then null when kind = 'charge' and is_explained then 0 else coalesce(quantity, charges) end
        as decimal(38,6)) as consumed_quantity, case when is_metered then unit end as consumed_unit, currency as billing_currency,
    cast(case when not is_priced then null when is_by_unit then list_price else own_list end as decimal(38,12)) as list_unit_price,
    cast(case when not is_priced then null when is_by_unit then contracted_price else own_contracted end as decimal(38,12))
        as contracted_unit_price, list_cost, contracted_cost, effective_cost, billed_cost, effective_cost_usd, billed_cost_usd,
    unconverted_reason, invoice_id, tags, team, cost_centre, tenant, feature, environment, model, card_model, served_tier, meter,
    token_direction, cost_basis, is_estimated, is_explained, card_version, rate_id, served_by, corrects_period, gpu_state, pool, gpu_model,
    case when kind = 'charge' then quantity end as billed_quantity, case when kind = 'charge' then quantity_unit end as billed_unit
from priced
