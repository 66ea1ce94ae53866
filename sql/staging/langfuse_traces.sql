/*
Langfuse traces: whose the calls of an operation are. They are no calls, and add no money.

grain: one row per trace and day; of several copies the one updated last counts
key: operation_id
daily: true
kind: trace
conserves: raw.langfuse_traces
*/
with ranked as (
    select
        trace.*,
        row_number() over (
            partition by trace.day, trace.operation_id
            order by case when trace.updated_at is null then 1 else 0 end, trace.updated_at desc, trace.started_at desc, trace.file_id, trace.line
        ) as place,
        count(*) over (partition by trace.day, trace.operation_id) as copies
    from raw.langfuse_traces as trace
    where trace.day >= getvariable('from_day') and trace.day < getvariable('to_day')
)
select
    ranked.operation_id, ranked.day, ranked.started_at, ranked.source, ranked.project_id, ranked.user_id, ranked.session_id, ranked.team,
    ranked.tenant, ranked.feature, ranked.environment, ranked.experiment_arm, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
