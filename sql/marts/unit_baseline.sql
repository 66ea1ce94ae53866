/*
Frozen baselines of units of value, day by day, with what a unit is held against.

grain: one row per unit of value and day of its baseline
key: [unit, day]
must:
  - successes <= units
*/
select
    baseline.unit, baseline.day, baseline.units, baseline.successes, baseline.cost_usd, baseline.quality_sum, baseline.quality_count,
    coalesce(unit.quality_margin, cast('0.01' as decimal(18,6))) as quality_margin, unit.target_usd
from book.unit_baseline as baseline
left join book.unit as unit on unit.unit = baseline.unit
