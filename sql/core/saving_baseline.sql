/*
What ideas of the savings ledger about caps, attempts and GPUs are held against: the 28 days before they were live, which do not move.

grain: one row per idea and model as logged; '(none)' is GPUs
key: [saving, model]
must:
  - days between 1 and 28
  - repeated_attempts <= requests
*/
select
    saving.saving, spend.model, count(distinct spend.book_day) as days, cast(sum(spend.requests) as bigint) as requests,
    cast(sum(spend.repeated_attempts) as bigint) as repeated_attempts, cast(sum(spend.output_tokens) as bigint) as output_tokens,
    cast(0 as bigint) as gpu_seconds
from book.saving as saving
inner join core.model_spend as spend
    on spend.basis = 'requests' and spend.book_day >= saving.baseline_from and spend.book_day < saving.live_since
    and (saving.feature is null or saving.feature = spend.feature) and (saving.team is null or saving.team = spend.team)
    and (saving.tenant is null or saving.tenant = spend.tenant) and (saving.environment is null or saving.environment = spend.environment)
    and (saving.model is null or lower(spend.model) like saving.model escape '!')
where saving.lever in ('caps', 'retries')
group by saving.saving, spend.model
union all
select
    saving.saving, '(none)' as model, count(distinct hour.book_day) as days, cast(0 as bigint) as requests,
    cast(0 as bigint) as repeated_attempts, cast(0 as bigint) as output_tokens, cast(sum(hour.capacity_seconds) as bigint) as gpu_seconds
from book.saving as saving
inner join core.gpu_hour as hour
    on hour.pool = saving.pool and hour.book_day >= saving.baseline_from and hour.book_day < saving.live_since
where saving.lever = 'gpu'
group by saving.saving
