/*
Calls that logs hold more than once and that count once: what bills and gateways may have counted again.

grain: one row per day, provider, model by its card's name, tier, meter, project, key and why it is there again
key: [day, provider, model, served_tier, meter, project_id, key_id, seen]
daily: true
must:
  - seen in ('copies', 'logs')
*/
with name as (
    select distinct found.day, found.provider, found.model, found.card_model
    from core.rate_in_force as found
    where found.card_model is not null
),
shared as (
    select distinct request.day, coalesce(request.response_id, request.request_id) as answer_id
    from core.request as request
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day') and request.logs > 1
),
again as (
    -- One record that came more than once, and one answer that several records are about.
    select staged.*, case when shared.day is null or request.request_id is not null then 'copies' else 'logs' end as seen,
        case when shared.day is null or request.request_id is not null then staged.copies - 1 else 1 end as times
    from staging.request as staged
    left join book.source as source on source.source = staged.source
    left join shared on shared.day = staged.day and shared.answer_id = coalesce(staged.response_id, staged.request_id)
    left join core.request as request on shared.day is not null and request.day = staged.day and request.request_id = staged.request_id
    where staged.day >= getvariable('from_day') and staged.day < getvariable('to_day') and coalesce(source.is_counted, true)
        and (staged.copies > 1 or (shared.day is not null and request.request_id is null)) and not coalesce(staged.is_cache_hit, false)
),
summed as (
    select
        again.day, coalesce(again.provider, '(none)') as provider, coalesce(name.card_model, again.model, '(none)') as model,
        coalesce(again.served_tier, 'standard') as served_tier, coalesce(again.project_id, '') as project_id,
        coalesce(again.key_id, '') as key_id, again.seen, sum(again.times) as requests,
        sum(coalesce(again.input_tokens, 0) * again.times) as input_tokens,
        sum(coalesce(again.cache_read_tokens, 0) * again.times) as reads,
        sum(coalesce(again.cache_write_5m_tokens, 0) * again.times) as writes_5m,
        sum(coalesce(again.cache_write_1h_tokens, 0) * again.times) as writes_1h,
        sum(coalesce(again.output_tokens, 0) * again.times) as output_tokens,
        -- Copies of one record are exports that overlap; two records of one answer are two that were reported.
        sum(case when again.seen = 'logs' then again.reported_cost_usd end) as reported_usd
    from again
    left join name on name.day = again.day and name.provider = coalesce(again.provider, '') and name.model = again.model
    group by again.day, coalesce(again.provider, '(none)'), coalesce(name.card_model, again.model, '(none)'),
        coalesce(again.served_tier, 'standard'), coalesce(again.project_id, ''), coalesce(again.key_id, ''), again.seen
),
meter as (
    select summed.*, 'input' as meter, summed.input_tokens as tokens, summed.reported_usd as money from summed
    union all
    select summed.*, 'cache_read' as meter, summed.reads as tokens, null as money from summed
    union all
    select summed.*, 'cache_write_5m' as meter, summed.writes_5m as tokens, null as money from summed
    union all
    select summed.*, 'cache_write_1h' as meter, summed.writes_1h as tokens, null as money from summed
    union all
    select summed.*, 'output' as meter, summed.output_tokens as tokens, null as money from summed
)
select
    meter.day, meter.provider, meter.model, meter.served_tier, meter.meter, meter.project_id, meter.key_id, meter.seen,
    cast(case when meter.meter = 'input' then meter.requests else 0 end as bigint) as requests, cast(meter.tokens as bigint) as tokens,
    cast(meter.money as decimal(38,12)) as reported_usd
from meter
where meter.tokens > 0 or meter.meter = 'input'
