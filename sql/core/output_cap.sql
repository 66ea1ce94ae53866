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
with cell as (
    select distinct bin.day, bin.feature, bin.provider, bin.model
    from core.output_histogram as bin
    where bin.day >= getvariable('from_day') and bin.day < getvariable('to_day')
),
past as (
    select
        cell.day, cell.feature, cell.provider, cell.model, bin.up_to_tokens, sum(bin.accepted_requests) as accepted,
        sum(bin.truncated_requests) as truncated, sum(bin.known_requests) as known, sum(bin.asked_again_requests) as again,
        sum(bin.capped_requests) as capped, max(bin.asked_cap_tokens) as asked_cap
    from cell
    inner join core.output_histogram as bin
        on bin.feature = cell.feature and bin.provider = cell.provider and bin.model = cell.model
        and bin.day >= cell.day - 28 and bin.day < cell.day
    group by cell.day, cell.feature, cell.provider, cell.model, bin.up_to_tokens
),
running as (
    select
        past.*, sum(past.accepted) over (partition by past.day, past.feature, past.provider, past.model) as answers,
        sum(past.accepted) over (
            partition by past.day, past.feature, past.provider, past.model order by past.up_to_tokens
            rows between unbounded preceding and current row
        ) as below
    from past
),
found as (
    select
        running.day, running.feature, running.provider, running.model, max(running.answers) as answers,
        min(case when running.below * 2 >= running.answers then running.up_to_tokens end) as median,
        min(case when running.below * 100 >= 95 * running.answers then running.up_to_tokens end) as p95,
        min(case when running.below * 1000 >= 995 * running.answers then running.up_to_tokens end) as p995,
        sum(running.truncated) as truncated, sum(running.known) as known, sum(running.again) as again, sum(running.capped) as capped,
        max(running.asked_cap) as asked_cap
    from running
    group by running.day, running.feature, running.provider, running.model
),
chosen as (
    select
        cell.day as cell_day, cell.feature as of_feature, cell.provider as of_provider, cell.model as of_model, found.*, stated.cap_tokens,
        row_number() over (partition by cell.day, cell.feature, cell.provider, cell.model order by stated.place) as choice,
        -- Fewer than 20 of which it would show are no measure.
        coalesce(found.known, 0) >= 20 as is_measured
    from cell
    left join found on found.day = cell.day and found.feature = cell.feature and found.provider = cell.provider and found.model = cell.model
    left join book.output_cap as stated on stated.feature = cell.feature and lower(cell.model) like stated.model escape '!'
)
select
    cell_day as day, of_feature as feature, of_provider as provider, of_model as model, cast(coalesce(answers, 0) as bigint) as answers,
    cast(median as bigint) as median_tokens, cast(p95 as bigint) as p95_tokens, cast(p995 as bigint) as p995_tokens,
    cast(coalesce(cap_tokens, greatest(p995, 256)) as bigint) as cap_tokens, cap_tokens is not null as is_stated,
    cast(coalesce(capped, 0) as bigint) as capped_requests, cast(asked_cap as bigint) as asked_cap_tokens,
    cast(coalesce(truncated, 0) as bigint) as truncated_requests, cast(coalesce(known, 0) as bigint) as known_requests,
    -- Of those that would not show, all or none are asked again; without a measure all of all, or none.
    cast(case when is_measured then div_trunc((again + truncated - known) * 1000000, truncated) else 1000000 end as integer)
        as low_retry_ppm,
    cast(case when is_measured then div_trunc(again * 1000000, known) else 1000000 end as integer) as point_retry_ppm,
    cast(case when is_measured then div_trunc(again * 1000000, truncated) else 0 end as integer) as high_retry_ppm
from chosen
where choice = 1 and (cap_tokens is not null or answers >= 200)
