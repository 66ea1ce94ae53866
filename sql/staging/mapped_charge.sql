/*
Charges of files a mapping describes, each once.

grain: one row per record and day
key: charge_id
daily: true
kind: charge
conserves: raw.mapped_charge
*/
with ranked as (
    select
        record.*,
        row_number() over (
            partition by record.day, record.charge_id
            order by abs(record.billed_cost) desc, record.file_id, record.line
        ) as place,
        count(*) over (partition by record.day, record.charge_id) as copies
    from raw.mapped_charge as record
    where record.day >= getvariable('from_day') and record.day < getvariable('to_day')
)
select
    ranked.charge_id, ranked.day, ranked.starts_at, ranked.ends_at, ranked.source, ranked.provider, ranked.model, ranked.line_item,
    ranked.charge_category, ranked.charge_class, ranked.scope, upper(ranked.currency) as currency,
    ranked.billed_cost, ranked.list_cost, ranked.contracted_cost, ranked.effective_cost,
    ranked.billed_cost_in_usd, ranked.list_cost_in_usd, ranked.contracted_cost_in_usd, ranked.effective_cost_in_usd,
    ranked.quantity, ranked.quantity_unit, ranked.meter, ranked.tokens, ranked.served_tier, ranked.billing_period, ranked.invoice_id,
    ranked.billing_account_id, ranked.resource_id, ranked.service_name, ranked.region_id, ranked.commitment_status, ranked.tags,
    ranked.key_id, ranked.project_id, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
