/*
How long answers took and why their route was taken, counted in bins of at most 6.25 % of their length (8 ms up to 128): quantiles over any
days are told from this, never below the true ones.

grain: one row per day, day of the book, feature, model, reason of its route and bin
key: [day, book_day, feature, provider, model, routing_reason, up_to_ms]
daily: true
must:
  - requests > 0
*/
with answer as (
    select
        request.day, request.book_day, coalesce(request.feature, '(none)') as feature, coalesce(request.provider, '(none)') as provider,
        coalesce(request.model, '(none)') as model, coalesce(request.routing_reason, '(none)') as routing_reason,
        -- Unknown latencies are bin 0; the width of a bin is at most a 16th of the power of two below it.
        case when request.latency_ms < 1 then 1 else coalesce(request.latency_ms, 0) end as ms
    from core.request as request
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day') and request.status = 'success'
        and not request.is_cache_hit and (request.latency_ms is not null or request.routing_reason is not null)
),
sized as (
    select answer.*, case when ms <= 128 then 8 when ms <= 512 then 16 when ms <= 2048 then 32 when ms <= 8192 then 128
        when ms <= 32768 then 512 else 2048 end as width
    from answer
),
binned as (select sized.*, ms + width - 1 - (ms + width - 1) % width as up_to_ms from sized)
select
    binned.day, binned.book_day, binned.feature, binned.provider, binned.model, binned.routing_reason,
    cast(binned.up_to_ms as bigint) as up_to_ms,
    count(*) as requests
from binned
group by binned.day, binned.book_day, binned.feature, binned.provider, binned.model, binned.routing_reason, cast(binned.up_to_ms as bigint)
