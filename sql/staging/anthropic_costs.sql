/*
Anthropic cost lines as charges, in dollars; of a line exported twice the larger amount counts, for costs arrive late.

grain: one row per day, line and group
key: charge_id
daily: true
kind: charge
conserves: raw.anthropic_costs
*/
with named as (
    select
        result.*,
        md5(concat_ws('|', 'anthropic', cast(result.bucket_at as varchar), result.group_id,
            case when result.amount_usd < 0 then 'credit' else 'charge' end)) as charge_id
    from raw.anthropic_costs as result
    where result.day >= getvariable('from_day') and result.day < getvariable('to_day')
),
ranked as (
    select
        named.*,
        row_number() over (partition by named.day, named.charge_id order by abs(named.amount_usd) desc, named.file_id, named.line) as place,
        count(*) over (partition by named.day, named.charge_id) as copies
    from named
)
select
    ranked.charge_id, ranked.day, ranked.starts_at, ranked.ends_at, ranked.source, 'anthropic' as provider, ranked.model,
    ranked.description as line_item, case when ranked.amount_usd < 0 then 'Credit' else 'Usage' end as charge_category,
    ranked.amount_usd as billed_cost_usd, ranked.workspace_id as project_id, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
