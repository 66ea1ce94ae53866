/*
The twenty dearest requests of each day: the first suspects when a day stands out.

grain: one row per day and rank
key: [day, place]
daily: true
*/
with ranked as (
    select
        request.day, request.request_id, coalesce(request.team, 'unowned') as team, coalesce(request.tenant, '(none)') as tenant,
        coalesce(request.feature, '(none)') as feature, coalesce(request.model, '(none)') as model, cost.cost_usd,
        row_number() over (partition by request.day order by cost.cost_usd desc, request.request_id) as place
    from core.request_cost as cost
    inner join core.request as request on request.request_id = cost.request_id and request.day = cost.day
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day') and cost.cost_usd > 0
)
select
    ranked.day, cast(ranked.place as integer) as place, ranked.request_id, ranked.team, ranked.tenant, ranked.feature, ranked.model,
    ranked.cost_usd
from ranked
where ranked.place <= 20
