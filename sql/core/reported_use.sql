/*
What gateways and providers report beside what we compute, on the days they report anything, by why the two differ.

grain: one row per day, provider, model by its card's name, project, key and cause; agreed where they do not differ
key: [day, provider, model, project_id, key_id, cause]
daily: true
must:
  - cause <> 'agreed' or reported_usd = computed_usd
*/
with reporting as (
    select distinct cost.day, coalesce(cost.provider, '') as seller from core.request_cost as cost where cost.reported_cost_usd > 0
),
part as (
    select
        cost.day, coalesce(cost.provider, '(none)') as provider, coalesce(cost.card_model, cost.model, '(none)') as model,
        coalesce(cost.project_id, '') as project_id, coalesce(cost.key_id, '') as key_id, coalesce(gap.cause, 'agreed') as cause,
        1 as requests, case when gap.cause is not null then gap.tokens else 0 end as tokens, cost.reported_cost_usd as reported_usd,
        cost.effective_cost_usd as computed_usd, gap.detail
    from core.request_cost as cost
    inner join reporting on reporting.day = cost.day and reporting.seller = coalesce(cost.provider, '')
    left join core.reported_gap as gap on gap.request_id = cost.request_id and gap.day = cost.day
    union all
    -- One answer in two logs was reported twice, and is computed once.
    select
        again.day, again.provider, again.model, again.project_id, again.key_id, 'duplicates' as cause, again.requests, again.tokens,
        again.reported_usd, 0 as computed_usd, 'records of one answer' as detail
    from core.repeated_call as again
    where again.seen = 'logs'
    union all
    select
        cost.day, coalesce(cost.provider, '(none)') as provider, coalesce(cost.card_model, cost.model, '(none)') as model,
        coalesce(usage.project_id, '') as project_id, coalesce(usage.key_id, '') as key_id,
        case when cost.effective_cost_usd is null then 'unexplained' when cost.reported_cost_usd = cost.effective_cost_usd then 'agreed'
            -- Where a figure is in whole cents or millionths, half of one may be rounding.
            when abs(cost.reported_cost_usd - cost.effective_cost_usd) <= case when cost.reported_cost_usd % cast(0.01 as decimal(3,2)) = 0
                then cast(0.005 as decimal(12,12)) when cost.reported_cost_usd % cast(0.000001 as decimal(7,6)) = 0
                then cast(0.0000005 as decimal(12,12)) else 0 end then 'rounding'
            when cost.reported_cost_usd in (cost.list_cost_usd, cost.contracted_cost_usd) then 'price drift' else 'unexplained'
            end as cause, coalesce(usage.requests, 0) as requests,
        coalesce(usage.input_tokens, 0) + coalesce(usage.output_tokens, 0) as tokens,
        cost.reported_cost_usd, cost.effective_cost_usd as computed_usd, cost.unpriced_reason as detail
    from core.usage_cost as cost
    inner join core.usage as usage on usage.usage_id = cost.usage_id and usage.day = cost.day
    left join (select distinct day, coalesce(provider, '') as provider from core.request_cost) as logged
        on logged.day = cost.day and logged.provider = coalesce(cost.provider, '')
    where logged.day is null and cost.reported_cost_usd is not null
)
select
    part.day, part.provider, part.model, part.project_id, part.key_id, part.cause, cast(sum(part.requests) as bigint) as requests,
    cast(sum(part.tokens) as bigint) as tokens, cast(coalesce(sum(part.reported_usd), 0) as decimal(38,12)) as reported_usd,
    cast(coalesce(sum(part.computed_usd), 0) as decimal(38,12)) as computed_usd, max(part.detail) as detail
from part
where part.day >= getvariable('from_day') and part.day < getvariable('to_day')
group by part.day, part.provider, part.model, part.project_id, part.key_id, part.cause
