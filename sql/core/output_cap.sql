/*
The cap on output that a feature's accepted answers would have fitted under: of 200 or more of the 28 days before, 995 in a thousand, and
never below 256 tokens; or the one that levers.yaml states. Beside it, how often answers that are cut off are asked for again.

grain: one row per UTC day, feature, provider and model with calls that day and a cap
key: [day, feature, provider, model]
daily: true
lookback_days: 28
must:
  - cap_tokens > 0 and (is_stated or cap_tokens >= 256)
  - low_retry_ppm >= point_retry_ppm and point_retry_ppm >= high_retry_ppm and high_retry_ppm >= 0 and low_retry_ppm <= 1000000
*/
with named as (
    -- A number in the place of three names, for what lies there is joined and grouped 28 times.
    select name.feature, name.provider, name.model, row_number() over (order by name.feature, name.provider, name.model) as series
    from (select distinct bin.feature, bin.provider, bin.model from core.output_histogram as bin) as name
),
counted as (
    select
        bin.day, named.series, bin.up_to_tokens, bin.accepted_requests, bin.truncated_requests, bin.known_requests, bin.asked_again_requests,
        bin.capped_requests, bin.asked_cap_tokens
    from core.output_histogram as bin
    inner join named on named.feature = bin.feature and named.provider = bin.provider and named.model = bin.model
),
whole as (
    select
        counted.day, counted.series, sum(counted.truncated_requests) as truncated, sum(counted.known_requests) as known,
        sum(counted.asked_again_requests) as again, sum(counted.capped_requests) as capped, max(counted.asked_cap_tokens) as asked_cap
    from counted
    group by counted.day, counted.series
),
cell as (
    select whole.day, whole.series from whole where whole.day >= getvariable('from_day') and whole.day < getvariable('to_day')
),
told as (
    select
        cell.day, cell.series, sum(past.truncated) as truncated, sum(past.known) as known, sum(past.again) as again,
        sum(past.capped) as capped, max(past.asked_cap) as asked_cap
    from cell
    inner join whole as past on past.series = cell.series and past.day >= cell.day - 28 and past.day < cell.day
    group by cell.day, cell.series
),
past as (
    select cell.day, cell.series, bin.up_to_tokens, sum(bin.accepted_requests) as accepted
    from cell
    inner join counted as bin on bin.series = cell.series and bin.day >= cell.day - 28 and bin.day < cell.day
    group by cell.day, cell.series, bin.up_to_tokens
),
running as (
    select
        past.*, sum(past.accepted) over (partition by past.day, past.series) as answers,
        sum(past.accepted) over (
            partition by past.day, past.series order by past.up_to_tokens rows between unbounded preceding and current row
        ) as below
    from past
),
found as (
    select
        running.day, running.series, max(running.answers) as answers,
        min(case when running.below * 2 >= running.answers then running.up_to_tokens end) as median,
        min(case when running.below * 100 >= 95 * running.answers then running.up_to_tokens end) as p95,
        min(case when running.below * 1000 >= 995 * running.answers then running.up_to_tokens end) as p995
    from running
    group by running.day, running.series
),
chosen as (
    select
        cell.day, named.feature, named.provider, named.model, found.answers, found.median, found.p95, found.p995, told.truncated, told.known,
        told.again, told.capped, told.asked_cap, stated.cap_tokens,
        row_number() over (partition by cell.day, cell.series order by stated.place) as choice,
        -- Fewer than 20 of which it would show are no measure.
        coalesce(told.known, 0) >= 20 as is_measured
    from cell
    inner join named on named.series = cell.series
    left join found on found.day = cell.day and found.series = cell.series
    left join told on told.day = cell.day and told.series = cell.series
    left join book.output_cap as stated on stated.feature = named.feature and lower(named.model) like stated.model escape '!'
)
select
    day, feature, provider, model, cast(coalesce(answers, 0) as bigint) as answers, cast(median as bigint) as median_tokens,
    cast(p95 as bigint) as p95_tokens, cast(p995 as bigint) as p995_tokens,
    cast(coalesce(cap_tokens, greatest(p995, 256)) as bigint) as cap_tokens, cap_tokens is not null as is_stated,
    cast(coalesce(capped, 0) as bigint) as capped_requests, cast(asked_cap as bigint) as asked_cap_tokens,
    cast(coalesce(truncated, 0) as bigint) as truncated_requests, cast(coalesce(known, 0) as bigint) as known_requests,
    -- Of those that would not show, all or none are asked again; without a measure all of all, or none.
    cast(case when is_measured then div_trunc((again + truncated - known) * 1000000, truncated) else 1000000 end as integer) as low_retry_ppm,
    cast(case when is_measured then div_trunc(again * 1000000, known) else 1000000 end as integer) as point_retry_ppm,
    cast(case when is_measured then div_trunc(again * 1000000, truncated) else 0 end as integer) as high_retry_ppm
from chosen
where choice = 1 and (cap_tokens is not null or answers >= 200)
