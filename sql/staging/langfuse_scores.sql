/*
Langfuse scores as judgements, each once.

grain: one row per score and day; of several copies the one updated last counts
key: quality_id
daily: true
kind: quality
conserves: raw.langfuse_scores
*/
with ranked as (
    select
        score.*,
        row_number() over (
            partition by score.day, score.quality_id
            order by case when score.updated_at is null then 1 else 0 end, score.updated_at desc, score.occurred_at desc, score.file_id, score.line
        ) as place,
        count(*) over (partition by score.day, score.quality_id) as copies
    from raw.langfuse_scores as score
    where score.day >= getvariable('from_day') and score.day < getvariable('to_day')
)
select
    ranked.quality_id, ranked.day, ranked.occurred_at, ranked.source, ranked.signal, ranked.value, ranked.label, ranked.request_id,
    ranked.operation_id, ranked.session_id, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
