/*
The twenty dearest requests of each day: the first suspects when a day stands out.

grain: one row per day and rank
key: [day, place]
daily: true
book_days: true
*/
with ranked as (
    select
        cost.book_day, cost.request_id, coalesce(cost.team, 'unowned') as team, coalesce(cost.tenant, '(none)') as tenant,
        coalesce(cost.feature, '(none)') as feature, coalesce(cost.model, '(none)') as model, cost.cost_usd,
        row_number() over (partition by cost.book_day order by cost.cost_usd desc, cost.request_id) as place
    from core.request_cost as cost
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day') and cost.cost_usd > 0
)
select
    ranked.book_day as day, cast(ranked.place as integer) as place, ranked.request_id, ranked.team, ranked.tenant, ranked.feature,
    ranked.model, ranked.cost_usd
from ranked
where ranked.place <= 20
