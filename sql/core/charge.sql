/*
What providers billed, line by line, as FOCUS charges.

grain: one row per line of a bill
key: charge_id
daily: true
must:
  - billed_cost_usd is not null
*/
select
    charge_id, day, starts_at, ends_at, source, provider, model, line_item, coalesce(charge_category, 'Usage') as charge_category,
    billed_cost_usd, quantity, quantity_unit, key_id, project_id, file_id
from staging.charge
where day >= getvariable('from_day') and day < getvariable('to_day')
