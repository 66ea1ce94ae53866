/*
Which request attempts stand behind which outcome, with their part of the cost: by operation, else by session, of its day and the day before.

grain: one row per outcome and request attempt
key: [outcome_id, request_id]
daily: true
lookback_days: 2
*/
with outcome as (
    select
        outcome.outcome_id, outcome.day, outcome.book_day, outcome.unit, outcome.is_request, outcome.operation_id, outcome.session_id,
        -- Units that see the same cost anew share with nobody.
        case when coalesce(unit.is_part, true) then '' else unit.unit end as rival
    from core.unit_outcome as outcome
    left join book.unit as unit on unit.unit = outcome.unit
    where outcome.day >= getvariable('from_day') - 1 and outcome.day < getvariable('to_day')
),
request as (
    select request.request_id, request.day, request.operation_id, request.session_id
    from core.request as request
    where request.day >= getvariable('from_day') - 2 and request.day < getvariable('to_day')
),
direct as (
    select
        outcome.outcome_id, outcome.day, outcome.book_day, outcome.unit, outcome.rival, request.request_id, request.day as request_day,
        case when request.day = outcome.day then 1 else 3 end as distance
    from outcome
    inner join request on request.operation_id = outcome.operation_id
    where request.day = outcome.day or (request.day = outcome.day - 1 and not outcome.is_request)
),
found as (
    select direct.* from direct
    union all
    select
        outcome.outcome_id, outcome.day, outcome.book_day, outcome.unit, outcome.rival, request.request_id, request.day as request_day,
        case when request.day = outcome.day then 2 else 4 end as distance
    from outcome
    inner join request on request.session_id = outcome.session_id
    left join (select distinct direct.outcome_id from direct) as named on named.outcome_id = outcome.outcome_id
    where (request.day = outcome.day or request.day = outcome.day - 1) and not outcome.is_request and named.outcome_id is null
),
-- An attempt is of the first day that has an outcome of it, and there of those that name its operation: no dollar is told twice.
closest as (
    select found.*, min(found.distance) over (partition by found.rival, found.request_id, found.request_day) as least_distance
    from found
),
-- Several outcomes of one attempt share it evenly; what does not divide goes to the first, a pico-dollar each.
shared as (
    select
        closest.*, count(*) over (partition by closest.rival, closest.request_id, closest.request_day) as outcomes,
        row_number() over (partition by closest.rival, closest.request_id, closest.request_day order by closest.outcome_id) as place
    from closest
    where closest.distance = closest.least_distance
),
cost as (
    select
        cost.request_id, cost.day, cost.book_day, cost.started_at, cost.attempt, cost.status, cost.team, cost.tenant, cost.feature, cost.environment,
        cost.model, cost.experiment_arm, row_pico(cost.cost_usd) as pico
    from core.request_cost as cost
    where cost.day >= getvariable('from_day') - 1 and cost.day < getvariable('to_day')
)
select
    shared.outcome_id, shared.day, shared.book_day, shared.unit, shared.request_id, shared.request_day, cost.book_day as request_book_day,
    cost.started_at, cost.attempt, cost.status, cost.team, cost.tenant, cost.feature, cost.environment, cost.model, cost.experiment_arm,
    row_usd(div_trunc(cost.pico, shared.outcomes) + case when shared.place <= cost.pico % shared.outcomes then 1 else 0 end) as cost_usd
from shared
inner join cost on cost.request_id = shared.request_id and cost.day = shared.request_day
where shared.day >= getvariable('from_day') and shared.day < getvariable('to_day')
