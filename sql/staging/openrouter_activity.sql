/*
Sums of OpenRouter's activity API; of several answers for one day the fullest counts, and only one way of grouping.

grain: one row per day, model, endpoint and host
key: usage_id
daily: true
kind: usage
conserves: raw.openrouter_activity
*/
with named as (
    select
        result.*, result.all_input_tokens + result.output_tokens as total,
        md5(concat_ws('|', 'openrouter', cast(result.bucket_at as varchar), result.group_id)) as usage_id,
        -- Workspaces are told apart only where every answer names them.
        case when min(case when result.signature like '%workspace_id%' then 1 else 0 end) over (partition by result.day) = 1
            then coalesce(result.workspace_id, '') else '' end as scope
    from raw.openrouter_activity as result
    where result.day >= getvariable('from_day') and result.day < getvariable('to_day')
),
ranked as (
    select
        named.*,
        row_number() over (
            partition by named.day, named.signature, named.usage_id
            order by named.total desc, named.reported_cost_usd desc, named.requests desc, named.file_id, named.line
        ) as place,
        count(*) over (partition by named.day, named.signature, named.usage_id) as copies,
        count(*) over (partition by named.day, named.scope) as all_rows
    from named
),
cut as (
    select
        ranked.day, ranked.scope, ranked.signature,
        row_number() over (
            partition by ranked.day, ranked.scope order by sum(ranked.total) desc, max(ranked.dimensions) desc, ranked.signature
        ) as place
    from ranked
    where ranked.place = 1
    group by ranked.day, ranked.scope, ranked.signature
),
kept as (
    select
        ranked.*,
        row_number() over (partition by ranked.day, ranked.scope order by ranked.usage_id) as number,
        sum(ranked.copies) over (partition by ranked.day, ranked.scope) as kept_rows
    from ranked
    inner join cut on cut.place = 1 and cut.day = ranked.day and cut.scope = ranked.scope and cut.signature = ranked.signature
    where ranked.place = 1
)
select
    kept.usage_id, kept.day, kept.starts_at, kept.ends_at, kept.source, 'openrouter' as provider, kept.model, kept.requests,
    kept.all_input_tokens - coalesce(kept.cache_read_tokens, 0) as input_tokens, kept.cache_read_tokens, kept.output_tokens,
    -- OpenRouter is who bills; still, a zero without a reason is a price nobody knew.
    case when kept.reported_cost_usd > 0 or kept.is_free or kept.all_input_tokens + kept.output_tokens = 0 then kept.reported_cost_usd
        end as reported_cost_usd,
    kept.workspace_id as project_id, kept.file_id,
    cast(kept.copies + case when kept.number = 1 then kept.all_rows - kept.kept_rows else 0 end as bigint) as copies
from kept
