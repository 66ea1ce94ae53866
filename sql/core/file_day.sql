/*
What of each input file reached the common shapes, by day: its source, rows kept, and the raw rows they stand for.

grain: one row per input file, kind of record and day
key: [file_id, kind, day]
daily: true
*/
with kept as (
    select day, file_id, source, 'request' as kind, copies, 1 as stands_for from staging.request
    union all
    select day, file_id, source, 'usage' as kind, copies, 1 as stands_for from staging.usage
    union all
    select day, file_id, source, 'charge' as kind, copies, 1 as stands_for from staging.charge
    union all
    select day, file_id, source, 'gpu_sample' as kind, copies, coalesce(cast(bit_count(slots) as bigint), 1) as stands_for
    from staging.gpu_sample
    union all
    select day, file_id, source, 'outcome' as kind, copies, 1 as stands_for from staging.outcome
    union all
    select day, file_id, source, 'quality' as kind, copies, 1 as stands_for from staging.quality
    union all
    select day, file_id, source, 'trace' as kind, copies, 1 as stands_for from staging.trace
    union all
    select day, file_id, source, 'job' as kind, copies, 1 as stands_for from staging.job
)
select
    kept.file_id, kept.kind, kept.day, max(kept.source) as source, cast(sum(kept.stands_for) as bigint) as rows_kept,
    cast(sum(kept.copies) as bigint) as copies
from kept
where kept.day >= getvariable('from_day') and kept.day < getvariable('to_day')
group by kept.file_id, kept.kind, kept.day
