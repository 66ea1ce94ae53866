/*
How far each minimum spend of a provider is reached, month to date, and what of it is short.

grain: one row per day and minimum
key: [day, minimum]
daily: true
*/
select
    least.day, least.minimum, least.provider, least.owner, least.due_usd, least.spent_usd, least.shortfall_usd, least.accrued_usd
from core.minimum_spend as least
where least.day >= getvariable('from_day') and least.day < getvariable('to_day')
