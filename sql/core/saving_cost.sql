/*
What requests that an idea of the savings ledger changed cost, and what the same tokens would have cost as it was before.

grain: one row per request attempt that an idea changed
key: request_id
daily: true
must:
  - (was_usd is null) = (unknown_reason is not null) and (cost_usd is null) = (unknown_reason is not null)
*/
-- A request counts for one idea only: the first in the published order of the levers, then in that of the file.
with claim as (
    select
        cost.*, saving.saving, saving.lever, saving.was_provider, saving.was_model, coalesce(cost.cache_read_tokens, 0) as reads,
        coalesce(cost.cache_write_5m_tokens, 0) as writes_5m, coalesce(cost.cache_write_1h_tokens, 0) as writes_1h,
        row_number() over (partition by cost.day, cost.request_id order by saving.step, saving.place) as choice
    from core.request_cost as cost
    inner join book.saving as saving
        on cost.book_day >= saving.live_since and cost.book_day < saving.ends_on
        and (saving.feature is null or saving.feature = cost.feature) and (saving.team is null or saving.team = cost.team)
        and (saving.tenant is null or saving.tenant = cost.tenant) and (saving.environment is null or saving.environment = cost.environment)
        and (saving.model is null or lower(cost.model) like saving.model escape '!')
        and cost.is_cache_hit = (saving.lever = 'response cache') and case saving.lever when 'response cache' then true when 'caps' then true
            when 'routing' then lower(cost.model) like saving.to_model escape '!' when 'batch' then cost.served_tier = 'batch'
            when 'prompt cache' then cost.cache_read_tokens > 0 or cost.cache_write_5m_tokens > 0 or cost.cache_write_1h_tokens > 0 else false end
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
),
placed as (
    select
        claim.*, own.provider as own_provider, coalesce(claim.was_provider, own.provider) as old_provider,
        coalesce(claim.was_model, own.model) as old_model, case when claim.was_model is null then own.region else '' end as old_region,
        case when claim.lever = 'batch' then 'standard' else claim.served_tier end as old_tier,
        cast(claim.input_tokens + claim.reads + claim.writes_5m + claim.writes_1h as bigint) as prompt_tokens
    from claim
    left join rate_cards.rate as own
        on own.layer = 'list' and own.rate_id = claim.rate_id and claim.day >= own.priced_from and claim.day < own.priced_to
    where claim.choice = 1
),
priced as (
    -- The effective price, where a contract makes one; a card without a price for its cache takes those tokens as input.
    select
        placed.*, old.rate_id as old_rate_id, baseline.requests as base_requests, baseline.output_tokens as base_tokens,
        row_pico(price.input_usd) as p_in, row_pico(coalesce(price.cache_read_usd, price.input_usd)) as p_read,
        row_pico(coalesce(price.cache_write_5m_usd, price.input_usd)) as p_5m, row_pico(price.output_usd) as p_out,
        row_pico(coalesce(price.cache_write_1h_usd, price.input_usd)) as p_1h, row_pico(coalesce(price.minimum_usd, row_usd(0))) as p_least,
        row_pico(coalesce(price.reasoning_usd, price.output_usd)) as p_thought, row_pico(coalesce(price.request_usd, row_usd(0))) as p_request
    from placed
    inner join book.day as calendar on calendar.day = placed.day
    left join rate_cards.rate as old
        on old.layer = 'list' and old.provider = placed.old_provider and old.model = placed.old_model and old.served_tier = placed.old_tier
        and old.region = placed.old_region and placed.day >= old.priced_from and placed.day < old.priced_to
        and placed.started_at >= old.starts_at and placed.started_at < old.ends_at
        and case when old.counted_input = 'uncached input' then input_tokens else prompt_tokens end > old.input_above
        and case when old.counted_input = 'uncached input' then input_tokens else prompt_tokens end <= old.input_up_to
        and old.weekdays like '%' || cast(calendar.weekday as varchar) || '%'
        and placed.started_at >= cast(cast(placed.day as varchar) || ' ' || coalesce(old.clock_from, '00:00:00') as timestamp)
        and (old.clock_to is null or placed.started_at < cast(cast(placed.day as varchar) || ' ' || old.clock_to as timestamp))
    left join rate_cards.rate as held
        on held.layer = 'effective' and held.rate_id = old.rate_id and placed.day >= held.priced_from and placed.day < held.priced_to
    left join rate_cards.rate as price
        on price.layer = coalesce(held.layer, 'list') and price.rate_id = old.rate_id
        and placed.day >= price.priced_from and placed.day < price.priced_to
    left join core.saving_baseline as baseline on placed.lever = 'caps' and baseline.saving = placed.saving and baseline.model = placed.model
),
costed as (
    select
        priced.*, priced.billing = 'not billed' and priced.lever <> 'response cache' as is_unpaid,
        case when priced.lever = 'prompt cache' then cost_of(priced.prompt_tokens, priced.p_in) else cost_of(priced.input_tokens, priced.p_in)
            + cost_of(priced.reads, priced.p_read) + cost_of(priced.writes_5m, priced.p_5m) + cost_of(priced.writes_1h, priced.p_1h) end
        + case when priced.lever <> 'caps' then cost_of(priced.output_tokens, priced.p_out)
            else div_trunc(cast(priced.base_tokens as decimal(19,0)) * cast(priced.p_out as decimal(18,0)), nullif(priced.base_requests, 0)) end
        + cost_of(coalesce(priced.reasoning_tokens, 0), priced.p_thought - priced.p_out) + priced.p_request + row_pico(priced.other_cost_usd) as total
    from priced
),
told as (
    select
        costed.*, case when is_unpaid then null when commitment is not null then 'paid by a commitment'
            when own_provider = 'self-hosted' then 'paid as GPU hours' when effective_cost_usd is null then unpriced_reason
            when old_rate_id is null then 'no rate of the model before' when lever = 'caps' and base_requests is null then 'no baseline'
            when total is null then 'no meter' end as unknown_reason
    from costed
)
select
    told.request_id, told.day, told.book_day, told.saving, told.lever,
    case when told.unknown_reason is null then row_usd(case when told.is_unpaid then 0 when told.total < told.p_least then told.p_least
        else told.total end) end as was_usd,
    case when told.unknown_reason is null then told.effective_cost_usd end as cost_usd, told.unknown_reason
from told
