/*
What each bucket of provider usage costs at the rates of its day, else as its source reports it.

grain: one row per bucket and group of a usage export
key: usage_id
daily: true
must:
  - cost_usd >= 0 or cost_usd is null
  - (cost_usd is null) = (unpriced_reason is not null)
*/
with meter as (
    select
        used.usage_id, used.day,
        -- A fee per request is rare: without one, the requests themselves cost nothing.
        max(case when used.meter = 'request' and used.unpriced_reason = 'no meter' then null else used.unpriced_reason end) as unpriced_reason,
        cast(sum(used.list_cost_usd) as decimal(38,12)) as list_cost_usd,
        cast(sum(used.contracted_cost_usd) as decimal(38,12)) as contracted_cost_usd,
        cast(sum(used.effective_cost_usd) as decimal(38,12)) as effective_cost_usd
    from core.usage_meter as used
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day')
    group by used.usage_id, used.day
),
costed as (
    select
        usage.usage_id, usage.day, usage.source, usage.provider, usage.model, usage.reported_cost_usd,
        rate.rate_id, rate.card_model, rate.card_version, rate.matched_rule,
        case when (usage.input_tokens is null or usage.output_tokens is null) and usage.quantity is null then 'no tokens'
            else coalesce(rate.unpriced_reason, case when rate.rate_key is null then 'no date' end, meter.unpriced_reason) end as unpriced_reason,
        coalesce(meter.list_cost_usd, 0) as list_cost_usd, coalesce(meter.contracted_cost_usd, 0) as contracted_cost_usd,
        coalesce(meter.effective_cost_usd, 0) as effective_cost_usd
    from core.usage as usage
    left join meter on meter.usage_id = usage.usage_id and meter.day = usage.day
    left join core.rate_in_force as rate
        on rate.day = usage.day and rate.provider = coalesce(usage.provider, '') and rate.model = coalesce(usage.model, '')
        and rate.served_tier = usage.served_tier and rate.region = coalesce(usage.region, '')
        and usage.starts_at >= rate.holds_from and usage.starts_at < rate.holds_to and rate.input_above = -1 and rate.uncached_above = -1
    where usage.day >= getvariable('from_day') and usage.day < getvariable('to_day')
)
select
    costed.usage_id, costed.day, costed.source, costed.provider, costed.model, costed.card_model, costed.rate_id, costed.card_version,
    costed.matched_rule,
    cast(case when costed.unpriced_reason is null then costed.list_cost_usd end as decimal(38,12)) as list_cost_usd,
    cast(case when costed.unpriced_reason is null then costed.contracted_cost_usd end as decimal(38,12)) as contracted_cost_usd,
    cast(case when costed.unpriced_reason is null then costed.effective_cost_usd end as decimal(38,12)) as effective_cost_usd,
    costed.reported_cost_usd,
    cast(case when costed.unpriced_reason is null then costed.effective_cost_usd else costed.reported_cost_usd end as decimal(38,12)) as cost_usd,
    case when costed.unpriced_reason is null then 'computed' when costed.reported_cost_usd is not null then 'reported' end as cost_basis,
    case when costed.reported_cost_usd is null then costed.unpriced_reason end as unpriced_reason
from costed
