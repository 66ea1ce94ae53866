/*
The twenty sessions of each day with most calls, operations where no session is logged: the first suspects when calls go round in a loop.

grain: one row per day and rank
key: [day, place]
daily: true
book_days: true
*/
with thread as (
    select
        request.book_day, coalesce(request.session_id, request.operation_id) as session_id, request.session_id is not null as is_session,
        coalesce(request.team, 'unowned') as team, coalesce(request.tenant, '(none)') as tenant,
        coalesce(request.feature, '(none)') as feature, count(*) as requests
    from core.request as request
    where request.book_day >= getvariable('from_day') and request.book_day < getvariable('to_day')
    group by request.book_day, coalesce(request.session_id, request.operation_id), request.session_id is not null,
        coalesce(request.team, 'unowned'), coalesce(request.tenant, '(none)'), coalesce(request.feature, '(none)')
    having count(*) > 1
),
ranked as (
    select thread.*, row_number() over (
        partition by thread.book_day order by thread.requests desc, thread.session_id, thread.team, thread.tenant, thread.feature) as place
    from thread
),
longest as (select ranked.* from ranked where ranked.place <= 20),
spent as (
    select longest.book_day, longest.place, sum(cost.cost_usd) as cost_usd
    from longest
    inner join core.request as request
        on request.book_day = longest.book_day and coalesce(request.session_id, request.operation_id) = longest.session_id
        and coalesce(request.team, 'unowned') = longest.team and coalesce(request.tenant, '(none)') = longest.tenant
        and coalesce(request.feature, '(none)') = longest.feature
    inner join core.request_cost as cost on cost.day = request.day and cost.request_id = request.request_id
    group by longest.book_day, longest.place
)
select
    longest.book_day as day, cast(longest.place as integer) as place, longest.session_id, longest.is_session, longest.team, longest.tenant,
    longest.feature, cast(longest.requests as bigint) as requests, cast(spent.cost_usd as decimal(38,12)) as cost_usd
from longest
left join spent on spent.book_day = longest.book_day and spent.place = longest.place
