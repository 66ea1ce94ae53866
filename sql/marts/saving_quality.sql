/*
The quality of what an idea of the savings ledger is about: the signal that must not fall, in the 28 days before it was live and since.

grain: one row per day, idea and whether it was before
key: [day, saving, is_before]
daily: true
book_days: true
lookback_days: 7
must:
  - judgements > 0
*/
-- A judgement is of the request, the operation or the session it names; of those of the seven days before it.
with idea as (
    select saving.*, case when saving.quality_signal in ('escalated', 'fallback') then -1 else 1 end as sign
    from book.saving as saving
    where saving.quality_signal is not null and saving.live_since is not null
),
asked as (
    select
        request.day, request.request_id, request.operation_id, request.session_id, idea.saving, idea.quality_signal, idea.sign,
        request.book_day < idea.live_since as is_before
    from idea
    inner join core.request as request
        on request.book_day >= idea.baseline_from and request.book_day < idea.ends_on
        and (idea.feature is null or idea.feature = request.feature) and (idea.team is null or idea.team = request.team)
        and (idea.tenant is null or idea.tenant = request.tenant) and (idea.environment is null or idea.environment = request.environment)
        and (idea.model is null or lower(request.model) like idea.model escape '!')
        and (request.book_day < idea.live_since or idea.to_model is null or lower(request.model) like idea.to_model escape '!')
),
named as (
    select asked.*, 'request' as names, asked.request_id as name from asked
    union all
    select asked.*, 'operation' as names, asked.operation_id as name from asked
    union all
    select asked.*, 'session' as names, asked.session_id as name from asked where asked.session_id is not null
),
said as (
    select
        coalesce(local.book_day, quality.day) as day, quality.quality_id, quality.signal, quality.value,
        case when quality.request_id is not null then 'request' when quality.operation_id is not null then 'operation' else 'session' end as names,
        coalesce(quality.request_id, quality.operation_id, quality.session_id) as name
    from core.quality as quality
    left join book.local_day as local
        on local.day = quality.day and quality.occurred_at >= local.starts_at and quality.occurred_at < local.ends_at
    where quality.value is not null
),
judged as (
    select distinct said.day, said.quality_id, said.value * named.sign as value, named.saving, named.is_before
    from said
    inner join named
        on named.names = said.names and named.name = said.name and named.quality_signal = said.signal and named.day <= said.day + 1
        and named.day >= said.day - 7
    where said.day >= getvariable('from_day') and said.day < getvariable('to_day')
)
select
    judged.day, judged.saving, judged.is_before, count(*) as judgements, cast(sum(judged.value) as decimal(38,6)) as quality_sum,
    cast(sum(cast(judged.value as decimal(18,6)) * cast(judged.value as decimal(18,6))) as decimal(38,12)) as quality_square_sum
from judged
group by judged.day, judged.saving, judged.is_before
