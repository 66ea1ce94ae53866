/*
Operations that are units of value of themselves (`source: request` of units.yaml), as their last attempt ended.

grain: one row per unit of value, UTC day and operation
key: outcome_id
daily: true
*/
with request as (
    select
        request.request_id, request.operation_id, request.day, request.book_day, request.started_at, request.attempt, request.source, request.model,
        request.session_id, request.team, request.tenant, request.feature, request.environment, request.experiment_arm,
        request.status = 'success' and coalesce(request.finish_reason, 'stop') not in ('length', 'max_tokens', 'content_filter') as is_success
    from core.request as request
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day')
),
-- Patterns are held against each combination once, not against each request.
named as (
    select distinct
        coalesce(request.team, '') as team, coalesce(request.tenant, '') as tenant, coalesce(request.feature, '') as feature,
        coalesce(request.environment, '') as environment, coalesce(request.model, '') as model
    from request
),
asked as (
    select counted.unit, count(distinct scope.field) as fields
    from book.request_unit as counted
    inner join book.unit_scope as scope on scope.unit = counted.unit
    group by counted.unit
),
fitting as (
    select asked.unit, named.team, named.tenant, named.feature, named.environment, named.model
    from asked
    inner join book.unit_scope as scope on scope.unit = asked.unit
    inner join named on case scope.field when 'team' then named.team when 'tenant' then named.tenant when 'feature' then named.feature
        when 'environment' then named.environment else named.model end like scope.pattern escape '!'
    group by asked.unit, asked.fields, named.team, named.tenant, named.feature, named.environment, named.model
    having count(distinct scope.field) = asked.fields
),
ranked as (
    select
        request.*, fitting.unit, row_number() over (
            partition by fitting.unit, request.day, request.operation_id order by request.started_at desc, request.attempt desc, request.request_id desc
        ) as place
    from fitting
    inner join request on coalesce(request.team, '') = fitting.team and coalesce(request.tenant, '') = fitting.tenant
        and coalesce(request.feature, '') = fitting.feature and coalesce(request.environment, '') = fitting.environment
        and coalesce(request.model, '') = fitting.model
)
select
    -- An operation that goes on over midnight is one of either day: a day must not depend on the next.
    ranked.unit || '|' || cast(ranked.day as varchar) || '|' || ranked.operation_id as outcome_id, ranked.day, ranked.book_day,
    ranked.started_at as occurred_at, ranked.source, ranked.unit, cast(1 as bigint) as quantity, ranked.is_success, ranked.operation_id,
    ranked.session_id, ranked.team, ranked.tenant, ranked.feature, ranked.environment, ranked.experiment_arm
from ranked
where ranked.place = 1
