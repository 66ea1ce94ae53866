/*
Google Cloud billing rows as charges: each row of the append-only table once, however many exports hold it.

grain: one row per row of the export table
key: charge_id
daily: true
kind: charge
conserves: raw.gcp_billing
*/
with latest as (
    select
        row.*, cast(row.exported_at as date) as export_day,
        max(row.exported_at) over (
            partition by row.day, row.billing_account_id, row.sku_id, row.project_id, cast(row.exported_at as date), row.detail
        ) as reaches
    from raw.gcp_billing as row
    where row.day >= getvariable('from_day') and row.day < getvariable('to_day')
),
ranked as (
    select
        latest.*,
        row_number() over (
            partition by latest.day, latest.billing_account_id, latest.sku_id, latest.project_id, latest.export_day
            order by case when latest.detail is null then 1 else 0 end, latest.reaches desc, latest.detail desc, latest.file_id, latest.line
        ) as choice
    from latest
),
judged as (
    -- The same money in fewer columns is not more money. Files that do not say which columns they have are never left out.
    select
        ranked.*,
        case when ranked.detail is null or ranked.detail = max(case when ranked.choice = 1 then ranked.detail end) over (
            partition by ranked.day, ranked.billing_account_id, ranked.sku_id, ranked.project_id, ranked.export_day
        ) then 1 else 0 end as is_kept
    from ranked
),
placed as (
    select
        judged.*,
        row_number() over (partition by judged.day, judged.is_kept, judged.row_id order by judged.file_id, judged.line) as place,
        count(*) over (partition by judged.day, judged.is_kept, judged.row_id) as copies,
        sum(1 - judged.is_kept) over (
            partition by judged.day, judged.billing_account_id, judged.sku_id, judged.project_id, judged.export_day
        ) as left_out
    from judged
),
kept as (
    select
        placed.*,
        row_number() over (
            partition by placed.day, placed.billing_account_id, placed.sku_id, placed.project_id, placed.export_day order by placed.row_id
        ) as number
    from placed
    where placed.is_kept = 1 and placed.place = 1
)
select
    md5(concat_ws('|', 'gcp', kept.row_id)) as charge_id, kept.day, kept.starts_at, kept.ends_at, kept.source, kept.provider, kept.model,
    kept.line_item,
    case
        when coalesce(kept.cost_type, 'regular') = 'tax' then 'Tax'
        when coalesce(kept.cost_type, 'regular') <> 'regular' then 'Adjustment'
        when lower(kept.line_item) like 'commitment%' then 'Purchase'
        else 'Usage'
    end as charge_category,
    case when kept.adjustment_type like '%CORRECTION' then 'Correction' end as charge_class,
    kept.scope, kept.currency, kept.billed as billed_cost, kept.list_cost, kept.cost as contracted_cost,
    kept.billed_in_usd as billed_cost_in_usd, kept.list_in_usd as list_cost_in_usd, kept.cost_in_usd as contracted_cost_in_usd,
    kept.quantity, kept.quantity_unit, kept.meter, kept.tokens, kept.served_tier, kept.billing_period, kept.billing_account_id,
    kept.resource_id, kept.service_name, kept.region_id, kept.tags, kept.project_id, kept.file_id,
    cast(kept.copies + case when kept.number = 1 then kept.left_out else 0 end as bigint) as copies
from kept
