/*
Units of value with their quality beside the fully loaded cost of delivering them, failures and retries included; divided only at display.

grain: one row per day, unit of value, feature, tenant, model and experiment arm
key: [day, unit, feature, tenant, model, experiment_arm]
daily: true
book_days: true
must:
  - successes <= units
  - cost_usd = api_cost_usd + gpu_cost_usd + shared_cost_usd
*/
-- Units of named features (is_part) and '(no unit)' together cost what marts.cost has of the day. The others see cost that these bear, too:
-- 'inference', which every book has (per_units 1000: cost per thousand), and units without a feature in their scope.
with inference as (
    select
        spend.book_day as day, spend.tenant, spend.feature, spend.model, spend.experiment_arm, spend.requests, spend.successes
    from core.feature_spend as spend
    where spend.book_day >= getvariable('from_day') and spend.book_day < getvariable('to_day')
),
line as (
    select
        count.day, count.unit, count.feature, count.tenant, count.model, count.experiment_arm, count.units, count.successes, count.escalations,
        count.fallbacks, count.completed, count.quality_count, count.quality_sum, cast(0 as decimal(38,12)) as api_cost_usd,
        cast(0 as decimal(38,12)) as gpu_cost_usd, cast(0 as decimal(38,12)) as shared_cost_usd
    from core.unit_count as count
    where count.day >= getvariable('from_day') and count.day < getvariable('to_day')
    union all
    select
        spend.day, spend.unit, spend.feature, spend.tenant, spend.model, spend.experiment_arm, 0, 0, 0, 0, 0, 0, 0, spend.api_cost_usd,
        spend.gpu_cost_usd, spend.shared_cost_usd
    from core.unit_spend as spend
    where spend.day >= getvariable('from_day') and spend.day < getvariable('to_day')
    union all
    select
        inference.day, 'inference', inference.feature, inference.tenant, inference.model, inference.experiment_arm, inference.requests,
        inference.successes, 0, 0, inference.successes, 0, 0, 0, 0, 0
    from inference
    union all
    -- What nobody named a feature for is of inferences only where a model served it.
    select
        cost.day, 'inference', cost.feature, cost.tenant, cost.model, cost.experiment_arm, 0, 0, 0, 0, 0, 0, 0, cost.api_cost_usd,
        cost.gpu_cost_usd, cost.shared_cost_usd
    from core.loaded_cost as cost
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day') and (cost.feature <> '(none)' or cost.model <> '(none)')
)
select
    line.day, line.unit, line.feature, line.tenant, line.model, line.experiment_arm,
    max(case when line.unit = 'inference' then 'thousand inferences' else coalesce(unit.label, line.unit) end) as label,
    max(case when line.unit = 'inference' then 1000 else 1 end) as per_units,
    max(case when line.unit = 'inference' then 0 when unit.is_part then 1 when unit.unit is null then 1 else 0 end) = 1 as is_part,
    cast(sum(line.units) as bigint) as units, cast(sum(line.successes) as bigint) as successes, cast(sum(line.escalations) as bigint) as escalations,
    cast(sum(line.fallbacks) as bigint) as fallbacks, cast(sum(line.completed) as bigint) as completed,
    cast(sum(line.quality_count) as bigint) as quality_count, cast(sum(line.quality_sum) as decimal(38,6)) as quality_sum,
    cast(sum(line.api_cost_usd) as decimal(38,12)) as api_cost_usd, cast(sum(line.gpu_cost_usd) as decimal(38,12)) as gpu_cost_usd,
    cast(sum(line.shared_cost_usd) as decimal(38,12)) as shared_cost_usd,
    cast(sum(line.api_cost_usd + line.gpu_cost_usd + line.shared_cost_usd) as decimal(38,12)) as cost_usd, max(unit.target_usd) as target_usd
from line
left join book.unit as unit on unit.unit = line.unit
group by line.day, line.unit, line.feature, line.tenant, line.model, line.experiment_arm
