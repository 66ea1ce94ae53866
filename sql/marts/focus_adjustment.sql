/*
FOCUS rows of what a day costs beyond prices: commitments used and unused, allowances, minimum spends, corrections of closed months.

grain: one row per day, line, basis, provider and owner; corrections line by line
key: [day, line_id]
daily: true
on_demand: true
must:
  - effective_cost_usd is not null
*/
with line as (
    select
        used.day, 'used' as line, used.commitment as basis, used.provider, used.team, used.cost_centre, used.tenant, used.feature,
        used.used as quantity, 'weighted tokens' as unit, used.cost_usd
    from core.commitment_use as used
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day')
    union all
    select
        hour.day, 'unused', hour.commitment, hour.provider, coalesce(hour.owner, 'unallocated'), '', '(none)', '(none)',
        hour.capacity - hour.used, hour.capacity_unit, hour.unused_cost_usd
    from core.commitment_hour as hour
    where hour.day >= getvariable('from_day') and hour.day < getvariable('to_day')
    union all
    select
        adjustment.day, adjustment.line, adjustment.basis, adjustment.provider, adjustment.team, adjustment.cost_centre, adjustment.tenant,
        adjustment.feature, null, null, adjustment.cost_usd
    from core.adjustment as adjustment
    where adjustment.day >= getvariable('from_day') and adjustment.day < getvariable('to_day')
        and adjustment.line not in ('Commitment used', 'Commitment unused') and adjustment.line not like 'Correction of %'
),
summed as (
    select
        line.day, line.line, line.basis, coalesce(line.provider, '(none)') as provider, line.team,
        coalesce(line.cost_centre, '') as cost_centre, coalesce(line.tenant, '(none)') as tenant,
        coalesce(line.feature, '(none)') as feature, max(line.unit) as unit, sum(line.quantity) as quantity, sum(line.cost_usd) as cost_usd
    from line
    group by line.day, line.line, line.basis, coalesce(line.provider, '(none)'), line.team, coalesce(line.cost_centre, ''),
        coalesce(line.tenant, '(none)'), coalesce(line.feature, '(none)')
    having sum(line.cost_usd) <> 0
)
select
    summed.day, 'adjustment ' || md5(concat_ws('|', summed.line, summed.basis, summed.provider, summed.team, summed.cost_centre,
        summed.tenant, summed.feature)) as line_id, summed.day as charge_day,
    case when summed.line in ('used', 'unused') then 'Usage' when summed.line = 'Free allowance' then 'Credit'
        else 'Adjustment' end as charge_category,
    cast(null as varchar) as charge_class, cast(null as varchar) as corrects_period,
    case summed.line when 'used' then 'Commitment used' when 'unused' then 'Commitment unused' else summed.line end || ': ' || summed.basis
        as charge_description,
    case when summed.line in ('used', 'unused') then summed.basis end as commitment,
    case summed.line when 'used' then 'Used' when 'unused' then 'Unused' end as commitment_status, summed.unit as commitment_unit,
    cast(case when summed.unit = 'GPU seconds' then cast(div_trunc(summed.quantity * 1000000 + 1800, 3600) as decimal(31,0))
        * cast('0.000001' as decimal(6,6)) else summed.quantity end as decimal(38,6)) as commitment_quantity,
    summed.provider, cast(null as varchar) as model, nullif(summed.team, 'unallocated') as team,
    nullif(nullif(summed.cost_centre, ''), '(none)') as cost_centre,
    nullif(summed.tenant, '(none)') as tenant, nullif(summed.feature, '(none)') as feature,
    cast(summed.cost_usd as decimal(38,12)) as effective_cost_usd
from summed
union all
-- Posted in an open month, for the day it should have been known on.
select
    correction.day, 'correction ' || correction.correction_id as line_id, correction.corrects_day as charge_day, 'Usage' as charge_category,
    'Correction' as charge_class, correction.corrects_period, 'Correction of ' || correction.corrects_period || ': ' || correction.reason
        as charge_description, null as commitment, null as commitment_status, null as commitment_unit, null as commitment_quantity,
    coalesce(correction.provider, '(none)') as provider, correction.model, correction.team, correction.cost_centre, correction.tenant,
    correction.feature, correction.amount_usd as effective_cost_usd
from book.correction as correction
where correction.day >= getvariable('from_day') and correction.day < getvariable('to_day') and correction.amount_usd <> 0
union all
-- What came too late for a closed month, or was changed in it since: by owner, in the month that is open.
select
    late.posts_on as day, 'closed ' || md5(concat_ws('|', late.corrects_period, late.basis, late.team, late.cost_centre, late.gl_account,
        late.tenant, late.feature)) as line_id, cast(late.corrects_period || '-01' as date) as charge_day, 'Usage' as charge_category,
    'Correction' as charge_class, late.corrects_period,
    'Correction of ' || late.corrects_period || ': ' || late.basis as charge_description, null as commitment, null as commitment_status,
    null as commitment_unit, null as commitment_quantity, '(none)' as provider, null as model,
    nullif(late.team, 'unallocated') as team, nullif(nullif(late.cost_centre, ''), '(none)') as cost_centre,
    nullif(late.tenant, '(none)') as tenant, nullif(late.feature, '(none)') as feature, late.cost_usd as effective_cost_usd
from core.closed_correction as late
where late.posts_on >= getvariable('from_day') and late.posts_on < getvariable('to_day')
