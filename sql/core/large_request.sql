/*
The twenty dearest requests of each day: the first suspects when a day stands out.

grain: one row per day and rank
key: [day, place]
daily: true
*/
with ranked as (
    select
        cost.day, cost.request_id, coalesce(cost.team, 'unowned') as team, coalesce(cost.tenant, '(none)') as tenant,
        coalesce(cost.feature, '(none)') as feature, coalesce(cost.model, '(none)') as model, cost.cost_usd,
        row_number() over (partition by cost.day order by cost.cost_usd desc, cost.request_id) as place
    from core.request_cost as cost
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day') and cost.cost_usd > 0
)
select
    ranked.day, cast(ranked.place as integer) as place, ranked.request_id, ranked.team, ranked.tenant, ranked.feature, ranked.model,
    ranked.cost_usd
from ranked
where ranked.place <= 20
