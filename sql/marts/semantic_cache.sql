/*
What a gateway's cache of questions that are alike spared, less what looking up in it costs; with hits that were wrong, where quality is known.

grain: one row per day, team, tenant and feature for which the book names such a cache
key: [day, team, tenant, feature]
daily: true
book_days: true
must:
  - wrong_hits <= rated_hits and rated_hits <= cache_hits and foreign_hits <= cache_hits
*/
with named as (
    select distinct coalesce(cost.feature, '') as feature
    from core.request_cost as cost
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day')
),
fitting as (
    select named.feature, rule.lookup_usd, rule.provider, rule.model, row_number() over (partition by named.feature order by rule.place) as choice
    from named
    inner join book.semantic_cache as rule on named.feature like rule.feature escape '!'
),
-- Judged on the day of the answer; a judgement that comes later is not known to it.
judged as (
    select quality.request_id, quality.day, max(case when quality.value < 0.5 then 1 else 0 end) as is_wrong
    from core.quality as quality
    where quality.signal in ('rating', 'task_completed') and quality.request_id is not null and quality.value is not null
    group by quality.request_id, quality.day
),
embedding as (
    select rate.provider, rate.model, rate.starts_at, rate.ends_at, rate.priced_from, rate.priced_to, max(to_pico(rate.input_usd)) as input_pico
    from rate_cards.rate as rate
    inner join book.semantic_cache as rule on rule.provider = rate.provider and rule.model = rate.model
    where rate.layer = 'list' and rate.served_tier = 'standard' and rate.region = '' and rate.input_above = -1
    group by rate.provider, rate.model, rate.starts_at, rate.ends_at, rate.priced_from, rate.priced_to
),
line as (
    select
        cost.book_day, coalesce(cost.team, 'unowned') as team, coalesce(cost.tenant, '(none)') as tenant,
        coalesce(cost.feature, '(none)') as feature, case when given.request_id is null then 0 else 1 end as hit, given.spared_usd,
        case when given.is_foreign then 1 else 0 end as foreign_one, fitting.lookup_usd,
        case when given.request_id is not null and judged.request_id is not null then 1 else 0 end as rated,
        case when given.request_id is not null and judged.is_wrong = 1 then 1 else 0 end as wrong,
        -- Each call is embedded whole, whether it is found or not.
        case when fitting.model is null then 0 else cast(coalesce(cost.input_tokens, 0) + coalesce(cost.cache_read_tokens, 0)
            + coalesce(cost.cache_write_5m_tokens, 0) + coalesce(cost.cache_write_1h_tokens, 0) as decimal(19,0))
            * cast(embedding.input_pico as decimal(18,0)) end as embedded
    from core.request_cost as cost
    inner join fitting on fitting.feature = coalesce(cost.feature, '') and fitting.choice = 1
    left join core.gateway_hit as given on given.day = cost.day and given.request_id = cost.request_id
    left join judged on judged.day = cost.day and judged.request_id = cost.request_id
    left join embedding
        on embedding.provider = fitting.provider and embedding.model = fitting.model and cost.started_at >= embedding.starts_at
        and cost.started_at < embedding.ends_at and cost.day >= embedding.priced_from and cost.day < embedding.priced_to
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day') and cost.attempt = 1
)
select
    line.book_day as day, line.team, line.tenant, line.feature, count(*) as requests, cast(sum(line.hit) as bigint) as cache_hits,
    cast(sum(line.rated) as bigint) as rated_hits, cast(sum(line.wrong) as bigint) as wrong_hits,
    cast(sum(line.foreign_one) as bigint) as foreign_hits,
    cast(sum(case when line.hit = 1 and line.spared_usd is null then 1 else 0 end) as bigint) as unpriced_hits,
    cast(sum(case when line.hit = 1 then line.spared_usd else 0 end) as decimal(38,12)) as cache_hit_value_usd,
    cast(sum(line.lookup_usd) as decimal(38,12)) as lookup_usd,
    -- An embedding model without a price leaves the cost of looking up unknown, and with it what was saved.
    case when count(*) = count(line.embedded) then to_usd(sum(line.embedded)) end as embedding_usd,
    case when count(*) = count(line.embedded) then cast(sum(case when line.hit = 1 then line.spared_usd else 0 end) - sum(line.lookup_usd)
        - to_usd(sum(line.embedded)) as decimal(38,12)) end as saving_usd
from line
group by line.book_day, line.team, line.tenant, line.feature
