/*
What was done with Claude Code as signals of quality; of several exports of one day the larger value counts, for a day still grows.

grain: one row per day, actor, signal and label
key: quality_id
daily: true
kind: quality
conserves: raw.anthropic_claude_code
*/
with named as (
    select
        record.*,
        md5(concat_ws('|', 'claude_code', cast(record.bucket_at as varchar), record.group_id)) as quality_id
    from raw.anthropic_claude_code as record
    where record.day >= getvariable('from_day') and record.day < getvariable('to_day')
),
ranked as (
    select
        named.*,
        row_number() over (partition by named.day, named.quality_id order by named.value desc, named.file_id, named.line) as place,
        count(*) over (partition by named.day, named.quality_id) as copies
    from named
)
select
    ranked.quality_id, ranked.day, ranked.starts_at as occurred_at, ranked.source, ranked.signal, ranked.value, ranked.label, ranked.file_id,
    ranked.copies
from ranked
where ranked.place = 1
