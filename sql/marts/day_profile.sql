/*
A day in figures: what the publication gate judges before anything is published. What a share is taken of is 0 where there is none of it.

grain: one row per day
key: day
daily: true
book_days: true
must:
  - priced_tokens <= used_tokens and priced_requests <= used_requests
  - owned_usd <= ownable_usd
*/
with used as (
    select
        used.day, sum(used.requests) as used_requests, sum(case when used.reason = 'priced' then used.requests end) as priced_requests,
        sum(used.tokens) as used_tokens, sum(case when used.reason = 'priced' then used.tokens end) as priced_tokens,
        sum(used.reported_cost_usd) as reported_usd,
        sum(case when used.reason = 'priced' then used.reported_cost_usd end) as priced_reported_usd,
        sum(used.estimated_requests) as estimated_requests
    from marts.priced_use as used
    group by used.day
),
owner as (
    select owner.day, sum(owner.cost_usd) as ownable_usd, sum(case when owner.is_owned then owner.cost_usd end) as owned_usd
    from marts.owner_coverage as owner
    group by owner.day
),
largest as (
    select cost.book_day, max(cost.cost_usd) as largest_call_usd from core.request_cost as cost group by cost.book_day
),
slowest as (
    select call.book_day, max(call.latency_ms) as longest_call_ms from core.request as call group by call.book_day
),
gpu as (
    select gpu_use.day, sum(gpu_use.capacity_seconds) as capacity_seconds, sum(gpu_use.unknown_seconds) as unknown_seconds
    from marts.gpu_use as gpu_use
    group by gpu_use.day
),
billed as (
    select
        billed.day, sum(billed.billed_usd) as billed_usd, sum(billed.difference_usd) as difference_usd,
        sum(case when billed.difference_usd is not null then billed.amortised_usd end) as compared_usd
    from marts.reconciliation as billed
    group by billed.day
),
taken as (
    select input.day, sum(input.rows_kept) as rows_kept, sum(input.copies) as copies from core.file_day as input group by input.day
),
stream as (
    select
        volume.day, sum(case when volume.status = 'low' then 1 else 0 end) as low_streams,
        sum(case when volume.status = 'high' then 1 else 0 end) as high_streams
    from marts.volume as volume
    group by volume.day
)
select
    proof.day, cast(coalesce(used.used_requests, 0) as bigint) as used_requests,
    cast(coalesce(used.priced_requests, 0) as bigint) as priced_requests,
    cast(coalesce(used.used_tokens, 0) as bigint) as used_tokens, cast(coalesce(used.priced_tokens, 0) as bigint) as priced_tokens,
    cast(coalesce(used.reported_usd, 0) as decimal(38,12)) as reported_usd,
    cast(coalesce(used.priced_reported_usd, 0) as decimal(38,12)) as priced_reported_usd,
    cast(coalesce(used.estimated_requests, 0) as bigint) as estimated_requests,
    cast(coalesce(owner.ownable_usd, 0) as decimal(38,12)) as ownable_usd,
    cast(coalesce(owner.owned_usd, 0) as decimal(38,12)) as owned_usd,
    largest.largest_call_usd, slowest.longest_call_ms, cast(coalesce(taken.rows_kept, 0) as bigint) as rows_kept,
    cast(coalesce(taken.copies, 0) as bigint) as copies, cast(stream.low_streams as bigint) as low_streams,
    cast(stream.high_streams as bigint) as high_streams, cast(coalesce(gpu.capacity_seconds, 0) as bigint) as capacity_seconds,
    cast(coalesce(gpu.unknown_seconds, 0) as bigint) as unknown_seconds, proof.cost_usd,
    cast(billed.billed_usd as decimal(38,12)) as billed_usd, cast(billed.compared_usd as decimal(38,12)) as compared_usd,
    cast(billed.difference_usd as decimal(38,12)) as billed_minus_priced_usd, proof.difference_usd
from marts.conservation as proof
left join used on used.day = proof.day
left join owner on owner.day = proof.day
left join largest on largest.book_day = proof.day
left join slowest on slowest.book_day = proof.day
left join gpu on gpu.day = proof.day
left join billed on billed.day = proof.day
left join taken on taken.day = proof.day
left join stream on stream.day = proof.day
where proof.day >= getvariable('from_day') and proof.day < getvariable('to_day')
