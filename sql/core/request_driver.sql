/*
What drives the cost of logged requests: operations, calls, attempts, tokens and dollars by meter, as counts that add up over owners.

grain: one row per day, owner, model, tier, meter and whether it has a price; meter '' holds operations, calls, attempts and plain tokens
key: [day, team, tenant, feature, provider, model, served_tier, meter, is_priced]
daily: true
book_days: true
must:
  - attempts >= 0 and calls >= 0 and operations >= 0
*/
with several as (
    select cost.book_day, cost.operation_id
    from core.request_cost as cost where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day')
    group by cost.book_day, cost.operation_id having count(*) > 1
),
attempt as (
    select
        cost.*, case when several.operation_id is null then 1 else 0 end as alone, cost.cost_usd is not null as is_priced,
        case when cost.commitment is not null then 'commitment' when cost.is_cache_hit then 'gateway cache'
            when cost.billing = 'not billed' then 'not billed' else cost.served_tier end as tier,
        -- A failure nobody bills is no attempt that costs: it would make the others look small.
        case when cost.status = 'failure' and cost.billing = 'not billed' then 0 else 1 end as paid,
        coalesce(cost.cache_write_5m_tokens, 0) + coalesce(cost.cache_write_1h_tokens, 0) as written,
        -- Without a price of ours all of a stated cost is of no meter.
        case when cost.effective_cost_usd is not null then 1 end as priced
    from core.request_cost as cost
    left join several on several.book_day = cost.book_day and several.operation_id = cost.operation_id
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day')
),
-- An operation of several attempts counts once in each group, and a model's call where one began, or was taken over from another model;
-- both have a price as soon as one attempt has.
placed as (
    select
        attempt.*,
        row_number() over (partition by book_day, operation_id, team, tenant, feature
            order by case when is_priced then 0 else 1 end, attempt, started_at, request_id) as in_group,
        row_number() over (partition by book_day, operation_id, team, tenant, feature, provider, model
            order by attempt, started_at, request_id) as in_model,
        max(case when is_priced then 1 else 0 end) over (partition by book_day, operation_id, team, tenant, feature, provider, model) = 1
            as is_priced_once
    from attempt where alone = 0
),
used as (
    select
        book_day, team, tenant, feature, provider, model, tier, '' as meter, is_priced, alone as operations, alone as calls,
        paid as attempts, paid * input_tokens as input_tokens, paid * cache_read_tokens as cache_read_tokens,
        paid * written as cache_write_tokens, paid * output_tokens as output_tokens,
        case when cost_basis = 'reported'
            then coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + written + coalesce(output_tokens, 0) end as stated_tokens,
        cast(0 as decimal(18,6)) as units, priced * input_cost_usd as input_cost_usd, priced * cache_read_cost_usd as cache_read_cost_usd,
        priced * cache_write_cost_usd as cache_write_cost_usd, priced * output_cost_usd as output_cost_usd,
        cast(0 as decimal(18,12)) as other_cost_usd,
        -- What the meters leave: fees and minimums, and what a source's own price differs by.
        coalesce(cost_usd, 0) - coalesce(priced * (input_cost_usd + cache_read_cost_usd + cache_write_cost_usd + output_cost_usd
            + other_cost_usd), 0) as rest_usd
    from attempt
    union all
    select
        book_day, team, tenant, feature, provider, model, tier, '' as meter, is_priced_once as is_priced,
        case when in_group = 1 then 1 else 0 end as operations,
        case when in_model = 1 or attempt = 1 then 1 else 0 end as calls, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from placed
    union all
    select
        attempt.book_day, attempt.team, attempt.tenant, attempt.feature, attempt.provider, attempt.model, attempt.tier, other.meter,
        attempt.is_priced, 0, 0, 0, 0, 0, 0, 0, 0, other.quantity, 0, 0, 0, 0,
        case when attempt.billing = 'not billed' then 0 else attempt.priced * other.effective_cost_usd end, 0
    from core.request_meter as other inner join attempt on attempt.request_id = other.request_id and attempt.day = other.day
)
select
    book_day as day, coalesce(team, 'unowned') as team, coalesce(tenant, '(none)') as tenant, coalesce(feature, '(none)') as feature,
    coalesce(provider, '(none)') as provider, coalesce(model, '(none)') as model, tier as served_tier, meter, is_priced,
    cast(sum(operations) as bigint) as operations, cast(sum(calls) as bigint) as calls, cast(sum(attempts) as bigint) as attempts,
    cast(coalesce(sum(input_tokens), 0) as bigint) as input_tokens, cast(coalesce(sum(cache_read_tokens), 0) as bigint) as cache_read_tokens,
    cast(coalesce(sum(cache_write_tokens), 0) as bigint) as cache_write_tokens, cast(coalesce(sum(output_tokens), 0) as bigint) as output_tokens,
    cast(coalesce(sum(stated_tokens), 0) as bigint) as stated_tokens, cast(sum(units) as decimal(38,6)) as units,
    cast(coalesce(sum(input_cost_usd), 0) as decimal(38,12)) as input_cost_usd,
    cast(coalesce(sum(cache_read_cost_usd), 0) as decimal(38,12)) as cache_read_cost_usd,
    cast(coalesce(sum(cache_write_cost_usd), 0) as decimal(38,12)) as cache_write_cost_usd,
    cast(coalesce(sum(output_cost_usd), 0) as decimal(38,12)) as output_cost_usd,
    cast(coalesce(sum(other_cost_usd), 0) as decimal(38,12)) as other_cost_usd,
    cast(coalesce(sum(case when stated_tokens > 0 then 0 else rest_usd end), 0) as decimal(38,12)) as call_cost_usd,
    cast(coalesce(sum(case when stated_tokens > 0 then rest_usd end), 0) as decimal(38,12)) as stated_cost_usd
from used
group by book_day, coalesce(team, 'unowned'), coalesce(tenant, '(none)'), coalesce(feature, '(none)'), coalesce(provider, '(none)'),
    coalesce(model, '(none)'), tier, meter, is_priced
