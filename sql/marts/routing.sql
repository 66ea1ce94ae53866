/*
Which models a feature's calls went to: the mix by class of price, what was passed on to another model and what that cost, how long answers
took and how good they were said to be.

grain: one row per day of the book, feature, model and tier
key: [day, feature, provider, model, served_tier]
daily: true
book_days: true
must:
  - requests > 0 and requests <= feature_requests
  - escalated_operations <= tried_operations
*/
with spent as (
    select
        spent.book_day, spent.feature, spent.provider, spent.model, spent.served_tier, min(spent.card_provider) as card_provider,
        min(spent.card_model) as card_model, max(spent.day) as last_day, sum(spent.requests) as requests,
        sum(spent.failed_requests) as failed_requests,
        sum(spent.cost_usd) as cost_usd, sum(spent.tried_operations) as tried_operations,
        sum(spent.accepted_operations) as accepted_operations,
        sum(spent.escalated_operations) as escalated_operations, sum(spent.escalated_cost_usd) as escalated_cost_usd,
        sum(spent.fallback_requests) as fallback_requests
    from core.route_day as spent
    where spent.book_day >= getvariable('from_day') and spent.book_day < getvariable('to_day')
    group by spent.book_day, spent.feature, spent.provider, spent.model, spent.served_tier
),
-- Of three tokens in and one out, per million.
price as (
    select rate.day, rate.provider, rate.model, rate.served_tier, cast(div_trunc(3 * rate.input_pico + rate.output_pico, 4) as bigint) as pico
    from core.lever_price as rate
    where rate.is_usual
),
took as (
    select answer.book_day, answer.feature, answer.provider, answer.model, answer.up_to_ms, sum(answer.requests) as requests
    from core.route_answer as answer
    where answer.book_day >= getvariable('from_day') and answer.book_day < getvariable('to_day') and answer.up_to_ms > 0
    group by answer.book_day, answer.feature, answer.provider, answer.model, answer.up_to_ms
),
running as (
    select took.*, sum(requests) over (partition by book_day, feature, provider, model) as answers,
        sum(requests) over (partition by book_day, feature, provider, model order by up_to_ms rows between unbounded preceding
            and current row) as below
    from took
),
latency as (
    select running.book_day, running.feature, running.provider, running.model,
        min(case when running.below * 2 >= running.answers then running.up_to_ms end) as p50,
        min(case when running.below * 100 >= running.answers * 95 then running.up_to_ms end) as p95
    from running
    group by running.book_day, running.feature, running.provider, running.model
),
quality as (
    select said.book_day, said.feature, said.provider, said.model,
        sum(case when said.signal = 'rating' then said.judgements end) as ratings,
        sum(case when said.signal = 'rating' then said.value_sum end) as rating_sum,
        sum(case when said.signal = 'task_completed' then said.judgements end) as completions,
        sum(case when said.signal = 'task_completed' then said.value_sum end) as completion_sum
    from core.route_quality as said
    where said.book_day >= getvariable('from_day') and said.book_day < getvariable('to_day')
    group by said.book_day, said.feature, said.provider, said.model
)
select
    spent.book_day as day, spent.feature, spent.provider, spent.model, spent.served_tier,
    case when price.pico is null then 'unknown' when price.pico < 1000000 then 'under $1' when price.pico < 5000000 then '$1 to $5'
        else '$5 and more' end
        as price_class,
    cast(spent.requests as bigint) as requests,
    cast(sum(spent.requests) over (partition by spent.book_day, spent.feature) as bigint) as feature_requests,
    cast(spent.failed_requests as bigint) as failed_requests, cast(spent.cost_usd as decimal(38,12)) as cost_usd,
    to_usd(div_trunc(to_pico(spent.cost_usd) * 1000, spent.requests)) as cost_per_thousand_usd,
    cast(spent.tried_operations as bigint) as tried_operations,
    cast(spent.accepted_operations as bigint) as accepted_operations, cast(spent.escalated_operations as bigint) as escalated_operations,
    cast(spent.escalated_cost_usd as decimal(38,12)) as escalated_cost_usd, cast(spent.fallback_requests as bigint) as fallback_requests,
    latency.p50 as p50_latency_ms, latency.p95 as p95_latency_ms, cast(coalesce(quality.ratings, 0) as bigint) as ratings,
    cast(quality.rating_sum as decimal(38,6)) as rating_sum, cast(coalesce(quality.completions, 0) as bigint) as completions,
    cast(quality.completion_sum as decimal(38,6)) as completion_sum
from spent
left join price on price.day = spent.last_day and price.provider = spent.card_provider
    and price.model = spent.card_model
    and price.served_tier = spent.served_tier
left join latency on latency.book_day = spent.book_day and latency.feature = spent.feature and latency.provider = spent.provider
    and latency.model = spent.model
left join quality on quality.book_day = spent.book_day and quality.feature = spent.feature and quality.provider = spent.provider
    and quality.model = spent.model
