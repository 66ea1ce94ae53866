/*
Lines of FOCUS bills; credits that a cost leaves out are taken off it.

grain: one row per line of a bill
key: charge_id
daily: true
kind: charge
conserves: raw.focus
*/
select
    concat_ws('-', line.file_id, cast(line.line as varchar)) as charge_id, line.day, line.starts_at, line.ends_at, line.source,
    line.provider, line.model, line.line_item, line.charge_category, line.charge_class, line.scope,
    line.currency, cast(line.billed_cost + coalesce(line.credit_billed, 0) as decimal(38,12)) as billed_cost,
    line.list_amount as list_cost, line.contracted_amount as contracted_cost,
    cast(line.effective_amount + coalesce(line.credit_effective, 0) as decimal(38,12)) as effective_cost,
    -- Credits stand in the billing currency only.
    case when coalesce(line.credit_billed, 0) = 0 then line.billed_in_usd end as billed_cost_in_usd,
    case when line.list_amount is not null then line.list_in_usd end as list_cost_in_usd,
    case when line.contracted_amount is not null then line.contracted_in_usd end as contracted_cost_in_usd,
    case when coalesce(line.credit_effective, 0) = 0 and line.effective_amount is not null then line.effective_in_usd end
        as effective_cost_in_usd,
    line.quantity, line.quantity_unit, line.meter, line.tokens, line.served_tier, line.billing_period, line.invoice_id,
    line.billing_account_id, line.resource_id, line.service_name, line.region_id, line.commitment_status, line.tags,
    line.key_id, line.sub_account_id as project_id, line.file_id, cast(1 as bigint) as copies
from raw.focus as line
where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
