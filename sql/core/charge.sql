/*
What providers billed, line by line, as FOCUS charges.

grain: one row per line of a bill
key: charge_id
daily: true
must:
  - billed_cost_usd is not null
  - scope in ('model', 'gpu', 'other')
*/
select
    charge.charge_id, charge.day, charge.starts_at, charge.ends_at, charge.source, charge.provider, charge.model, charge.line_item,
    coalesce(charge.charge_category, 'Usage') as charge_category, charge.charge_class, coalesce(charge.scope, 'model') as scope,
    -- Whose price it is held against: GPU instances against the GPU hours of every cloud, model charges against their provider's.
    case coalesce(charge.scope, 'model') when 'gpu' then 'gpu instances' when 'model' then coalesce(charge.provider, '(none)') end as billed_as,
    charge.billed_cost_usd, charge.list_cost_usd, charge.contracted_cost_usd, charge.effective_cost_usd,
    -- Who used a commitment bears its amortised cost; where a bill has no amortised view, what was billed.
    coalesce(charge.effective_cost_usd, charge.billed_cost_usd) as cost_usd,
    charge.quantity, charge.quantity_unit, charge.meter, charge.tokens, charge.served_tier, charge.billing_period, charge.invoice_id,
    charge.billing_account_id, charge.resource_id, charge.service_name, charge.region_id, charge.commitment_status, charge.tags,
    charge.key_id, charge.project_id, charge.file_id
from staging.charge as charge
left join book.source as source on source.source = charge.source
where charge.day >= getvariable('from_day') and charge.day < getvariable('to_day') and coalesce(source.is_counted, true)
