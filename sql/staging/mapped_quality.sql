/*
Judgements of files a mapping describes, each once.

grain: one row per record and day
key: quality_id
daily: true
kind: quality
conserves: raw.mapped_quality
*/
with ranked as (
    select
        record.*,
        row_number() over (partition by record.day, record.quality_id order by record.occurred_at desc, record.file_id, record.line) as place,
        count(*) over (partition by record.day, record.quality_id) as copies
    from raw.mapped_quality as record
    where record.day >= getvariable('from_day') and record.day < getvariable('to_day')
)
select
    ranked.quality_id, ranked.day, ranked.occurred_at, ranked.source, ranked.signal, ranked.value, ranked.label, ranked.request_id,
    ranked.operation_id, ranked.session_id, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
