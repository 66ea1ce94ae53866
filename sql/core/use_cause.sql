/*
Why a bill and what we computed differ: the difference of each meter in named causes, each with its tokens, its money and what shows it.

grain: one row per day, provider, model by its card's name, key, tier, meter and cause
key: [day, provider, model, key, served_tier, meter, cause]
monthly: true
must:
  - abs(amount_usd) < 1000000000000
*/
with gap as (
    select
        gap.*, move.cached_tokens, move.tier_tokens, move.tier_cause, move.rest_tokens,
        least(greatest(move.rest_tokens, 0), greatest(gap.late_tokens, 0)) as late,
        cast(div_trunc(to_pico(gap.billed_usd - gap.fx_usd), case when gap.billed_tokens > 0 then gap.billed_tokens else 1 end)
            as decimal(26,0)) * cast(0.000001 as decimal(6,6)) as asked_usd,
        cast(gap.price_pico as decimal(19,0)) * cast(0.000001 as decimal(6,6)) as card_usd,
        case gap.lines when 0 then 'no line of ' || gap.meter || ', ' || gap.served_tier when 1 then coalesce(gap.line_item, gap.meter)
            else cast(gap.lines as varchar) || ' lines such as ' || coalesce(gap.line_item, gap.meter) end as shown
    from core.use_gap as gap
    inner join core.use_move as move on move.day = gap.day and move.provider = gap.provider and move.model = gap.model
        and move.key = gap.key and move.served_tier = gap.served_tier and move.meter = gap.meter
    where gap.day >= getvariable('from_day') and gap.day < getvariable('to_day')
),
part as (
    select gap.*, 'FX' as cause, cast(null as bigint) as tokens, to_pico(gap.fx_usd) as pico, gap.shown as detail from gap
    union all
    select gap.*, gap.money_cause, null, gap.money_pico,
        case when gap.money_cause = 'price drift' and gap.billed_tokens > 0 then concat(gap.shown, ': billed at ',
            cast(gap.asked_usd as varchar), ' USD per million, card ', cast(gap.card_usd as varchar)) else gap.shown end
    from gap
    where gap.money_pico <> 0
    union all
    select gap.*, 'time zone', gap.moved_tokens, to_pico(gap.moved_usd), 'the bill counts other hours as the day' from gap
    union all
    select gap.*, claim.cause, claim.tokens, cast(claim.tokens as decimal(19,0)) * cast(gap.price_pico as decimal(18,0)), claim.shown_by
    from gap
    inner join core.use_claim as claim on claim.day = gap.day and claim.provider = gap.provider and claim.model = gap.model
        and claim.key = gap.key and claim.served_tier = gap.served_tier and claim.meter = gap.meter
    union all
    select gap.*, 'cache convention', greatest(gap.cached_tokens, 0),
        cast(gap.cached_tokens as decimal(19,0)) * cast(gap.price_pico as decimal(18,0)), gap.shown
    from gap
    union all
    select gap.*, gap.tier_cause, greatest(gap.tier_tokens, 0),
        cast(gap.tier_tokens as decimal(19,0)) * cast(gap.price_pico as decimal(18,0)), gap.shown
    from gap
    union all
    select gap.*, 'late', gap.late, cast(gap.late as decimal(19,0)) * cast(gap.price_pico as decimal(18,0)), gap.shown from gap
    union all
    -- At the end of a month, hours that a charge still holds lie in the next.
    select gap.*, case when gap.rest_tokens < 0 then 'logged, not billed' when gap.until_on > getvariable('to_day') then 'time zone'
            else 'not logged' end, gap.rest_tokens - gap.late,
        cast(gap.rest_tokens - gap.late as decimal(19,0)) * cast(gap.price_pico as decimal(18,0)), gap.shown
    from gap
)
select
    part.period, part.day, part.provider, part.model, part.key, part.served_tier, part.meter, part.cause,
    cast(sum(part.tokens) as bigint) as tokens, to_usd(sum(part.pico)) as amount_usd, max(part.detail) as detail,
    min(part.file_id) as file_id
from part
where part.pico <> 0 or part.tokens <> 0
group by part.period, part.day, part.provider, part.model, part.key, part.served_tier, part.meter, part.cause
