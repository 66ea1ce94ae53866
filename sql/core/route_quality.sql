/*
What is said of the quality of operations, by the model they began at: sums from which means and their spread follow over any days.

grain: one row per day on which it was said, day of the book, feature, model and signal
key: [day, book_day, feature, provider, model, signal]
daily: true
lookback_days: 1
must:
  - judgements > 0
*/
with judged as (
    select quality.day, quality.quality_id, quality.signal, quality.value,
        coalesce(quality.operation_id, quality.request_id) as operation_id
    from core.quality as quality
    where quality.day >= getvariable('from_day') and quality.day < getvariable('to_day') and quality.signal in ('rating', 'task_completed')
        and quality.value is not null
),
-- Of an operation that is judged, the first call of that day or the day before.
found as (
    select
        judged.day, judged.quality_id, judged.signal, judged.value, cost.book_day, cost.feature, cost.provider, cost.model,
        row_number() over (
            partition by judged.day, judged.quality_id, judged.signal order by cost.day desc, cost.attempt, cost.started_at, cost.request_id
        ) as choice
    from judged
    inner join core.request_cost as cost
        on cost.operation_id = judged.operation_id and cost.day >= judged.day - 1 and cost.day <= judged.day and not cost.is_cache_hit
)
select
    found.day, found.book_day, coalesce(found.feature, '(none)') as feature, coalesce(found.provider, '(none)') as provider,
    coalesce(found.model, '(none)') as model, found.signal, count(*) as judgements, cast(sum(found.value) as decimal(38,6)) as value_sum,
    cast(sum(cast(found.value as decimal(15,6)) * cast(found.value as decimal(15,6))) as decimal(38,12)) as square_sum
from found
where found.choice = 1
group by found.day, found.book_day, coalesce(found.feature, '(none)'), coalesce(found.provider, '(none)'),
    coalesce(found.model, '(none)'), found.signal
