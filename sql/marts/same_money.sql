/*
Pairs of sources that seem to count the same calls or charges: what one has on a day, the other has too, to the token or the cent.

grain: one row per day, kind of record and pair of sources with anything alike
key: [day, kind, source, other_source]
daily: true
should:
  - same_items * 2 < items or same_items * 2 < other_items or (kind = 'request' and same_items < 20)
*/
with item as (
    -- Calls of the same hour with the same tokens; single small calls are often alike, most calls of a day are not.
    select
        request.day, 'request' as kind, request.source,
        concat_ws('|', cast(extract(hour from request.started_at) as varchar), cast(request.input_tokens + coalesce(request.cache_read_tokens, 0)
            + coalesce(request.cache_write_5m_tokens, 0) + coalesce(request.cache_write_1h_tokens, 0) as varchar),
            cast(request.output_tokens as varchar)) as content,
        1 as items
    from core.request as request
    inner join (
        select day from core.request group by day having count(distinct source) > 1
    ) as several on several.day = request.day
    where request.input_tokens > 0
    union all
    select
        usage.day, 'usage', usage.source, concat_ws('|', usage.provider, usage.model, cast(sum(coalesce(usage.input_tokens, 0)
            + coalesce(usage.cache_read_tokens, 0)) as varchar), cast(sum(usage.output_tokens) as varchar)), 1
    from core.usage as usage
    where usage.output_tokens > 0
    group by usage.day, usage.source, usage.provider, usage.model
    union all
    select
        charge.day, 'charge', charge.source, concat_ws('|', charge.provider, charge.currency, cast(sum(charge.billed_cost) as varchar)), 1
    from core.charge as charge
    where charge.billed_cost <> 0
    group by charge.day, charge.source, charge.provider, charge.currency
),
content as (
    select item.day, item.kind, item.source, item.content, cast(sum(item.items) as bigint) as items
    from item
    where item.day >= getvariable('from_day') and item.day < getvariable('to_day')
    group by item.day, item.kind, item.source, item.content
),
total as (
    select content.day, content.kind, content.source, cast(sum(content.items) as bigint) as items
    from content
    group by content.day, content.kind, content.source
),
alike as (
    select
        one.day, one.kind, one.source, other.source as other_source,
        cast(sum(case when one.items < other.items then one.items else other.items end) as bigint) as same_items
    from content as one
    inner join content as other on other.day = one.day and other.kind = one.kind and other.content = one.content and other.source > one.source
    group by one.day, one.kind, one.source, other.source
)
select alike.day, alike.kind, alike.source, alike.other_source, total.items, other_total.items as other_items, alike.same_items
from alike
inner join total on total.day = alike.day and total.kind = alike.kind and total.source = alike.source
inner join total as other_total on other_total.day = alike.day and other_total.kind = alike.kind and other_total.source = alike.other_source
