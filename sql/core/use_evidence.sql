/*
Tokens that a provider may count otherwise than the logs: calls that failed, and calls that were logged more than once.

grain: one row per day it is billed for, provider, model by its card's name, key, tier, meter, cause and what shows it
key: [day, provider, model, key, served_tier, meter, cause, shown_by]
monthly: true
must:
  - cause in ('duplicates', 'failed calls')
*/
with call as (
    -- A failed call that was computed may be missing on the bill; one that was not may be on it.
    select
        use.billed_day as day, use.provider, use.model, use.project_id, use.key_id, use.served_tier, use.meter, 'failed calls' as cause,
        concat(use.error_class, case use.kind when 'failed' then ', computed' else ', not computed' end) as shown_by,
        case use.kind when 'failed' then ', computed' else ', not computed' end as side,
        case use.kind when 'failed' then -use.tokens else use.tokens end as tokens
    from core.computed_use as use
    where use.kind in ('failed', 'not billed') and use.tokens > 0
    union all
    select
        again.day, again.provider, again.model, again.project_id, again.key_id, again.served_tier, again.meter, 'duplicates' as cause,
        case again.seen when 'copies' then 'records of one id' else 'records of one answer' end as shown_by, '' as side, again.tokens
    from core.repeated_call as again
    where again.tokens > 0
),
offer as (
    select
        call.day, call.provider, call.model, call.project_id, call.key_id, call.served_tier, call.meter, call.cause, call.shown_by,
        call.tokens
    from call
    union all
    -- What all of them show together.
    select
        call.day, call.provider, call.model, call.project_id, call.key_id, call.served_tier, call.meter, call.cause,
        concat('all', call.side) as shown_by, call.tokens
    from call
),
named as (
    select
        calendar.period, offer.*, known_key(known.known_by, offer.project_id, offer.key_id) as key
    from offer
    inner join book.day as calendar on calendar.day = offer.day
    inner join core.use_key as known on known.day = offer.day and known.provider = offer.provider
    where offer.day >= getvariable('from_day') and offer.day < getvariable('to_day')
)
select
    named.period, named.day, named.provider, named.model, named.key, named.served_tier,
    named.meter, named.cause, named.shown_by, cast(sum(named.tokens) as bigint) as tokens
from named
group by named.period, named.day, named.provider, named.model, named.key, named.served_tier, named.meter, named.cause, named.shown_by
