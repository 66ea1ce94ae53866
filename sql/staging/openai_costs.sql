/*
OpenAI cost lines as charges; of a line exported twice the larger amount counts, for costs arrive late.

grain: one row per day, line item and group
key: charge_id
daily: true
kind: charge
conserves: raw.openai_costs
*/
with named as (
    select
        result.*,
        md5(concat_ws('|', 'openai', cast(result.bucket_at as varchar), result.group_id,
            case when result.amount_usd < 0 then 'credit' else 'charge' end)) as charge_id
    from raw.openai_costs as result
    where result.day >= getvariable('from_day') and result.day < getvariable('to_day')
),
ranked as (
    select
        named.*,
        row_number() over (partition by named.day, named.charge_id order by abs(named.amount_usd) desc, named.quantity desc, named.file_id, named.line) as place,
        count(*) over (partition by named.day, named.charge_id) as copies
    from named
)
select
    ranked.charge_id, ranked.day, ranked.starts_at, ranked.ends_at, ranked.source, 'openai' as provider,
    case when ranked.quantity is not null and ranked.line_item like '%, %' then split_part(ranked.line_item, ', ', 1) end as model,
    ranked.line_item,
    case when lower(ranked.line_item) like '%credit%' then 'Credit' when lower(ranked.line_item) like '%tax%' then 'Tax' else 'Usage' end
        as charge_category,
    ranked.amount_usd as billed_cost_usd, ranked.quantity, ranked.quantity_unit, ranked.key_id, ranked.project_id, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
