/*
Attempts, and the operations they were made for: what repeating and failing cost, and what the gateway's own cache spared. An operation
is counted where its last attempt was, with the cost of all of them; so the operations of a day cost what its attempts cost.

grain: one row per day, provider, model and feature
key: [day, provider, model, feature]
daily: true
book_days: true
must:
  - coalesce(cost_usd, 0) = first_attempt_cost_usd + repeated_attempt_cost_usd
  - day_difference_usd = 0
*/
-- Operations of one attempt, which most are, cost what it cost.
with several as (
    select cost.book_day, cost.operation_id, max(cost.attempt) as last_attempt, sum(cast(cost.cost_usd as decimal(38,12))) as cost_usd
    from core.request_cost as cost
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day')
    group by cost.book_day, cost.operation_id
    having count(*) > 1
),
ended as (
    select
        cost.book_day, cost.provider, cost.model, cost.feature, several.last_attempt, several.cost_usd,
        row_number() over (
            partition by cost.book_day, cost.operation_id order by cost.attempt desc, cost.started_at desc, cost.request_id desc
        ) as from_last
    from several
    inner join core.request_cost as cost on cost.book_day = several.book_day and cost.operation_id = several.operation_id
),
line as (
    select
        cost.book_day, cost.provider, cost.model, cost.feature, case when several.operation_id is null then 1 else 0 end as operations,
        case when several.operation_id is null and cost.attempt > 1 then 1 else 0 end as retried,
        case when several.operation_id is null then cast(cost.cost_usd as decimal(38,12)) end as operation_cost, 1 as attempts,
        cost.attempt, case when cost.status = 'failure' then 1 else 0 end as failed, case when cost.is_cache_hit then 1 else 0 end as hit,
        case when cost.cost_usd is null then 1 else 0 end as unpriced, cast(cost.cost_usd as decimal(38,12)) as cost_usd,
        cast(cost.uncertain_cost_usd as decimal(38,12)) as uncertain_cost_usd, cast(given.spared_usd as decimal(38,12)) as spared_usd
    from core.request_cost as cost
    left join several on several.book_day = cost.book_day and several.operation_id = cost.operation_id
    left join core.gateway_hit as given on cost.is_cache_hit and given.day = cost.day and given.request_id = cost.request_id
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day')
    union all
    select
        ended.book_day, ended.provider, ended.model, ended.feature, 1, case when ended.last_attempt > 1 then 1 else 0 end, ended.cost_usd,
        0, null, 0, 0, 0, null, null, null
    from ended where ended.from_last = 1
),
cell as (
    select
        line.book_day as day, coalesce(line.provider, '(none)') as provider, coalesce(line.model, '(none)') as model,
        coalesce(line.feature, '(none)') as feature, cast(sum(line.operations) as bigint) as operations,
        cast(sum(line.retried) as bigint) as retried_operations, cast(sum(line.operation_cost) as decimal(38,12)) as operation_cost_usd,
        cast(sum(line.attempts) as bigint) as attempts, cast(sum(line.failed) as bigint) as failed_attempts,
        cast(sum(line.unpriced) as bigint) as unpriced_attempts, cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd,
        cast(coalesce(sum(case when line.attempt = 1 then line.cost_usd end), 0) as decimal(38,12)) as first_attempt_cost_usd,
        cast(coalesce(sum(case when line.attempt > 1 then line.cost_usd end), 0) as decimal(38,12)) as repeated_attempt_cost_usd,
        cast(coalesce(sum(case when line.failed = 1 then line.cost_usd end), 0) as decimal(38,12)) as failed_attempt_cost_usd,
        cast(coalesce(sum(line.uncertain_cost_usd), 0) as decimal(38,12)) as uncertain_cost_usd,
        cast(sum(line.hit) as bigint) as cache_hits, cast(sum(line.spared_usd) as decimal(38,12)) as cache_hit_value_usd
    from line
    group by line.book_day, coalesce(line.provider, '(none)'), coalesce(line.model, '(none)'), coalesce(line.feature, '(none)')
)
select
    cell.day, cell.provider, cell.model, cell.feature, cell.operations, cell.retried_operations, cell.operation_cost_usd,
    cell.attempts, cell.failed_attempts, cell.unpriced_attempts, cell.cost_usd, cell.first_attempt_cost_usd,
    cell.repeated_attempt_cost_usd, cell.failed_attempt_cost_usd, cell.uncertain_cost_usd, cell.cache_hits, cell.cache_hit_value_usd,
    cast(coalesce(sum(cell.operation_cost_usd) over (partition by cell.day), 0)
        - coalesce(sum(cell.cost_usd) over (partition by cell.day), 0) as decimal(38,12)) as day_difference_usd
from cell
