/*
What a day costs, or saves, beyond the price of single calls and GPU hours: commitments, free allowances, minimum spends, corrections.

grain: one row per day, line, basis and owner
key: [day, book_day, line, basis, provider, team, cost_centre, tenant, feature]
daily: true
must:
  - cost_usd is not null
*/
with line as (
    select
        used.day, used.book_day, 'Commitment used' as line, used.commitment as basis, used.provider, used.provider as billed_as, used.team,
        used.cost_centre, used.tenant, used.feature, used.cost_usd
    from core.commitment_use as used
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day')
    union all
    select
        hour.day, hour.book_day, 'Commitment unused' as line, hour.commitment as basis, hour.provider,
        case when hour.kind = 'provisioned_throughput' then hour.provider when hour.is_billed then 'gpu instances' end as billed_as,
        hour.owner as team, null as cost_centre, null as tenant, null as feature, hour.unused_cost_usd as cost_usd
    from core.commitment_hour as hour
    where hour.day >= getvariable('from_day') and hour.day < getvariable('to_day')
    union all
    select
        free.day, free.day as book_day, 'Free allowance' as line, free.card_model || ', ' || free.meter || ' by the ' || free.per as basis,
        free.provider, free.provider as billed_as, free.team, free.cost_centre, free.tenant, free.feature, -free.credit_usd as cost_usd
    from core.allowance_use as free
    where free.day >= getvariable('from_day') and free.day < getvariable('to_day')
    union all
    select
        least.day, least.day as book_day, 'Minimum spend' as line, least.minimum as basis, least.provider, least.provider as billed_as,
        least.owner as team, null as cost_centre, null as tenant, null as feature, least.accrued_usd as cost_usd
    from core.minimum_spend as least
    where least.day >= getvariable('from_day') and least.day < getvariable('to_day')
    union all
    -- Of a month that is closed: no bill of its own day holds it.
    select
        correction.day, correction.day as book_day, 'Correction of ' || correction.corrects_period as line, correction.reason as basis,
        correction.provider, null as billed_as, correction.team, correction.cost_centre, correction.tenant, correction.feature,
        correction.amount_usd as cost_usd
    from book.correction as correction
    where correction.day >= getvariable('from_day') and correction.day < getvariable('to_day')
)
select
    line.day, line.book_day, line.line, coalesce(line.basis, '(none)') as basis, coalesce(line.provider, '(none)') as provider,
    max(line.billed_as) as billed_as, coalesce(line.team, 'unallocated') as team, coalesce(line.cost_centre, '') as cost_centre,
    coalesce(line.tenant, '(none)') as tenant, coalesce(line.feature, '(none)') as feature,
    cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from line
where line.cost_usd <> 0
group by line.day, line.book_day, line.line, coalesce(line.basis, '(none)'), coalesce(line.provider, '(none)'),
    coalesce(line.team, 'unallocated'), coalesce(line.cost_centre, ''), coalesce(line.tenant, '(none)'), coalesce(line.feature, '(none)')
