/*
Units of value attempted, whatever counts them: rows of outcome files and operations, each in the scope of its unit.

grain: one row per outcome
key: outcome_id
daily: true
*/
with outcome as (
    select
        outcome.outcome_id, outcome.day, outcome.book_day, outcome.occurred_at, outcome.unit, outcome.quantity, outcome.is_success,
        outcome.is_escalated, outcome.quality_score, outcome.operation_id, outcome.session_id, outcome.team, outcome.tenant,
        -- Of a unit of one feature, whatever feature its outcomes name.
        coalesce(unit.feature, outcome.feature) as feature, outcome.environment, outcome.experiment_arm
    from core.outcome as outcome
    left join book.unit as unit on unit.unit = outcome.unit
    where outcome.day >= getvariable('from_day') and outcome.day < getvariable('to_day') and coalesce(unit.source, 'outcomes') = 'outcomes'
),
named as (
    select distinct
        outcome.unit, coalesce(outcome.team, '') as team, coalesce(outcome.tenant, '') as tenant, coalesce(outcome.feature, '') as feature,
        coalesce(outcome.environment, '') as environment
    from outcome
),
held as (
    select
        named.*, scope.field, case scope.field when 'team' then named.team when 'tenant' then named.tenant when 'feature' then named.feature
            else named.environment end as value, scope.pattern
    from named
    inner join book.unit_scope as scope on scope.unit = named.unit and scope.field <> 'model'
),
-- What an outcome does not say speaks not against it.
fields as (
    select
        held.unit, held.team, held.tenant, held.feature, held.environment, held.field,
        max(case when held.value = '' or held.value like held.pattern escape '!' then 1 else 0 end) as fits
    from held
    group by held.unit, held.team, held.tenant, held.feature, held.environment, held.field
),
strange as (
    select distinct fields.unit, fields.team, fields.tenant, fields.feature, fields.environment from fields where fields.fits = 0
)
select
    outcome.outcome_id, outcome.day, outcome.book_day, outcome.occurred_at, false as is_request, outcome.unit, outcome.quantity,
    outcome.is_success, outcome.is_escalated, outcome.quality_score, outcome.operation_id, outcome.session_id, outcome.team, outcome.tenant,
    outcome.feature, outcome.environment, outcome.experiment_arm
from outcome
left join strange on strange.unit = outcome.unit and strange.team = coalesce(outcome.team, '') and strange.tenant = coalesce(outcome.tenant, '')
    and strange.feature = coalesce(outcome.feature, '') and strange.environment = coalesce(outcome.environment, '')
where strange.unit is null
union all
select
    counted.outcome_id, counted.day, counted.book_day, counted.occurred_at, true as is_request, counted.unit, counted.quantity,
    counted.is_success, false as is_escalated, cast(null as decimal(18,6)) as quality_score, counted.operation_id, counted.session_id,
    counted.team, counted.tenant, counted.feature, counted.environment, counted.experiment_arm
from core.request_unit as counted
where counted.day >= getvariable('from_day') and counted.day < getvariable('to_day')
