/*
FOCUS rows of what providers billed, in the currency of the bill, and what a bill says beyond prices where calls and GPU hours explain it.
A line that is explained so has its list, contracted and effective cost on the rows that explain it; only what was billed stays here.

grain: one row per line of a bill of models or GPUs, and one per day and bill that is explained
key: [day, line_id]
daily: true
on_demand: true
must:
  - billed_cost is not null and list_cost is not null and contracted_cost is not null and effective_cost is not null
*/
with expected as (
    select spend.day, spend.provider as billed_as, spend.cost_usd
    from core.model_spend as spend
    where spend.cost_usd is not null
    union all
    select hour.day, 'gpu instances', hour.cost_usd
    from core.gpu_hour as hour
    left join book.gpu_pool as pool on pool.pool = hour.pool
    where hour.cost_usd is not null and coalesce(pool.is_billed, true)
    union all
    select adjustment.day, adjustment.billed_as, adjustment.cost_usd
    from core.adjustment as adjustment
    where adjustment.billed_as is not null
),
priced as (
    select expected.day, expected.billed_as, sum(expected.cost_usd) as cost_usd
    from expected
    where expected.day >= getvariable('from_day') and expected.day < getvariable('to_day')
    group by expected.day, expected.billed_as
),
charge as (
    select
        charge.*, stated.list_cost, stated.contracted_cost, stated.effective_cost, priced.cost_usd as priced_usd,
        priced.day is not null and charge.charge_category in ('Usage', 'Purchase') and charge.charge_class is null as is_explained,
        -- While any line of a bill is not known in dollars, it does not say what the day cost.
        count(*) over (partition by charge.day, charge.billed_as) = count(charge.cost_usd) over (partition by charge.day, charge.billed_as)
            as is_known
    from core.charge as charge
    -- The other costs in the currency of the bill.
    left join staging.charge as stated on stated.day = charge.day and stated.charge_id = charge.charge_id
    left join priced on priced.day = charge.day and priced.billed_as = charge.billed_as
    where charge.day >= getvariable('from_day') and charge.day < getvariable('to_day') and charge.billed_as is not null
),
rest as (
    select
        charge.day, charge.billed_as, max(charge.scope) as scope,
        cast(sum(case when charge.is_explained then charge.cost_usd else 0 end) - max(charge.priced_usd) as decimal(38,12)) as cost_usd
    from charge
    where charge.is_known and charge.priced_usd is not null
    group by charge.day, charge.billed_as
)
select
    charge.day, 'charge ' || charge.charge_id as line_id, coalesce(charge.starts_at, cast(charge.day as timestamp)) as starts_at,
    coalesce(charge.ends_at, cast(charge.day + 1 as timestamp)) as ends_at,
    coalesce(charge.billing_period, left(cast(charge.day as varchar), 7)) as billing_period, charge.billed_as,
    coalesce(charge.provider, charge.billed_as) as provider, charge.model, charge.line_item, charge.charge_category, charge.charge_class,
    charge.scope, charge.currency, charge.billed_cost, charge.billed_cost_usd,
    cast(case when charge.is_explained then 0 else coalesce(charge.list_cost, charge.contracted_cost, charge.billed_cost) end
        as decimal(38,12)) as list_cost,
    cast(case when charge.is_explained then 0 else coalesce(charge.contracted_cost, charge.billed_cost) end as decimal(38,12))
        as contracted_cost,
    cast(case when charge.is_explained then 0 else coalesce(charge.effective_cost, charge.billed_cost) end as decimal(38,12))
        as effective_cost,
    cast(case when charge.is_explained then 0 when charge.is_known then charge.cost_usd end as decimal(38,12)) as effective_cost_usd,
    charge.is_explained, charge.fx_rate, charge.unconverted_reason, charge.quantity, charge.quantity_unit, charge.meter, charge.served_tier,
    charge.invoice_id, charge.billing_account_id, charge.resource_id, charge.service_name, charge.region_id, charge.commitment_status,
    charge.tags, charge.project_id
from charge
union all
select
    rest.day, 'beyond prices ' || rest.billed_as, cast(rest.day as timestamp), cast(rest.day + 1 as timestamp),
    left(cast(rest.day as varchar), 7), rest.billed_as, rest.billed_as, null, 'Billed minus priced: bill of ' || rest.billed_as,
    'Adjustment', null, rest.scope, 'USD', 0, 0, rest.cost_usd, rest.cost_usd, rest.cost_usd, rest.cost_usd, false, 1, null, null, null,
    null, null, null, null, null, null, null, null, null, null
from rest
where rest.cost_usd <> 0
