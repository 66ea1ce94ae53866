/*
Azure cost lines as charges; where both views of a bill are there, billed cost from the actual one, effective cost from the amortised one.

grain: one row per line of an export
key: charge_id
daily: true
kind: charge
conserves: raw.azure_cost
*/
with line as (
    select
        cost.*,
        coalesce(cost.view, '') = 'amortised' as is_side,
        cost.is_commitment and lower(cost.charge_type) in ('purchase', 'refund') as is_commitment_bought,
        cost.is_commitment and lower(cost.charge_type) not in ('purchase', 'refund') as is_covered
    from raw.azure_cost as cost
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
),
viewed as (
    select
        line.*,
        -- What is not of a commitment stands in both views alike; what a commitment covers costs its share in the amortised one.
        max(case when not line.is_side and not line.is_commitment then 1 else 0 end)
            over (partition by line.day, line.billing_account_id, line.billing_period, line.subscription_id) as main_others,
        max(case when line.is_side and line.is_commitment then 1 else 0 end)
            over (partition by line.day, line.billing_account_id, line.billing_period, line.subscription_id) as side_covered,
        max(case when line.is_side then 1 else 0 end) over (partition by line.day, line.billing_account_id, line.billing_period) as sides
    from line
),
judged as (
    select
        viewed.*,
        case when viewed.is_side and not viewed.is_commitment and viewed.main_others = 1 then 0
            when not viewed.is_side and viewed.is_covered and viewed.side_covered = 1 then 0 else 1 end as is_kept,
        case when viewed.is_covered and (viewed.is_side or viewed.cost <> 0) then 'cost' when viewed.sides = 0 then 'unknown'
            when viewed.is_commitment_bought then 'nothing' else 'cost' end as effective,
        -- Azure writes a list cost of 0 where it has none.
        viewed.cost = 0 and not viewed.is_commitment as is_free
    from viewed
),
numbered as (
    select
        judged.*,
        row_number() over (partition by judged.day, judged.is_side, judged.row_id order by judged.file_id, judged.line) as copy,
        row_number() over (
            partition by judged.day, judged.billing_account_id, judged.billing_period, judged.subscription_id, judged.is_kept
            order by judged.row_id, judged.file_id, judged.line
        ) as place,
        sum(1 - judged.is_kept) over (
            partition by judged.day, judged.billing_account_id, judged.billing_period, judged.subscription_id
        ) as told_twice
    from judged
)
select
    md5(concat_ws('|', 'azure', case when numbered.is_side then 'amortised' end, numbered.row_id, cast(numbered.copy as varchar))) as charge_id,
    numbered.day, numbered.starts_at, cast(numbered.day + 1 as timestamp) as ends_at, numbered.source, numbered.provider, numbered.model,
    coalesce(numbered.line_item, numbered.meter_name) as line_item,
    case lower(numbered.charge_type)
        when 'usage' then 'Usage' when 'unusedreservation' then 'Usage' when 'unusedsavingsplan' then 'Usage' when 'purchase' then 'Purchase'
        when 'refund' then 'Purchase' when 'tax' then 'Tax' when 'credit' then 'Credit' else 'Adjustment'
    end as charge_category,
    case when lower(numbered.charge_type) = 'refund' then 'Correction' end as charge_class,
    numbered.scope, numbered.currency,
    cast(case when numbered.is_covered then 0 else numbered.cost end as decimal(38,12)) as billed_cost,
    cast(case when numbered.is_covered then 0 else numbered.cost_in_usd end as decimal(38,12)) as billed_cost_in_usd,
    case when numbered.list_cost <> 0 or numbered.is_free then numbered.list_cost end as list_cost,
    case when numbered.list_in_usd <> 0 or numbered.is_free then numbered.list_in_usd end as list_cost_in_usd,
    cast(case numbered.effective when 'cost' then numbered.cost when 'nothing' then 0 end as decimal(38,12)) as effective_cost,
    cast(case numbered.effective when 'cost' then numbered.cost_in_usd when 'nothing' then 0 end as decimal(38,12))
        as effective_cost_in_usd,
    case when numbered.quantity_unit is not null then numbered.quantity end as quantity, numbered.quantity_unit, numbered.meter, numbered.tokens,
    numbered.served_tier, numbered.billing_period, numbered.invoice_id, numbered.billing_account_id, numbered.resource_id,
    numbered.meter_category as service_name, numbered.region_id,
    case when lower(numbered.charge_type) like 'unused%' then 'Unused' when numbered.is_covered then 'Used' end as commitment_status,
    numbered.tags, numbered.subscription_id as project_id, numbered.file_id,
    cast(1 + case when numbered.place = 1 then numbered.told_twice else 0 end as bigint) as copies
from numbered
where numbered.is_kept = 1
