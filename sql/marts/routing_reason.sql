/*
Why routes were taken, as gateways say it.

grain: one row per day of the book, feature, model and reason
key: [day, feature, provider, model, routing_reason]
daily: true
book_days: true
*/
select
    answer.book_day as day, answer.feature, answer.provider, answer.model, answer.routing_reason,
    cast(sum(answer.requests) as bigint) as requests
from core.route_answer as answer
where answer.book_day >= getvariable('from_day') and answer.book_day < getvariable('to_day') and answer.routing_reason <> '(none)'
group by answer.book_day, answer.feature, answer.provider, answer.model, answer.routing_reason
