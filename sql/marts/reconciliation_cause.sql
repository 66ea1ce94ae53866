/*
Why what is billed, reported and computed differs, in dollars that sum to each difference exactly.

grain: one row per day, provider, model by its card's name, key, comparison and cause
key: [day, provider, model, key, comparison, cause]
monthly: true
must:
  - comparison in ('billed - computed', 'reported - computed')
  - cause in ('not logged', 'logged, not billed', 'price drift', 'tier', 'cache convention', 'batch', 'failed calls', 'time zone', 'FX',
    'credits and taxes', 'duplicates', 'late', 'rounding', 'unexplained')
*/
with part as (
    select
        gap.day, gap.provider, gap.model, gap.key, 'billed - computed' as comparison, gap.cause, gap.tokens, gap.amount_usd, gap.detail,
        gap.file_id
    from core.use_cause as gap
    union all
    select
        line.day, line.provider, line.model, known_key(known.known_by, line.project_id, line.key_id) as key,
        'billed - computed' as comparison, case line.kind when 'credit' then 'credits and taxes' else 'late' end as cause, line.tokens,
        line.billed_usd as amount_usd, line.line_item as detail, line.file_id
    from core.billed_use as line
    left join core.use_key as known on known.day = line.day and known.provider = line.provider
    where line.kind in ('credit', 'correction')
    union all
    -- What the book itself expects on a bill beside use: commitments, allowances, minimum spends.
    select
        expected.day, expected.billed_as as provider, '(none)' as model, '(none)' as key, 'billed - computed' as comparison,
        'credits and taxes' as cause, null as tokens, -expected.cost_usd as amount_usd, expected.line || ': ' || expected.basis as detail,
        null as file_id
    from core.adjustment as expected
    inner join (select distinct day, provider from core.use_side) as covered
        on covered.day = expected.day and covered.provider = expected.billed_as
    union all
    select
        said.day, said.provider, said.model, known_key(known.known_by, said.project_id, said.key_id) as key,
        'reported - computed' as comparison, said.cause, said.tokens, said.reported_usd - said.computed_usd as amount_usd, said.detail,
        null as file_id
    from core.reported_use as said
    left join core.use_key as known on known.day = said.day and known.provider = said.provider
    where said.cause <> 'agreed'
)
select
    calendar.period, part.day, part.provider, part.model, part.key, part.comparison, part.cause,
    cast(sum(part.tokens) as bigint) as tokens, cast(sum(part.amount_usd) as decimal(38,12)) as amount_usd,
    case when min(part.detail) = max(part.detail) then max(part.detail) else concat(min(part.detail), '; ', max(part.detail)) end as detail,
    min(part.file_id) as file_id
from part
inner join book.day as calendar on calendar.day = part.day
where part.day >= getvariable('from_day') and part.day < getvariable('to_day')
group by calendar.period, part.day, part.provider, part.model, part.key, part.comparison, part.cause
having sum(part.amount_usd) <> 0
