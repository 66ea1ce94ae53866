/*
What changes of price did to a day: its use at the card of the day before, beside what it cost. Only where a price changed.

grain: one row per day, owner, provider and model whose use had another price the day before, each hour compared with the same one then
key: [day, team, tenant, feature, provider, model]
daily: true
book_days: true
must:
  - cost_usd - before_usd = change_usd
*/
-- What sources price themselves, commitments serve or nobody bills is left out, and what had no price before: of that no change is known.
with price as (
    select
        move.*, row_pico(coalesce(paid.input_usd, list.input_usd)) as input_pico,
        row_pico(coalesce(paid.cache_read_usd, list.cache_read_usd)) as cache_read_pico,
        row_pico(coalesce(paid.cache_write_5m_usd, list.cache_write_5m_usd)) as cache_write_5m_pico,
        row_pico(coalesce(paid.cache_write_1h_usd, list.cache_write_1h_usd)) as cache_write_1h_pico,
        row_pico(coalesce(paid.output_usd, list.output_usd)) as output_pico,
        case when list.reasoning_usd is null then 0 else row_pico(coalesce(paid.reasoning_usd, list.reasoning_usd))
            - row_pico(coalesce(paid.output_usd, list.output_usd)) end as reasoning_extra_pico,
        row_pico(coalesce(paid.request_usd, list.request_usd, cast(0 as decimal(18,12)))) as request_pico
    from core.price_move as move
    inner join rate_cards.rate as list
        on list.layer = 'list' and list.rate_id = move.before_rate_id and list.priced_from = move.before_priced_from
    left join rate_cards.rate as paid
        on paid.layer = 'effective' and paid.rate_id = list.rate_id and paid.priced_from = list.priced_from
),
other as (
    select used.day, used.request_id, move.before_rate_id, count(*) as meters, count(unit.effective_usd) as known,
        row_pico(sum(cast(used.quantity * unit.effective_usd as decimal(18,12)))) as pico
    from core.price_move as move
    inner join core.request_meter as used on used.day = move.day and used.rate_id = move.rate_id
    left join rate_cards.unit_rate as unit
        on unit.rate_id = move.before_rate_id and unit.priced_from = move.before_priced_from and unit.meter = used.meter
    group by used.day, used.request_id, move.before_rate_id
),
called as (
    select
        cost.book_day, cost.team, cost.tenant, cost.feature, cost.provider, cost.model, price.rate_id, price.before_rate_id,
        cost.cost_usd, price.minimum_pico, cost_of(cost.input_tokens, price.input_pico)
        + cost_of(coalesce(cost.cache_read_tokens, 0), price.cache_read_pico)
        + cost_of(coalesce(cost.cache_write_5m_tokens, 0), price.cache_write_5m_pico)
        + cost_of(coalesce(cost.cache_write_1h_tokens, 0), price.cache_write_1h_pico) + cost_of(cost.output_tokens, price.output_pico)
        + cost_of(coalesce(cost.reasoning_tokens, 0), price.reasoning_extra_pico) + price.request_pico
        + case when request.fee_usd > 0 then row_pico(request.fee_usd) else 0 end
        + case when other.meters is null then 0 when other.known = other.meters then other.pico end as total
    from price
    inner join core.request_cost as cost on cost.day = price.day and cost.rate_id = price.rate_id
    inner join core.request as request
        on request.day = cost.day and request.request_id = cost.request_id
        and coalesce(request.prompt_tokens, 0) > price.input_above and coalesce(request.prompt_tokens, 0) <= price.input_up_to
        and coalesce(request.input_tokens, 0) > price.uncached_above and coalesce(request.input_tokens, 0) <= price.uncached_up_to
    left join other on other.day = cost.day and other.request_id = cost.request_id and other.before_rate_id = price.before_rate_id
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day') and cost.cost_basis = 'computed'
        and cost.commitment is null and cost.billing is distinct from 'not billed'
        and unix_second(cost.started_at) - 86400 >= price.before_from and unix_second(cost.started_at) - 86400 < price.before_to
),
line as (
    select called.book_day as day, called.team, called.tenant, called.feature, called.provider, called.model, called.rate_id,
        called.before_rate_id, cast(called.cost_usd as decimal(38,12)) as cost_usd,
        cast(row_usd(greatest(called.total, called.minimum_pico)) as decimal(38,12)) as before_usd
    from called
    where called.total is not null
    union all
    select usage.book_day, usage.team, usage.tenant, usage.feature, usage.provider, usage.model, move.rate_id, move.before_rate_id,
        used.effective_cost_usd, cast(used.quantity * unit.effective_usd as decimal(38,12))
    from core.usage_meter as used
    inner join core.price_move as move
        on move.day = used.day and move.rate_id = used.rate_id and move.input_above = -1 and move.uncached_above = -1
    inner join core.usage as usage on usage.usage_id = used.usage_id and usage.day = used.day
        and unix_second(usage.starts_at) - 86400 >= move.before_from and unix_second(usage.starts_at) - 86400 < move.before_to
    inner join core.usage_cost as cost on cost.usage_id = used.usage_id and cost.day = used.day and cost.cost_basis = 'computed'
    inner join rate_cards.unit_rate as unit
        on unit.rate_id = move.before_rate_id and unit.priced_from = move.before_priced_from and unit.meter = used.meter
    left join (select distinct spend.day, spend.provider from core.model_spend as spend where spend.basis = 'requests') as logged
        on logged.day = usage.day and logged.provider = coalesce(usage.provider, '(none)')
    where usage.book_day >= getvariable('from_day') and usage.book_day < getvariable('to_day') and logged.day is null
)
select
    line.day, coalesce(line.team, 'unowned') as team, coalesce(line.tenant, '(none)') as tenant,
    coalesce(line.feature, '(none)') as feature, coalesce(line.provider, '(none)') as provider, coalesce(line.model, '(none)') as model,
    cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd, cast(sum(line.before_usd) as decimal(38,12)) as before_usd,
    cast(sum(line.cost_usd) - sum(line.before_usd) as decimal(38,12)) as change_usd,
    max(line.rate_id) as rate_id, max(line.before_rate_id) as before_rate_id
from line
group by line.day, coalesce(line.team, 'unowned'), coalesce(line.tenant, '(none)'), coalesce(line.feature, '(none)'),
    coalesce(line.provider, '(none)'), coalesce(line.model, '(none)')
having sum(line.cost_usd) <> sum(line.before_usd)
