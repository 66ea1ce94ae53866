/*
Anthropic cost lines as charges; of several exports of one day the fullest counts, and only one way of grouping.

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
            case when result.amount < 0 then 'credit' else 'charge' end)) as charge_id,
        -- Workspaces are told apart only where every export names some; the default workspace has no name. Currencies always.
        case when min(case when result.signature like '%workspace_id%' then 1 else 0 end) over (partition by result.day) = 1
            then coalesce(result.workspace_id, '') else '' end || ' ' || result.currency as scope
    from raw.anthropic_costs as result
    where result.day >= getvariable('from_day') and result.day < getvariable('to_day')
),
ranked as (
    select
        named.*,
        row_number() over (
            partition by named.day, named.signature, named.charge_id order by abs(named.amount) desc, named.file_id, named.line
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
        row_number() over (partition by ranked.day, ranked.scope order by ranked.charge_id) as number,
        sum(ranked.copies) over (partition by ranked.day, ranked.scope) as kept_rows
    from ranked
    inner join cut on cut.place = 1 and cut.day = ranked.day and cut.scope = ranked.scope and cut.signature = ranked.signature
    where ranked.place = 1
)
select
    kept.charge_id, kept.day, kept.starts_at, kept.ends_at, kept.source, 'anthropic' as provider,
    kept.model, kept.description as line_item, case when kept.amount < 0 then 'Credit' else 'Usage' end as charge_category,
    kept.currency, kept.amount as billed_cost,
    case kept.token_type when 'uncached_input_tokens' then 'input' when 'cache_read_input_tokens' then 'cache_read'
        when 'cache_creation.ephemeral_5m_input_tokens' then 'cache_write_5m'
        when 'cache_creation.ephemeral_1h_input_tokens' then 'cache_write_1h' when 'output_tokens' then 'output' else kept.cost_type end as meter,
    kept.service_tier as served_tier, kept.workspace_id as project_id,
    kept.file_id, cast(kept.copies + case when kept.number = 1 then kept.all_rows - kept.kept_rows else 0 end as bigint) as copies
from kept
