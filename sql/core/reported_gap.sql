/*
Requests whose reported cost is not the computed one, each with the one cause that gives its difference to the last picodollar.

grain: one row per request attempt
key: request_id
daily: true
must:
  - cause in ('logged, not billed', 'failed calls', 'cache convention', 'rounding', 'price drift', 'batch', 'tier', 'unexplained')
  - gap_usd <> 0
*/
with price as (
    select
        day, rate_id, max(input_pico) as input_pico, max(cache_read_pico) as read_pico, max(cache_write_5m_pico) as write_pico,
        max(cache_write_1h_pico) as hour_pico
    from core.price_in_force
    where day >= getvariable('from_day') and day < getvariable('to_day') and rate_id is not null
    group by day, rate_id
),
unit as (
    -- What a reported cost may be off because it was rounded.
    select day, coalesce(source, '') as source, half_unit(row_pico(reported_cost_usd)) as half_pico
    from core.request_cost
    where day >= getvariable('from_day') and day < getvariable('to_day')
    group by day, coalesce(source, '')
),
odd as (
    select
        cost.*, coalesce(row_pico(cost.reported_cost_usd), 0) as said, row_pico(cost.effective_cost_usd) as cost, unit.half_pico as half,
        coalesce(row_pico(cost.reported_cost_usd), 0) - coalesce(row_pico(cost.effective_cost_usd), 0) as gap,
        coalesce(cost.input_tokens, 0) as fresh, coalesce(cost.cache_read_tokens, 0) as reads,
        coalesce(cost.cache_write_5m_tokens, 0) as writes, coalesce(cost.cache_write_1h_tokens, 0) as hours,
        coalesce(cost.output_tokens, 0) as written, price.input_pico,
        coalesce(price.input_pico - price.read_pico, 0) as discount, coalesce(price.write_pico - price.input_pico, 0) as premium,
        coalesce(price.hour_pico - price.input_pico, 0) as hour_premium
    from core.request_cost as cost
    inner join (select distinct day, coalesce(provider, '') as seller from core.request_cost where reported_cost_usd > 0) as reporting
        on reporting.day = cost.day and reporting.seller = coalesce(cost.provider, '')
    inner join unit on unit.day = cost.day and unit.source = coalesce(cost.source, '')
    left join price on price.day = cost.day and price.rate_id = cost.rate_id
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
        and coalesce(cost.reported_cost_usd, 0) <> coalesce(cost.effective_cost_usd, 0)
),
judged as (
    select
        odd.*, case when status = 'failure' and (said = 0 or cost = 0) then 'failed calls' when cost is null then 'unexplained'
            when said = 0 then 'logged, not billed' when is_cache_hit then 'cache convention' when abs(gap) <= half then 'rounding'
            -- Reads counted again as input; no discount for reads; all at the price of input; no premium for writes, or for an hour's.
            when abs(gap - reads * input_pico) <= half or abs(gap - reads * discount) <= half
                or abs(gap - reads * discount + writes * premium + hours * hour_premium) <= half
                or abs(gap + writes * premium + hours * hour_premium) <= half or abs(gap + hours * (hour_premium - premium)) <= half
                then 'cache convention' end as cause
    from odd
),
-- The same tokens at any other price of the model: of another day, of another tier, before the contract.
offer as (
    select
        own.rate_id as own_id, greatest(own.priced_from, rate.priced_from) as held_from, least(own.priced_to, rate.priced_to) as held_to,
        rate.rate_id, rate.layer, rate.served_tier as tier, rate.starts_at, row_pico(rate.input_usd) as input_pico,
        row_pico(rate.output_usd) as output_pico, row_pico(rate.cache_read_usd) as read_pico,
        row_pico(rate.cache_write_5m_usd) as write_pico, row_pico(rate.cache_write_1h_usd) as hour_pico
    from rate_cards.rate as own
    inner join rate_cards.rate as rate on rate.provider = own.provider and rate.model = own.model and own.layer = 'list'
),
other as (
    select
        judged.request_id, offer.rate_id, offer.layer, case when offer.tier = judged.served_tier then 'price drift'
            when offer.tier = 'batch' or judged.served_tier = 'batch' then 'batch' else 'tier' end as cause,
        row_number() over (partition by judged.request_id order by case when offer.tier = judged.served_tier then 0 else 1 end,
            offer.starts_at desc, offer.rate_id, offer.layer) as choice
    from judged
    inner join offer on offer.own_id = judged.rate_id and judged.day >= offer.held_from and judged.day < offer.held_to
    where judged.cause is null and abs(judged.said - cost_of(fresh, offer.input_pico) - cost_of(reads, offer.read_pico)
        - cost_of(writes, offer.write_pico) - cost_of(hours, offer.hour_pico) - cost_of(written, offer.output_pico)) <= half
)
select
    judged.request_id, judged.day, coalesce(judged.provider, '(none)') as provider,
    coalesce(judged.card_model, judged.model, '(none)') as model, coalesce(judged.project_id, '') as project_id,
    coalesce(judged.key_id, '') as key_id, coalesce(judged.cause, other.cause, 'unexplained') as cause,
    judged.fresh + judged.reads + judged.writes + judged.hours + judged.written as tokens, row_usd(judged.gap) as gap_usd,
    coalesce('as in ' || other.rate_id || ', ' || other.layer, 'no price: ' || judged.unpriced_reason, case judged.cause
        when 'failed calls' then judged.error_class when 'cache convention' then 'cached tokens counted or priced as others' end) as detail
from judged
left join other on other.request_id = judged.request_id and other.choice = 1
