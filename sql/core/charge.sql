/*
What providers billed, line by line, as FOCUS charges, in dollars at the rate of exchange in force on the day of the charge.

grain: one row per line of a bill
key: charge_id
daily: true
must:
  - billed_cost is not null
  - billed_cost_usd is not null or unconverted_reason is not null
  - abs(cost_usd) < 1000000000000 or cost_usd is null
  - scope in ('model', 'gpu', 'other')
should:
  - unconverted_reason is null
*/
with line as (
    select
        charge.*, coalesce(charge.currency, 'USD') as billed_in, coalesce(charge.scope, 'model') as bought,
        case when coalesce(charge.currency, 'USD') = 'USD' then cast(1 as decimal(18,12)) else fx.usd end as fx_rate,
        fx.starts_on as fx_starts_on,
        -- The book's rate goes first; dollars that the bill states count where the book has none, if they are there for all it was billed.
        case when coalesce(charge.currency, 'USD') = 'USD' then 'dollars' when fx.usd is not null then 'book'
            when charge.billed_cost_in_usd is not null
                and (charge.effective_cost is null or charge.effective_cost_in_usd is not null) then 'bill'
            end as fx_basis
    from staging.charge as charge
    left join book.source as source on source.source = charge.source
    left join book.fx_rate as fx on fx.currency = charge.currency and charge.day >= fx.starts_on and charge.day < fx.ends_on
    where charge.day >= getvariable('from_day') and charge.day < getvariable('to_day') and coalesce(source.is_counted, true)
),
priced as (
    select
        line.*,
        case line.fx_basis when 'dollars' then line.billed_cost when 'book' then converted(line.billed_cost, line.fx_rate)
            when 'bill' then line.billed_cost_in_usd end as billed_cost_usd,
        case line.fx_basis when 'dollars' then line.list_cost when 'book' then converted(line.list_cost, line.fx_rate)
            when 'bill' then line.list_cost_in_usd end as list_cost_usd,
        case line.fx_basis when 'dollars' then line.contracted_cost when 'book' then converted(line.contracted_cost, line.fx_rate)
            when 'bill' then line.contracted_cost_in_usd end as contracted_cost_usd,
        case line.fx_basis when 'dollars' then line.effective_cost when 'book' then converted(line.effective_cost, line.fx_rate)
            when 'bill' then line.effective_cost_in_usd end as effective_cost_usd
    from line
)
select
    priced.charge_id, priced.day, priced.starts_at, priced.ends_at, priced.source, priced.provider, priced.model, priced.line_item,
    coalesce(priced.charge_category, 'Usage') as charge_category, priced.charge_class, priced.bought as scope,
    -- Whose price it is held against: GPU instances against the GPU hours of every cloud, model charges against their provider's.
    case priced.bought when 'gpu' then 'gpu instances' when 'model' then coalesce(priced.provider, '(none)') end as billed_as,
    priced.billed_in as currency, priced.billed_cost, priced.fx_rate, priced.fx_starts_on, priced.fx_basis,
    priced.billed_cost_usd, priced.list_cost_usd, priced.contracted_cost_usd, priced.effective_cost_usd,
    -- Who used a commitment bears its amortised cost; where a bill has no amortised view, what was billed.
    coalesce(priced.effective_cost_usd, priced.billed_cost_usd) as cost_usd,
    case when priced.fx_basis is null then concat('no rate of ', priced.billed_in, ' on that day') end as unconverted_reason,
    priced.quantity, priced.quantity_unit, priced.meter, priced.tokens, priced.served_tier, priced.billing_period, priced.invoice_id,
    priced.billing_account_id, priced.resource_id, priced.service_name, priced.region_id, priced.commitment_status, priced.tags,
    priced.key_id, priced.project_id, priced.file_id
from priced
