/*
How many records each source gave on a day, beside what it usually gives on that weekday: the median of the four before.

grain: one row per source, kind of record and day
key: [source, kind, day]
daily: true
lookback_days: 28
should:
  - status <> 'low'
  - status <> 'high'
*/
with counted as (
    select file_day.source, file_day.kind, file_day.day, cast(sum(file_day.rows_kept) as bigint) as rows_kept
    from core.file_day as file_day
    where file_day.day >= getvariable('from_day') - 28 and file_day.day < getvariable('to_day')
    group by file_day.source, file_day.kind, file_day.day
),
expected as (
    select calendar.day, stream.source, stream.kind, coalesce(counted.rows_kept, 0) as rows_kept
    from book.day as calendar
    inner join (select source, kind, min(day) as first_day from counted group by source, kind) as stream on stream.first_day <= calendar.day
    left join counted on counted.source = stream.source and counted.kind = stream.kind and counted.day = calendar.day
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
),
before as (
    select
        expected.day, expected.source, expected.kind, count(*) as weekdays,
        -- Of four figures, the mean of the middle two is the median.
        div_trunc(sum(counted.rows_kept) - min(counted.rows_kept) - max(counted.rows_kept), 2) as usual_rows
    from expected
    inner join counted on counted.source = expected.source and counted.kind = expected.kind
        and (counted.day = expected.day - 7 or counted.day = expected.day - 14 or counted.day = expected.day - 21 or counted.day = expected.day - 28)
    group by expected.day, expected.source, expected.kind
)
select
    expected.day, expected.source, expected.kind, expected.rows_kept,
    cast(case when before.weekdays = 4 then before.usual_rows end as bigint) as usual_rows,
    case when coalesce(before.weekdays, 0) < 4 then 'new' when expected.rows_kept * 2 < before.usual_rows then 'low'
        when expected.rows_kept > before.usual_rows * 2 then 'high' else 'usual' end as status
from expected
left join before on before.day = expected.day and before.source = expected.source and before.kind = expected.kind
where expected.rows_kept > 0 or before.weekdays = 4
