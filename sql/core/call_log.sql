/*
Logs of calls that several tools logged, and of calls that were tried again: which log of a call counts, and which attempt it is.

grain: one row per log of a call that has others, or of an operation that has other calls
key: [request_id, file_id]
daily: true
*/
-- One answer of a provider is one call, however many tools logged it: the log that knows most of it counts. Few calls are logged twice or
-- tried again; to put all in order, in all their columns, was half of core.request.
with counted as (
    select
        staged.day, staged.request_id, staged.file_id, coalesce(staged.response_id, staged.request_id) as call_id, staged.operation_id,
        staged.started_at, staged.source, case when staged.reported_cost_usd is null then 1 else 0 end as lacks_cost,
        case when staged.team is null then 1 else 0 end as lacks_team,
        coalesce(staged.input_tokens, 0) + coalesce(staged.cache_read_tokens, 0) + coalesce(staged.output_tokens, 0) as tokens
    from staging.request as staged
    left join book.source as source on source.source = staged.source
    where staged.day >= getvariable('from_day') and staged.day < getvariable('to_day') and coalesce(source.is_counted, true)
),
call as (
    select day, call_id, count(*) as logs from counted group by day, call_id having count(*) > 1
),
operation as (
    select day, operation_id from counted where operation_id is not null group by day, operation_id having count(*) > 1
),
told as (
    select
        counted.*, coalesce(call.logs, 1) as logs, operation.operation_id as tried,
        call.call_id is null or row_number() over (
            partition by counted.day, counted.call_id
            order by counted.lacks_cost, counted.lacks_team, counted.tokens desc, counted.source, counted.request_id
        ) = 1 as is_counted
    from counted
    left join call on call.day = counted.day and call.call_id = counted.call_id
    left join operation on operation.day = counted.day and operation.operation_id = counted.operation_id
    where call.call_id is not null or operation.operation_id is not null
)
select
    request_id, file_id, day, is_counted, logs,
    case when is_counted and tried is not null
        then row_number() over (partition by day, tried, is_counted order by started_at, request_id) end as attempt
from told
