/*
Which model a feature's operations began at and how they ended: answered there, passed on to another model, or said to have been.

grain: one row per day, day of the book, feature, model as called and as its card names it, and tier
key: [day, book_day, feature, provider, model, served_tier, card_provider, card_model]
daily: true
must:
  - accepted_operations <= tried_operations and escalated_operations <= tried_operations
*/
with several as (
    select
        cost.day, cost.operation_id, min(coalesce(cost.provider, '') || '|' || coalesce(cost.model, ''))
            <> max(coalesce(cost.provider, '') || '|' || coalesce(cost.model, '')) as is_passed_on,
        max(case when cost.status = 'success' then 1 else 0 end) as answered, sum(cast(cost.cost_usd as decimal(38,12))) as cost_usd
    from core.request_cost as cost
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day') and not cost.is_cache_hit
    group by cost.day, cost.operation_id
    having count(*) > 1
),
first as (
    select cost.day, cost.request_id, row_number() over (
        partition by cost.day, cost.operation_id order by cost.attempt, cost.started_at, cost.request_id
    ) as choice
    from several
    inner join core.request_cost as cost on cost.day = several.day and cost.operation_id = several.operation_id and not cost.is_cache_hit
),
-- What calls say of themselves: answered by a fallback, or escalated.
said as (
    select distinct quality.day, quality.request_id
    from core.quality as quality
    where quality.day >= getvariable('from_day') and quality.day < getvariable('to_day') and quality.request_id is not null
        and quality.signal in ('fallback', 'escalated') and quality.value > 0
),
call as (
    select
        cost.*, several.operation_id as several_id, several.is_passed_on, several.answered, several.cost_usd as operation_usd,
        said.request_id is not null as is_said, case when several.operation_id is null or first.choice = 1 then 1 else 0 end as place
    from core.request_cost as cost
    left join several on several.day = cost.day and several.operation_id = cost.operation_id
    left join first on first.day = cost.day and first.request_id = cost.request_id
    left join said on said.day = cost.day and said.request_id = cost.request_id
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day') and not cost.is_cache_hit
),
judged as (
    -- An operation that nobody answered says nothing of its model.
    select
        call.*, case when place = 1 and (case when several_id is null then case when status = 'success' then 1 else 0 end
            else answered end = 1
            or is_passed_on) then 1 else 0 end as tried,
        case when place = 1 and is_passed_on then 1 else 0 end as passed_on
    from call
)
select
    judged.day, judged.book_day, coalesce(judged.feature, '(none)') as feature, coalesce(judged.provider, '(none)') as provider,
    coalesce(judged.model, '(none)') as model, judged.served_tier, coalesce(price.provider, '(none)') as card_provider,
    coalesce(price.model, '(none)') as card_model, count(*) as requests,
    count(case when judged.status = 'failure' then 1 end) as failed_requests,
    cast(coalesce(sum(judged.cost_usd), 0) as decimal(38,12)) as cost_usd,
    cast(sum(coalesce(judged.input_tokens, 0)) as bigint) as input_tokens,
    cast(sum(coalesce(judged.cache_read_tokens, 0)) as bigint) as cache_read_tokens,
    cast(sum(coalesce(judged.cache_write_5m_tokens, 0)) as bigint) as cache_write_5m_tokens,
    cast(sum(coalesce(judged.cache_write_1h_tokens, 0)) as bigint) as cache_write_1h_tokens,
    cast(sum(coalesce(judged.output_tokens, 0)) as bigint) as output_tokens,
    cast(sum(coalesce(judged.reasoning_tokens, 0)) as bigint) as reasoning_tokens,
    cast(sum(judged.tried) as bigint) as tried_operations, cast(sum(judged.passed_on) as bigint) as escalated_operations,
    count(case when judged.is_said then 1 end) as fallback_requests,
    cast(sum(case when judged.passed_on = 1 or judged.is_said then 0 else judged.tried end) as bigint) as accepted_operations,
    cast(coalesce(sum(case when judged.passed_on = 1 then judged.operation_usd end), 0) as decimal(38,12)) as escalated_cost_usd
from judged
left join core.lever_price as price on price.day = judged.day and price.rate_id = judged.rate_id
group by judged.day, judged.book_day, coalesce(judged.feature, '(none)'), coalesce(judged.provider, '(none)'),
    coalesce(judged.model, '(none)'),
    judged.served_tier, coalesce(price.provider, '(none)'), coalesce(price.model, '(none)')
