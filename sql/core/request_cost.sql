/*
What each request cost at the rate in force when it happened, at list, contracted and effective price, with all that reports group it by.

grain: one row per request attempt
key: request_id
daily: true
keeps_order: true
must:
  - cost_usd >= 0 or cost_usd is null
  - (effective_cost_usd is null) = (unpriced_reason is not null)
should:
  - cost_usd is not null
  - coalesce(reported_cost_usd, 0) <= 1000 * cast(coalesce(nullif(effective_cost_usd, 0), reported_cost_usd, 0) as decimal(38,12))
*/
with request as (
    select
        request.*, billing is distinct from 'not billed' as is_paid, billing = 'unknown' as is_unsure,
        coalesce(cost_basis = 'reported', false) and commitment is null as is_believed, cache_read_tokens as reads,
        cache_write_5m_tokens as writes_5m, cache_write_1h_tokens as writes_1h, reasoning_tokens as reasoned,
        coalesce(prompt_tokens, 0) as whole_input, coalesce(input_tokens, 0) as uncached_input
    from core.request as request
    where day >= getvariable('from_day') and day < getvariable('to_day')
),
other as (
    select
        used.request_id, used.day, max(used.unpriced_reason) as unpriced_reason, row_pico(sum(used.list_cost_usd)) as list_cost,
        row_pico(sum(used.contracted_cost_usd)) as contracted_cost, row_pico(sum(used.effective_cost_usd)) as effective_cost
    from core.request_meter as used
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day')
    group by used.request_id, used.day
    union all
    -- What a call without any finds: where each call finds one row, they stay in their order.
    select distinct
        '' as request_id, cell.day, cast(null as varchar) as unpriced_reason, 0 as list_cost, 0 as contracted_cost, 0 as effective_cost
    from core.price_cell as cell
    where cell.day >= getvariable('from_day') and cell.day < getvariable('to_day')
),
rated as (
    select
        request.*, rate.rate_id, rate.card_version, rate.card_model, rate.matched_rule, rate.request_pico, rate.minimum_pico,
        -- What a pool of one's own serves is paid there, whatever its source reports.
        case when is_paid and rate.is_self_hosted is distinct from true then reported_cost_usd end as said_usd,
        rate.unpriced_reason as no_rate, other.unpriced_reason as no_meter, rate.is_layered and is_paid as is_layered,
        coalesce(other.effective_cost, 0) as other_cost, cost_of(input_tokens, rate.input_pico) as input_cost,
        cost_if_any(reads, rate.cache_read_pico) as cache_read_cost,
        cost_if_any(writes_5m, rate.cache_write_5m_pico) + cost_if_any(writes_1h, rate.cache_write_1h_pico) as write_cost,
        cost_of(output_tokens, rate.output_pico) + cost_if_any(reasoned, rate.reasoning_extra_pico) as output_cost,
        case when rate.is_layered then cost_of(input_tokens, rate.contracted_input_pico) + cost_if_any(reads, rate.contracted_cache_read_pico)
            + cost_if_any(writes_5m, rate.contracted_cache_write_5m_pico) + cost_if_any(writes_1h, rate.contracted_cache_write_1h_pico)
            + cost_of(output_tokens, rate.contracted_output_pico) + cost_if_any(reasoned, rate.contracted_reasoning_extra_pico)
            + rate.contracted_request_pico + coalesce(other.contracted_cost, 0) end as contracted_cost,
        case when rate.is_layered then cost_of(input_tokens, rate.list_input_pico) + cost_if_any(reads, rate.list_cache_read_pico)
            + cost_if_any(writes_5m, rate.list_cache_write_5m_pico) + cost_if_any(writes_1h, rate.list_cache_write_1h_pico)
            + cost_of(output_tokens, rate.list_output_pico) + cost_if_any(reasoned, rate.list_reasoning_extra_pico)
            + rate.list_request_pico + coalesce(other.list_cost, 0) end as list_cost,
        rate.contracted_minimum_pico, rate.list_minimum_pico
    from request
    left join other on other.request_id = coalesce(request.metered_id, '') and other.day = request.day
    left join core.price_cell as cut on cut.cell = 0 and cut.day = request.day and cut.priced_as = request.priced_as
    left join core.price_cell as rate
        on rate.day = request.day and rate.priced_as = request.priced_as
        and rate.cell = case when cut.is_alone then 0 else cell_of(
            request.whole_input, cut.input_cut_1, cut.input_cut_2, cut.input_cut_3, cut.input_cut_4, cut.input_cut_5, cut.input_cut_6,
            cut.input_cut_7, request.uncached_input, cut.uncached_cut_1, cut.uncached_cut_2, cut.uncached_cut_3,
            request.started_at, cut.time_cut_1, cut.time_cut_2, cut.time_cut_3, cut.time_cut_4, cut.time_cut_5) end
),
summed as (
    select rated.*, input_cost + cache_read_cost + write_cost + output_cost + request_pico + other_cost as total from rated
),
costed as (
    select
        summed.*, row_usd(case when not is_paid then 0 when no_rate is not null or no_meter is not null then null
            when minimum_pico > 0 then case when total < minimum_pico then minimum_pico else total end else total end) as computed_usd,
        case when is_believed and said_usd > 0 then said_usd end as own_usd,
        case when is_layered then row_usd(case when list_cost < list_minimum_pico then list_minimum_pico else list_cost end) end as list_usd,
        case when is_layered then row_usd(case when contracted_cost < contracted_minimum_pico then contracted_minimum_pico
            else contracted_cost end) end as contracted_usd
    from summed
),
stated as (
    -- A reported zero for tokens is a price its source did not know.
    select costed.*, coalesce(own_usd, computed_usd, case when said_usd > 0 then said_usd end) as stated_usd from costed
)
select
    request_id, operation_id, attempt, day, book_day, started_at, source, provider, model, card_model, served_tier, region, status,
    error_class, billing, key_id, project_id, team, cost_centre, tenant, feature, environment, experiment_arm, is_cache_hit, is_estimated,
    input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
    rate_id, card_version, matched_rule, commitment, row_usd(case when is_paid then input_cost else 0 end) as input_cost_usd,
    row_usd(case when is_paid then cache_read_cost else 0 end) as cache_read_cost_usd,
    row_usd(case when is_paid then write_cost else 0 end) as cache_write_cost_usd,
    row_usd(case when is_paid then output_cost else 0 end) as output_cost_usd,
    row_usd(case when is_paid then other_cost else 0 end) as other_cost_usd,
    case when is_layered then list_usd else computed_usd end as list_cost_usd,
    case when is_layered then contracted_usd else computed_usd end as contracted_cost_usd,
    computed_usd as effective_cost_usd, reported_cost_usd, stated_usd as cost_usd,
    case when is_unsure then stated_usd else row_usd(0) end as uncertain_cost_usd,
    case when own_usd is not null then 'reported' when computed_usd is not null then 'computed'
        when stated_usd is not null then 'reported' end as cost_basis, own_usd is not null as is_source_priced,
    case when computed_usd is not null then null when input_tokens is null or output_tokens is null then 'no tokens'
        when no_rate is not null then no_rate when no_meter is not null then no_meter
        when request_pico is null then 'no date' else 'no meter' end as unpriced_reason
from stated
