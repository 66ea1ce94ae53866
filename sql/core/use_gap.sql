/*
By how many tokens of each meter a bill and what we computed differ, and what money the tokens at the card's price leave over.

grain: one row per day that a bill covers, provider, model by its card's name, key, tier and meter
key: [day, provider, model, key, served_tier, meter]
monthly: true
must:
  - billed_usd - computed_usd = fx_usd + to_usd(token_pico + money_pico)
  - (money_pico = 0) = (money_cause is null)
*/
with atom as (
    select
        side.period, side.day, side.provider, side.model, side.key, side.served_tier, side.meter,
        sum(case when side.side = 'billed' then side.lines else 0 end) as lines,
        sum(case when side.side = 'billed' then side.token_lines else 0 end) as token_lines,
        sum(case when side.side = 'billed' then side.tokens end) as line_tokens, coalesce(sum(side.late_tokens), 0) as late_tokens,
        max(side.until_on) as until_on,
        sum(case when side.side = 'count' then side.tokens end) as count_tokens,
        coalesce(sum(case when side.side = 'computed' then side.tokens end), 0) as logged_tokens,
        coalesce(sum(case when side.side = 'moved' then side.tokens end), 0) as moved_tokens,
        coalesce(sum(case when side.side = 'billed' then side.usd end), 0) as billed_usd, coalesce(sum(side.stated_usd), 0) as stated_usd,
        coalesce(sum(case when side.side = 'computed' then side.usd end), 0) as computed_usd,
        coalesce(sum(case when side.side = 'moved' then side.usd end), 0) as moved_usd, coalesce(sum(side.bound_pico), 0) as bound_pico,
        min(side.line_item) as line_item, min(case when side.side = 'billed' then side.file_id end) as file_id
    from core.use_side as side
    where side.day >= getvariable('from_day') and side.day < getvariable('to_day')
    group by side.period, side.day, side.provider, side.model, side.key, side.served_tier, side.meter
),
priced as (
    select
        atom.*, price.pico, to_pico(atom.stated_usd) as stated_pico, to_pico(atom.stated_usd - atom.computed_usd) as gap_pico
    from atom
    left join core.token_price as price
        on price.day = atom.day and price.provider = atom.provider and price.model = atom.model and price.served_tier = atom.served_tier
        and price.meter = atom.meter
),
told as (
    select
        priced.*,
        -- How many tokens a bill means: as its lines say, as the provider counts them, or as its amounts are whole multiples of a price.
        case when priced.meter = 'other' or priced.pico is null then null when priced.lines = 0 then 0
            when priced.token_lines = priced.lines then priced.line_tokens when priced.count_tokens > 0 then priced.count_tokens
            when priced.pico > 0 and priced.stated_pico % greatest(priced.pico, 1) = 0
                then div_trunc(priced.stated_pico, greatest(priced.pico, 1))
            when priced.logged_tokens > 0 and priced.stated_pico % greatest(priced.logged_tokens, 1) = 0 then priced.logged_tokens
            end as billed_tokens
    from priced
),
gap as (
    select
        told.*, cast(coalesce(told.billed_tokens - told.logged_tokens, 0) as bigint) as gap_tokens,
        coalesce(cast(told.billed_tokens - told.logged_tokens as decimal(19,0)) * cast(told.pico as decimal(18,0)), 0) as token_pico
    from told
)
select
    gap.period, gap.day, gap.provider, gap.model, gap.key, gap.served_tier, gap.meter, cast(gap.lines as bigint) as lines,
    cast(gap.billed_tokens as bigint) as billed_tokens, cast(gap.logged_tokens as bigint) as logged_tokens,
    cast(gap.late_tokens as bigint) as late_tokens, cast(gap.moved_tokens as bigint) as moved_tokens, gap.gap_tokens,
    gap.until_on, coalesce(gap.pico, 0) as price_pico, cast(gap.token_pico as decimal(38,0)) as token_pico,
    cast(gap.gap_pico - gap.token_pico as decimal(38,0)) as money_pico,
    case when gap.gap_pico = gap.token_pico then null
        when gap.lines > 0 and abs(gap.gap_pico - gap.token_pico) <= gap.bound_pico then 'rounding'
        when gap.lines = 0 then 'logged, not billed' when gap.billed_tokens is not null then 'price drift'
        when gap.computed_usd = 0 and gap.logged_tokens = 0 then 'not logged' else 'unexplained' end as money_cause,
    cast(gap.billed_usd as decimal(38,12)) as billed_usd, cast(gap.computed_usd as decimal(38,12)) as computed_usd,
    cast(gap.billed_usd - gap.stated_usd as decimal(38,12)) as fx_usd, cast(gap.moved_usd as decimal(38,12)) as moved_usd, gap.line_item,
    gap.file_id
from gap
