/*
Smaller models that a feature's calls could go to first, and the share of answers that then need no second call: the routes of
levers.yaml, else
a model of the same feature at half the price at most of which 200 operations tell enough, and which pays at the measured share.

grain: one row per day, feature, model and tier with calls that day and a route to another model
key: [day, feature, provider, model, served_tier]
daily: true
must:
  - low_accept_ppm >= 0 and low_accept_ppm <= point_accept_ppm and point_accept_ppm <= high_accept_ppm and high_accept_ppm <= 1000000
  - guard_pico >= 0
*/
with cell as (
    select
        spent.day, spent.feature, spent.provider, spent.model, spent.served_tier, max(spent.card_provider) as card_provider,
        max(spent.card_model) as card_model
    from core.route_day as spent
    where spent.day >= getvariable('from_day') and spent.day < getvariable('to_day') and spent.card_model <> '(none)'
    group by spent.day, spent.feature, spent.provider, spent.model, spent.served_tier
),
wanted as (
    select
        cell.*, 0 as by_itself, route.place, coalesce(route.to_provider, cell.card_provider) as to_provider, route.to_model,
        route.low_accept_ppm,
        route.point_accept_ppm, route.high_accept_ppm, route.guard_pico, route.max_latency_ms
    from cell
    inner join book.route as route on route.feature = cell.feature and lower(cell.model) like route.from_model escape '!'
        and cell.day >= route.starts_on and cell.day < route.ends_on and route.to_model <> cell.card_model
    union all
    select cell.*, 1, 1, pair.to_provider, pair.to_model, null, null, null, 0, null
    from cell
    inner join core.route_pair as pair on pair.day = cell.day and pair.feature = cell.feature and pair.card_provider = cell.card_provider
        and pair.card_model = cell.card_model and pair.tried_operations >= 200 and cell.feature <> '(none)'
),
-- Of what cards know only what is asked for: else all prices of a day may be joined with one another before anything else.
named as (
    select wanted.day, wanted.card_provider as provider, wanted.card_model as model from wanted
    union
    select wanted.day, wanted.to_provider as provider, wanted.to_model as model from wanted
),
price as (
    select price.day, price.provider, price.model, price.served_tier, price.rate_id, price.input_pico, price.output_pico
    from core.lever_price as price
    inner join named on named.day = price.day and named.provider = price.provider and named.model = price.model
    where price.is_usual
),
known as (
    select
        wanted.day, wanted.feature, wanted.provider, wanted.model, wanted.served_tier, wanted.by_itself, wanted.place, wanted.to_provider,
        wanted.to_model, target.rate_id as to_rate_id, wanted.guard_pico, pair.tried_operations,
        coalesce(pair.is_not_worse, false) as is_not_worse,
        -- Quality that is not shown to be as good counts as if no answer were accepted.
        coalesce(wanted.low_accept_ppm, case when pair.is_not_worse then pair.low_accept_ppm else 0 end) as low_accept_ppm,
        -- Answers that were all accepted, in a feature that neither passes any on nor shows their quality, were judged by nobody.
        coalesce(wanted.point_accept_ppm, case when pair.is_not_worse or pair.accepted_operations < pair.tried_operations
            then pair.point_accept_ppm end) as point_accept_ppm,
        coalesce(wanted.high_accept_ppm, pair.high_accept_ppm) as high_accept_ppm,
        wanted.by_itself = 0 or (target.input_pico * 2 <= own.input_pico and target.output_pico * 2 <= own.output_pico) as is_cheap,
        wanted.max_latency_ms is null or coalesce(pair.p95_latency_ms <= wanted.max_latency_ms, false) as is_fast,
        -- The share of answers that pays for asking first, for three tokens in and one out.
        cast(div_trunc((3 * target.input_pico + target.output_pico) * cast(1000000 as bigint),
            3 * own.input_pico + own.output_pico) as bigint) as pays_ppm
    from wanted
    inner join price as own on own.day = wanted.day and own.provider = wanted.card_provider and own.model = wanted.card_model
        and own.served_tier = wanted.served_tier and own.input_pico > 0
    inner join price as target on target.day = wanted.day and target.provider = wanted.to_provider and target.model = wanted.to_model
        and target.served_tier = wanted.served_tier
    left join core.route_pair as pair on pair.day = wanted.day and pair.feature = wanted.feature
        and pair.card_provider = wanted.card_provider
        and pair.card_model = wanted.card_model and pair.to_provider = wanted.to_provider and pair.to_model = wanted.to_model
),
ranked as (
    select known.*, row_number() over (
        partition by day, feature, provider, model, served_tier order by by_itself, place, pays_ppm - point_accept_ppm, to_provider,
            to_model
    ) as choice
    from known
    where is_cheap and is_fast and point_accept_ppm is not null and (by_itself = 0 or point_accept_ppm > pays_ppm)
)
select
    day, feature, provider, model, served_tier, to_provider, to_model, to_rate_id, by_itself = 0 as is_stated, tried_operations,
    is_not_worse,
    cast(least(low_accept_ppm, point_accept_ppm) as integer) as low_accept_ppm, cast(point_accept_ppm as integer) as point_accept_ppm,
    cast(high_accept_ppm as integer) as high_accept_ppm, cast(guard_pico as bigint) as guard_pico
from ranked
where choice = 1
