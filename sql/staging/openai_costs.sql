/*
OpenAI cost lines as charges; of several exports of one day the fullest counts, and only one way of grouping.

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
            case when result.amount < 0 then 'credit' else 'charge' end)) as charge_id,
        -- Projects are told apart only where every export names them, currencies always.
        case when min(case when result.signature like '%project_id%' then 1 else 0 end) over (partition by result.day) = 1
            then coalesce(result.project_id, '') else '' end || ' ' || result.currency as scope
    from raw.openai_costs as result
    where result.day >= getvariable('from_day') and result.day < getvariable('to_day')
),
ranked as (
    select
        named.*,
        row_number() over (
            partition by named.day, named.signature, named.charge_id
            order by abs(named.amount) desc, named.quantity desc, named.file_id, named.line
        ) as place,
        count(*) over (partition by named.day, named.signature, named.charge_id) as copies,
        count(*) over (partition by named.day, named.scope) as all_rows
    from named
),
-- Credits count like charges here: an export that shows them apart is fuller than one that has them netted.
cut as (
    select
        ranked.day, ranked.scope, ranked.signature,
        row_number() over (
            partition by ranked.day, ranked.scope
            order by sum(abs(ranked.amount)) desc, max(ranked.dimensions) desc, max(ranked.bucket_seconds), ranked.signature
        ) as place
    from ranked
    where ranked.place = 1
    group by ranked.day, ranked.scope, ranked.signature
),
kept as (
    select
        ranked.*,
        case replace(split_part(ranked.line_item, ', ', 2), 'batch ', '') when 'input' then 'input' when 'input_tokens' then 'input'
            when 'output' then 'output' when 'output_tokens' then 'output' when 'cached input' then 'cache_read'
            when 'cached_input_tokens' then 'cache_read' end as meter,
        row_number() over (partition by ranked.day, ranked.scope order by ranked.charge_id) as number,
        sum(ranked.copies) over (partition by ranked.day, ranked.scope) as kept_rows
    from ranked
    inner join cut on cut.place = 1 and cut.day = ranked.day and cut.scope = ranked.scope and cut.signature = ranked.signature
    where ranked.place = 1
)
select
    kept.charge_id, kept.day, kept.starts_at, kept.ends_at, kept.source, 'openai' as provider,
    case when kept.line_item like '%, %' and (kept.quantity is not null or kept.meter is not null)
        then replace(split_part(kept.line_item, ', ', 1), ' batch', '') end as model,
    kept.line_item,
    case when kept.amount < 0 or lower(kept.line_item) like '%credit%' then 'Credit' when lower(kept.line_item) like '%tax%' then 'Tax'
        else 'Usage' end as charge_category,
    kept.currency, kept.amount as billed_cost, kept.quantity, kept.quantity_unit, kept.meter, kept.tokens,
    case when kept.line_item like '% batch, %' or kept.line_item like '%, batch %' then 'batch' end as served_tier, kept.key_id, kept.project_id,
    kept.file_id, cast(kept.copies + case when kept.number = 1 then kept.all_rows - kept.kept_rows else 0 end as bigint) as copies
from kept
