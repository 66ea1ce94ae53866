/*
What is billed, reported and computed side by side, with the proof that named causes sum to each difference.

grain: one row per day, provider, model by its card's name and key
key: [day, provider, model, key]
monthly: true
must:
  - coalesce(billed_minus_computed_usd, 0) = billed_causes_usd
  - coalesce(reported_minus_computed_usd, 0) = reported_causes_usd
should:
  - unexplained_usd = 0
*/
with part as (
    select side.day, side.provider, side.model, side.key, case side.side when 'billed' then 'billed' else 'held against bill' end as what,
        case side.side when 'moved' then -side.usd else side.usd end as usd
    from core.use_side as side
    where side.side <> 'count'
    union all
    select
        line.day, line.provider, line.model, known_key(known.known_by, line.project_id, line.key_id) as key, 'billed' as what,
        line.billed_usd
    from core.billed_use as line
    left join core.use_key as known on known.day = line.day and known.provider = line.provider
    where line.kind in ('credit', 'correction')
    union all
    select expected.day, expected.billed_as, '(none)' as model, '(none)' as key, 'held against bill' as what, expected.cost_usd
    from core.adjustment as expected
    inner join (select distinct day, provider from core.use_side) as covered
        on covered.day = expected.day and covered.provider = expected.billed_as
    union all
    select
        use.day, use.provider, use.model, known_key(known.known_by, use.project_id, use.key_id) as key, 'computed' as what,
        use.computed_usd
    from core.computed_use as use
    left join core.use_key as known on known.day = use.day and known.provider = use.provider
    union all
    select said.day, said.provider, said.model, known_key(known.known_by, said.project_id, said.key_id) as key, what.what,
        case what.what when 'reported' then said.reported_usd else said.computed_usd end as usd
    from core.reported_use as said
    cross join (select 'reported' as what union all select 'held against report' as what) as what
    left join core.use_key as known on known.day = said.day and known.provider = said.provider
    union all
    select cause.day, cause.provider, cause.model, cause.key, cause.comparison as what, cause.amount_usd
    from marts.reconciliation_cause as cause
    union all
    select cause.day, cause.provider, cause.model, cause.key, cause.cause as what, cause.amount_usd
    from marts.reconciliation_cause as cause
    where cause.cause = 'unexplained'
),
cell as (
    select
        part.day, part.provider, part.model, part.key, sum(case when part.what = 'billed' then part.usd end) as billed_usd,
        sum(case when part.what = 'reported' then part.usd end) as reported_usd,
        sum(case when part.what = 'computed' then part.usd end) as computed_usd,
        sum(case when part.what = 'held against bill' then part.usd end) as against_bill_usd,
        sum(case when part.what = 'held against report' then part.usd end) as against_report_usd,
        coalesce(sum(case when part.what = 'billed - computed' then part.usd end), 0) as billed_causes_usd,
        coalesce(sum(case when part.what = 'reported - computed' then part.usd end), 0) as reported_causes_usd,
        coalesce(sum(case when part.what = 'unexplained' then abs(part.usd) end), 0) as unexplained_usd
    from part
    where part.day >= getvariable('from_day') and part.day < getvariable('to_day')
    group by part.day, part.provider, part.model, part.key
)
select
    calendar.period, cell.day, cell.provider, cell.model, cell.key, cast(cell.billed_usd as decimal(38,12)) as billed_usd,
    cast(cell.reported_usd as decimal(38,12)) as reported_usd, cast(cell.computed_usd as decimal(38,12)) as computed_usd,
    -- What of the computed cost is on days that a bill covers, and on days for which something is reported.
    cast(cell.against_bill_usd as decimal(38,12)) as held_against_bill_usd,
    cast(cell.against_report_usd as decimal(38,12)) as held_against_report_usd,
    cast(case when coalesce(cell.billed_usd, cell.against_bill_usd) is not null
        then coalesce(cell.billed_usd, 0) - coalesce(cell.against_bill_usd, 0) end as decimal(38,12)) as billed_minus_computed_usd,
    cast(case when coalesce(cell.reported_usd, cell.against_report_usd) is not null
        then coalesce(cell.reported_usd, 0) - coalesce(cell.against_report_usd, 0) end as decimal(38,12)) as reported_minus_computed_usd,
    cast(cell.billed_causes_usd as decimal(38,12)) as billed_causes_usd,
    cast(cell.reported_causes_usd as decimal(38,12)) as reported_causes_usd, cast(cell.unexplained_usd as decimal(38,12)) as unexplained_usd
from cell
inner join book.day as calendar on calendar.day = cell.day
