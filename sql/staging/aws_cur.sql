/*
Lines of AWS cost and usage reports; the shares of pods move from the instance's amortised cost to the pods.

grain: one row per line of a report
key: charge_id
daily: true
kind: charge
conserves: raw.aws_cur
*/
with line as (
    select line.*, case when line.effective_cost > 0 and line.is_instance then line.resource_id end as instance_id
    from raw.aws_cur as line
    where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
),
pod as (
    select line.delivery, line.day, line.parent_id, sum(line.pod_cost) as pods_cost
    from line
    where line.parent_id is not null and line.pod_cost > 0
    group by line.delivery, line.day, line.parent_id
),
instance as (
    select
        line.delivery, line.day, line.instance_id, sum(line.effective_cost) as instance_cost,
        max(case when line.scope = 'gpu' then 'gpu' else 'a host' end) as scope
    from line
    where line.instance_id is not null
    group by line.delivery, line.day, line.instance_id
),
-- Only where the instance is in the bill, and costs what its pods are said to; doubles may differ by less than a cent.
shared as (
    select pod.delivery, pod.day, pod.parent_id, pod.pods_cost, instance.scope
    from pod
    inner join instance on instance.delivery = pod.delivery and instance.day = pod.day and instance.instance_id = pod.parent_id
    where pod.pods_cost < instance.instance_cost + 0.01
),
placed as (
    select
        line.file_id, line.line, line.effective_cost as line_cost, shared.pods_cost,
        sum(line.effective_cost) over (
            partition by line.delivery, line.day, line.instance_id order by line.file_id, line.line
            rows between unbounded preceding and current row
        ) as so_far,
        row_number() over (partition by line.delivery, line.day, line.instance_id order by line.file_id desc, line.line desc) as from_last
    from line
    inner join shared on shared.delivery = line.delivery and shared.day = line.day and shared.parent_id = line.instance_id
),
-- An instance's lines give way one after the other; the last gives whatever is left.
moved as (
    select
        placed.file_id, placed.line,
        case when placed.from_last = 1 then greatest(placed.pods_cost - placed.so_far + placed.line_cost, 0)
            else greatest(least(placed.pods_cost - placed.so_far + placed.line_cost, placed.line_cost), 0) end as moved_cost
    from placed
)
select
    concat_ws('-', line.file_id, cast(line.line as varchar)) as charge_id, line.day, line.starts_at, line.ends_at, line.source, line.provider,
    line.model, line.line_item, line.charge_category, line.charge_class,
    case when line.pod_cost > 0 and shared.scope = 'gpu' then 'gpu' else line.scope end as scope,
    line.currency, line.billed_cost, line.list_cost,
    cast(line.effective_cost - coalesce(moved.moved_cost, 0)
        + case when line.pod_cost > 0 and shared.parent_id is not null then line.pod_cost else 0 end as decimal(38,12))
        as effective_cost,
    line.quantity, line.quantity_unit, line.meter, line.tokens, line.served_tier, line.billing_period, line.invoice_id,
    line.billing_account_id, line.resource_id, line.product_code as service_name, line.region_id, line.commitment_status, line.tags,
    line.sub_account_id as project_id, line.file_id, cast(1 as bigint) as copies
from line
left join moved on moved.file_id = line.file_id and moved.line = line.line
left join shared on shared.delivery = line.delivery and shared.day = line.day and shared.parent_id = line.parent_id
