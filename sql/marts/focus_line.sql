/*
Every FOCUS row in one shape: calls, provider usage, GPUs, what lies beyond prices, and bills. What was billed stands on the bills alone,
what it cost on the rows that explain it, so each of the costs can be summed.

grain: one row per day and line
key: [day, line_id]
daily: true
on_demand: true
*/
select
    line.day, line.line_id, 'api' as kind, cast(line.day as timestamp) as starts_at, cast(line.day + 1 as timestamp) as ends_at,
    left(cast(line.day as varchar), 7) as billing_period, coalesce(line.provider, '(none)') as provider,
    cast(null as varchar) as service_name, line.model, line.card_model, line.served_tier, line.region, cast(null as varchar) as account_id,
    line.project_id, cast(null as varchar) as resource_id, cast(null as varchar) as resource_type, line.team, line.cost_centre, line.tenant,
    line.feature, line.environment, line.meter, line.rate_id, line.card_version, line.commitment as served_by,
    cast(null as varchar) as commitment, cast(null as varchar) as commitment_status, cast(null as decimal(38,6)) as commitment_quantity,
    cast(null as varchar) as commitment_unit, 'Usage' as charge_category, cast(null as varchar) as charge_class,
    cast(null as varchar) as corrects_period, coalesce(line.model, '(no model)') || ', ' || line.meter as charge_description,
    line.cost_basis, line.is_estimated, line.quantity, cast(null as varchar) as quantity_unit, line.list_usd, line.contracted_usd,
    'USD' as currency, cast(0 as decimal(38,12)) as billed_cost, line.list_cost_usd as list_cost,
    line.contracted_cost_usd as contracted_cost, line.effective_cost_usd as effective_cost, cast(0 as decimal(38,12)) as billed_cost_usd,
    line.effective_cost_usd, false as is_explained, cast(null as varchar) as invoice_id, cast(null as varchar) as tags,
    cast(null as varchar) as gpu_state, cast(null as varchar) as pool, cast(null as varchar) as gpu_model,
    cast(null as varchar) as unconverted_reason
from marts.focus_request as line
where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
union all
select
    line.day, line.line_id, 'api', line.starts_at, line.ends_at, left(cast(line.day as varchar), 7), coalesce(line.provider, '(none)'),
    null, line.model, line.card_model, line.served_tier, line.region, null, line.project_id, null, null, line.team, line.cost_centre,
    line.tenant, line.feature, line.environment, line.meter, line.rate_id, line.card_version, null, null, null, null, null, 'Usage', null,
    null, coalesce(line.model, '(no model)') || ', ' || line.meter, line.cost_basis, false, line.quantity, null, line.list_usd,
    line.contracted_usd, 'USD', 0, line.list_cost_usd, line.contracted_cost_usd, line.effective_cost_usd, 0, line.effective_cost_usd, false,
    null, null, null, null, null, null
from marts.focus_usage as line
where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
union all
select
    line.day, line.line_id, 'gpu', cast(line.day as timestamp), cast(line.day + 1 as timestamp), left(cast(line.day as varchar), 7),
    line.provider, 'GPU pool ' || coalesce(line.pool, '(none)'), null, null, null, null, null, null, line.device_id, 'GPU', line.team, null,
    null, null, null, 'gpu_hour', line.rate_id, null, null, line.commitment, case when line.commitment is not null then 'Used' end,
    line.commitment_quantity, case when line.commitment is not null then 'GPU-Hours' end, 'Usage', null, null,
    coalesce(line.gpu_model, 'GPU') || ', ' || line.state, 'computed', false, line.quantity, null, line.list_usd, line.contracted_usd,
    'USD', 0, line.list_cost_usd, line.contracted_cost_usd, line.effective_cost_usd, 0, line.effective_cost_usd, false, null, null,
    line.state, line.pool, line.gpu_model, null
from marts.focus_gpu as line
where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
union all
-- The price of what a commitment served stands on those rows.
select
    line.day, line.line_id, 'adjustment', cast(line.charge_day as timestamp), cast(line.charge_day + 1 as timestamp),
    left(cast(line.day as varchar), 7), line.provider, case when line.provider = 'gpu' then 'GPU instances' end, line.model,
    null, null, null, null, null, null, null, line.team, line.cost_centre, line.tenant, line.feature, null,
    case when line.commitment is not null then 'commitment' end, null, null, null, line.commitment, line.commitment_status,
    line.commitment_quantity,
    case line.commitment_unit when 'GPU seconds' then 'GPU-Hours' when 'weighted tokens' then 'Weighted Tokens' end, line.charge_category,
    line.charge_class, line.corrects_period, line.charge_description, 'computed', false, line.commitment_quantity,
    case line.commitment_unit when 'GPU seconds' then 'GPU-Hours' when 'weighted tokens' then 'Weighted Tokens' end, null, null, 'USD', 0,
    case when line.commitment is null then line.effective_cost_usd else 0 end,
    case when line.commitment is null then line.effective_cost_usd else 0 end, line.effective_cost_usd, 0, line.effective_cost_usd,
    line.commitment is not null, null, null, null, null, null, null
from marts.focus_adjustment as line
where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
union all
select
    line.day, line.line_id, case when line.line_id like 'beyond prices %' then 'beyond prices' else 'charge' end, line.starts_at,
    line.ends_at, line.billing_period, line.provider,
    case when line.scope = 'gpu' then coalesce(line.service_name, 'GPU instances') else line.service_name end, line.model, null,
    line.served_tier, line.region_id, line.billing_account_id, line.project_id, line.resource_id,
    case when line.resource_id is not null then 'Resource' end, null, null, null, null, null, line.meter, null, null, null, null, null,
    null, null, line.charge_category, line.charge_class, null, line.line_item, 'billed', false, line.quantity, line.quantity_unit, null,
    null, line.currency, line.billed_cost, line.list_cost, line.contracted_cost, line.effective_cost, line.billed_cost_usd,
    line.effective_cost_usd, line.is_explained, line.invoice_id, line.tags, null, null, null, line.unconverted_reason
from marts.focus_charge as line
where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
