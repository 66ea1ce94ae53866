/*
What the 28 days before say of two models of one feature: how many operations begun at the other needed no further model, with a 95 %
interval
(Wilson), whether its quality is shown to be no worse, by more than one point, and how long its answers took.

grain: one row per day, feature and ordered pair of models by their cards' names, of which the first was called that day
key: [day, feature, card_provider, card_model, to_provider, to_model]
daily: true
lookback_days: 28
must:
  - low_accept_ppm <= point_accept_ppm and point_accept_ppm <= high_accept_ppm
*/
with cell as (
    select distinct spent.day, spent.feature, spent.card_provider, spent.card_model
    from core.route_day as spent
    where spent.day >= getvariable('from_day') and spent.day < getvariable('to_day') and spent.card_model <> '(none)'
),
past as (
    select
        wanted.day, wanted.feature, spent.card_provider, spent.card_model, cast(sum(spent.tried_operations) as bigint) as tried,
        cast(sum(spent.accepted_operations) as bigint) as accepted
    from (select distinct cell.day, cell.feature from cell) as wanted
    inner join core.route_day as spent on spent.feature = wanted.feature and spent.day >= wanted.day - 28 and spent.day < wanted.day
    where spent.card_model <> '(none)'
    group by wanted.day, wanted.feature, spent.card_provider, spent.card_model
),
name as (
    select wanted.day, spent.provider, spent.model, min(spent.card_provider) as card_provider, min(spent.card_model) as card_model
    from (select distinct cell.day from cell) as wanted
    inner join core.route_day as spent on spent.day >= wanted.day - 28 and spent.day < wanted.day
    where spent.card_model <> '(none)'
    group by wanted.day, spent.provider, spent.model
),
quality as (
    select
        wanted.day, wanted.feature, name.card_provider, name.card_model, said.signal, cast(sum(said.judgements) as double) as n,
        cast(sum(said.value_sum) as double) * pow(sum(said.judgements), -1) as mean,
        cast(sum(said.square_sum) as double) * pow(sum(said.judgements), -1) as mean_square
    from (select distinct cell.day, cell.feature from cell) as wanted
    inner join core.route_quality as said on said.feature = wanted.feature and said.day >= wanted.day - 28 and said.day < wanted.day
    inner join name on name.day = wanted.day and name.provider = said.provider and name.model = said.model
    group by wanted.day, wanted.feature, name.card_provider, name.card_model, said.signal
    having sum(said.judgements) >= 100
),
-- One-sided, at 95 %: the difference of the means minus 1.645 standard errors stays above minus one point, for every signal that both have.
margin as (
    select
        own.day, own.feature, own.card_provider, own.card_model, other.card_provider as to_provider, other.card_model as to_model,
        min(case when other.mean - own.mean - 1.645 * sqrt(greatest(other.mean_square - other.mean * other.mean, 0) * pow(other.n - 1, -1)
            + greatest(own.mean_square - own.mean * own.mean, 0) * pow(own.n - 1, -1)) > -0.01 then 1 else 0 end) as holds
    from quality as own
    inner join quality as other on other.day = own.day and other.feature = own.feature and other.signal = own.signal
    group by own.day, own.feature, own.card_provider, own.card_model, other.card_provider, other.card_model
),
answered as (
    select wanted.day, wanted.feature, name.card_provider, name.card_model, took.up_to_ms, sum(took.requests) as requests
    from (select distinct cell.day, cell.feature from cell) as wanted
    inner join core.route_answer as took on took.feature = wanted.feature and took.day >= wanted.day - 28 and took.day < wanted.day
    inner join name on name.day = wanted.day and name.provider = took.provider and name.model = took.model
    where took.up_to_ms > 0
    group by wanted.day, wanted.feature, name.card_provider, name.card_model, took.up_to_ms
),
latency as (
    select ranked.day, ranked.feature, ranked.card_provider, ranked.card_model,
        min(case when ranked.below * 100 >= ranked.answers * 95 then up_to_ms end) as p95
    from (
        select answered.*, sum(requests) over (partition by day, feature, card_provider, card_model) as answers,
            sum(requests) over (partition by day, feature, card_provider,
                card_model order by up_to_ms rows between unbounded preceding and current row) as below
        from answered
    ) as ranked
    group by ranked.day, ranked.feature, ranked.card_provider, ranked.card_model
)
select
    cell.day, cell.feature, cell.card_provider, cell.card_model, past.card_provider as to_provider, past.card_model as to_model,
    past.tried as tried_operations, past.accepted as accepted_operations, coalesce(margin.holds, 0) = 1 as is_not_worse,
    latency.p95 as p95_latency_ms,
    -- Wilson: (k + z2 / 2 -+ z * sqrt(k * (n - k) / n + z2 / 4)) / (n + z2), with z = 1.96; the shares are truncated, the upper one up.
    cast(floor(1000000 * greatest(accepted + 1.9208 - 1.96 * sqrt(accepted * (tried - accepted) * pow(tried, -1) + 0.9604), 0)
        * pow(tried + 3.8416, -1)) as integer) as low_accept_ppm,
    cast(div_trunc(accepted * 1000000, tried) as integer) as point_accept_ppm,
    cast(least(ceil(1000000 * (accepted + 1.9208 + 1.96 * sqrt(accepted * (tried - accepted) * pow(tried,
        -1) + 0.9604)) * pow(tried + 3.8416, -1)),
        1000000) as integer) as high_accept_ppm
from cell
inner join past on past.day = cell.day and past.feature = cell.feature and past.tried > 0
    and (past.card_provider <> cell.card_provider or past.card_model <> cell.card_model)
left join margin on margin.day = cell.day and margin.feature = cell.feature and margin.card_provider = cell.card_provider
    and margin.card_model = cell.card_model and margin.to_provider = past.card_provider and margin.to_model = past.card_model
left join latency on latency.day = cell.day and latency.feature = cell.feature and latency.card_provider = past.card_provider
    and latency.card_model = past.card_model
