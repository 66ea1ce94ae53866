/*
Feedback as judgements, each once.

grain: one row per judgement, signal and day; of several copies the latest counts
key: [quality_id, signal]
daily: true
kind: quality
conserves: raw.feedback
*/
with ranked as (
    select
        given.*,
        row_number() over (
            partition by given.day, given.quality_id, given.signal order by given.occurred_at desc, given.file_id, given.line
        ) as place,
        count(*) over (partition by given.day, given.quality_id, given.signal) as copies
    from raw.feedback as given
    where given.day >= getvariable('from_day') and given.day < getvariable('to_day')
)
select
    ranked.quality_id, ranked.day, ranked.occurred_at, ranked.source, ranked.signal, ranked.value, ranked.label, ranked.request_id,
    ranked.operation_id, ranked.session_id, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
