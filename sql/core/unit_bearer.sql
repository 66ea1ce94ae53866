/*
Which units of value bear which part of the fully loaded cost: all cost in the scope of a unit.

grain: one row per day of the book, unit of value, and team, tenant, feature, environment, model and experiment arm of the cost
key: [day, unit, team, tenant, feature, environment, model, experiment_arm]
daily: true
*/
with cell as (
    select
        cost.day, cost.team, cost.tenant, cost.feature, cost.environment, cost.model, cost.experiment_arm,
        -- In nano-dollars, so that products fit.
        cast(div_trunc(to_pico(cost.api_cost_usd), 1000) as decimal(18,0)) as nano
    from core.loaded_cost as cost
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
),
asked as (
    select unit.unit, unit.is_part, count(distinct scope.field) as fields
    from book.unit as unit
    left join book.unit_scope as scope on scope.unit = unit.unit
    group by unit.unit, unit.is_part
),
fitting as (
    select
        scope.unit, cell.day, cell.team, cell.tenant, cell.feature, cell.environment, cell.model, cell.experiment_arm, cell.nano,
        count(distinct scope.field) as fields
    from book.unit_scope as scope
    inner join cell on case scope.field when 'team' then cell.team when 'tenant' then cell.tenant when 'feature' then cell.feature
        when 'environment' then cell.environment else cell.model end like scope.pattern escape '!'
    group by scope.unit, cell.day, cell.team, cell.tenant, cell.feature, cell.environment, cell.model, cell.experiment_arm, cell.nano
),
-- Those that the book does not name bear the features that their outcomes name, on their days.
unnamed as (
    select distinct counted.day, counted.unit, counted.feature
    from core.unit_count as counted
    left join asked on asked.unit = counted.unit
    where counted.day >= getvariable('from_day') and counted.day < getvariable('to_day') and asked.unit is null
)
select
    fitting.day, fitting.unit, asked.is_part, fitting.team, fitting.tenant, fitting.feature, fitting.environment, fitting.model,
    fitting.experiment_arm, fitting.nano as api_nano
from fitting
inner join asked on asked.unit = fitting.unit and asked.fields = fitting.fields
union all
select
    cell.day, asked.unit, asked.is_part, cell.team, cell.tenant, cell.feature, cell.environment, cell.model, cell.experiment_arm,
    cell.nano as api_nano
from asked
inner join cell on asked.fields = 0
union all
select
    cell.day, unnamed.unit, true as is_part, cell.team, cell.tenant, cell.feature, cell.environment, cell.model, cell.experiment_arm,
    cell.nano as api_nano
from unnamed
inner join cell on cell.day = unnamed.day and cell.feature = unnamed.feature
