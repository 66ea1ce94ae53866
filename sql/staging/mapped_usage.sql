/*
Provider usage of files a mapping describes, each once.

grain: one row per record and day
key: usage_id
daily: true
kind: usage
conserves: raw.mapped_usage
*/
with ranked as (
    select
        record.*,
        row_number() over (
            partition by record.day, record.usage_id
            order by coalesce(record.input_tokens, 0) + coalesce(record.cache_read_tokens, 0) + coalesce(record.output_tokens, 0)
                + coalesce(record.audio_input_tokens, 0) + coalesce(record.audio_output_tokens, 0) + coalesce(record.image_input_tokens, 0)
                + coalesce(record.image_output_tokens, 0) desc, coalesce(record.quantity, 0) desc, record.file_id, record.line
        ) as place,
        count(*) over (partition by record.day, record.usage_id) as copies
    from raw.mapped_usage as record
    where record.day >= getvariable('from_day') and record.day < getvariable('to_day')
)
select
    ranked.usage_id, ranked.day, ranked.starts_at, ranked.source, ranked.ends_at, ranked.provider, ranked.model, ranked.served_tier,
    ranked.region, ranked.requests, ranked.input_tokens, ranked.cache_read_tokens, ranked.cache_write_5m_tokens,
    ranked.cache_write_1h_tokens, ranked.cache_write_12h_tokens, ranked.audio_input_tokens, ranked.audio_cache_read_tokens,
    ranked.image_input_tokens, ranked.image_cache_read_tokens, ranked.video_input_tokens, ranked.output_tokens, ranked.audio_output_tokens,
    ranked.image_output_tokens, ranked.searches, ranked.quantity, ranked.quantity_unit, ranked.reported_cost_usd, ranked.key_id,
    ranked.key_alias, ranked.project_id, ranked.account_id, ranked.user_id, ranked.team, ranked.tenant, ranked.feature, ranked.environment,
    ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
