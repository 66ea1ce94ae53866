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
            order by abs(record.billed_cost_usd) desc, record.file_id, record.line
        ) as place,
        count(*) over (partition by record.day, record.charge_id) as copies
    from raw.mapped_charge as record
    where record.day >= getvariable('from_day') and record.day < getvariable('to_day')
)
select
    ranked.charge_id, ranked.day, ranked.starts_at, ranked.source, ranked.ends_at, ranked.provider, ranked.model, ranked.line_item,
    ranked.charge_category, ranked.billed_cost_usd, ranked.quantity, ranked.quantity_unit, ranked.key_id, ranked.project_id,
    ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
