/*
Activity downloaded from the OpenAI dashboard; of several downloads of one time the fullest counts, and only one way of grouping.

grain: one row per bucket and group
key: usage_id
daily: true
kind: usage
conserves: raw.openai_activity_csv
*/
with named as (
    select
        result.*,
        coalesce(result.quantity, result.all_tokens) as total,
        md5(concat_ws('|', 'openai_dashboard', result.kind, cast(result.bucket_at as varchar), result.group_id)) as usage_id,
        -- Projects are told apart only where every export names them.
        case when min(case when result.signature like '%project_id%' then 1 else 0 end) over (partition by result.day, result.kind) = 1
            then coalesce(result.project_id, '') else '' end as scope
    from raw.openai_activity_csv as result
    where result.day >= getvariable('from_day') and result.day < getvariable('to_day')
),
ranked as (
    select
        named.*,
        row_number() over (
            partition by named.day, named.signature, named.usage_id order by named.total desc, named.requests desc, named.file_id, named.line
        ) as place,
        count(*) over (partition by named.day, named.signature, named.usage_id) as copies,
        count(*) over (partition by named.day, named.kind, named.scope) as all_rows
    from named
),
bucket as (
    select
        ranked.day, ranked.kind, ranked.scope, ranked.bucket_seconds, ranked.bucket_at, ranked.signature,
        max(ranked.dimensions) as dimensions, sum(ranked.total) as total
    from ranked
    where ranked.place = 1
    group by ranked.day, ranked.kind, ranked.scope, ranked.bucket_seconds, ranked.bucket_at, ranked.signature
),
-- Pages of one export may part a day, and differ in which dimensions have values: groupings compete bucket by bucket, widths by the day.
cut as (
    select bucket.*,
        row_number() over (
            partition by bucket.day, bucket.kind, bucket.scope, bucket.bucket_seconds, bucket.bucket_at
            order by bucket.total desc, bucket.dimensions desc, bucket.signature
        ) as place
    from bucket
),
width as (
    select
        cut.day, cut.kind, cut.scope, cut.bucket_seconds,
        row_number() over (
            partition by cut.day, cut.kind, cut.scope
            order by sum(cut.total) desc, max(cut.dimensions) desc, cut.bucket_seconds
        ) as place
    from cut
    where cut.place = 1
    group by cut.day, cut.kind, cut.scope, cut.bucket_seconds
),
kept as (
    select
        ranked.*,
        row_number() over (partition by ranked.day, ranked.kind, ranked.scope order by ranked.usage_id) as number,
        sum(ranked.copies) over (partition by ranked.day, ranked.kind, ranked.scope) as kept_rows
    from ranked
    inner join cut
        on cut.place = 1 and cut.day = ranked.day and cut.kind = ranked.kind and cut.scope = ranked.scope
        and cut.bucket_at = ranked.bucket_at and cut.signature = ranked.signature
    inner join width
        on width.place = 1 and width.day = ranked.day and width.kind = ranked.kind and width.scope = ranked.scope
        and width.bucket_seconds = ranked.bucket_seconds
    where ranked.place = 1
)
select
    kept.usage_id, kept.day, kept.starts_at, kept.ends_at, kept.source, 'openai' as provider, kept.model,
    kept.served_tier, kept.requests, kept.input_tokens, kept.cache_read_tokens, kept.cache_write_5m_tokens, kept.cache_write_12h_tokens,
    kept.output_tokens, kept.audio_input_tokens, kept.audio_cache_read_tokens, kept.audio_output_tokens, kept.image_input_tokens,
    kept.image_cache_read_tokens, kept.image_output_tokens, cast(kept.quantity as decimal(38,6)) as quantity, kept.quantity_unit,
    kept.key_id, kept.project_id, kept.user_id, kept.file_id,
    cast(kept.copies + case when kept.number = 1 then kept.all_rows - kept.kept_rows else 0 end as bigint) as copies
from kept
