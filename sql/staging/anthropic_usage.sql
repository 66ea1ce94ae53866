/*
Anthropic usage buckets; of a bucket exported twice the fuller one counts, for usage arrives late.

grain: one row per bucket and group
key: usage_id
daily: true
kind: usage
conserves: raw.anthropic_usage
*/
with named as (
    select
        result.*,
        md5(concat_ws('|', 'anthropic', cast(result.bucket_at as varchar), result.group_id)) as usage_id
    from raw.anthropic_usage as result
    where result.day >= getvariable('from_day') and result.day < getvariable('to_day')
),
ranked as (
    select
        named.*,
        row_number() over (
            partition by named.day, named.usage_id
            order by named.input_tokens + named.cache_read_tokens + named.cache_write_5m_tokens + named.cache_write_1h_tokens + named.output_tokens desc,
                named.file_id, named.line
        ) as place,
        count(*) over (partition by named.day, named.usage_id) as copies
    from named
)
select
    ranked.usage_id, ranked.day, ranked.starts_at, ranked.ends_at, ranked.source, 'anthropic' as provider, ranked.model,
    case ranked.service_tier when 'priority_on_demand' then 'priority' when 'flex_discount' then 'flex' else ranked.service_tier
        end as served_tier,
    ranked.input_tokens, ranked.cache_read_tokens, ranked.cache_write_5m_tokens,
    ranked.cache_write_1h_tokens, ranked.output_tokens, ranked.key_id, ranked.workspace_id as project_id, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
