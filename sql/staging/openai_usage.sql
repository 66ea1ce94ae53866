/*
OpenAI usage buckets with exclusive token buckets; of a bucket exported twice the fuller one counts, for usage arrives late.

grain: one row per bucket and group
key: usage_id
daily: true
kind: usage
conserves: raw.openai_usage
*/
with named as (
    select
        result.*,
        md5(concat_ws('|', 'openai', result.kind, cast(result.bucket_at as varchar), result.group_id)) as usage_id
    from raw.openai_usage as result
    where result.day >= getvariable('from_day') and result.day < getvariable('to_day')
),
ranked as (
    select
        named.*,
        row_number() over (
            partition by named.day, named.usage_id
            order by named.all_input_tokens + named.output_tokens desc, named.requests desc, named.file_id, named.line
        ) as place,
        count(*) over (partition by named.day, named.usage_id) as copies
    from named
)
select
    ranked.usage_id, ranked.day, ranked.starts_at, ranked.ends_at, ranked.source, 'openai' as provider, ranked.model,
    case when ranked.is_batch then 'batch' when ranked.service_tier in ('default', 'auto') then 'standard' else ranked.service_tier end as served_tier,
    ranked.requests, ranked.all_input_tokens - ranked.cache_read_tokens - ranked.cache_write_tokens as input_tokens,
    ranked.cache_read_tokens, ranked.cache_write_tokens as cache_write_5m_tokens, ranked.output_tokens,
    ranked.key_id, ranked.project_id, ranked.user_id, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
