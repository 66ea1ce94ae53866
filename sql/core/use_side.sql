/*
The sides of a bill in the same terms: what it says, what the provider counts, what we computed, and what of that is billed for another day.

grain: one row per day that a bill covers, provider, model by its card's name, key, tier, meter and side
key: [day, provider, model, key, served_tier, meter, side]
monthly: true
must:
  - side in ('billed', 'count', 'computed', 'moved')
*/
with line as (
    select
        use.*, known_key(known.known_by, use.project_id, use.key_id) as key
    from core.billed_use as use
    inner join core.use_key as known on known.day = use.day and known.provider = use.provider
    where use.day >= getvariable('from_day') and use.day < getvariable('to_day') and use.kind in ('use', 'late', 'count')
),
-- The charge by which the use of a day is billed: its own, else the latest one for several days that holds it.
span as (
    select calendar.day, line.provider, line.model, max(line.day) as billed_day
    from line
    inner join book.day as calendar on calendar.day >= line.day and calendar.day < line.ends_on and calendar.day < getvariable('to_day')
    where line.kind <> 'count'
    group by calendar.day, line.provider, line.model
),
counted as (
    select
        use.*, case when use.billed_day < getvariable('from_day') then use.billed_day else coalesce(span.billed_day, use.billed_day)
            end as home_day
    from core.computed_use as use
    left join span on span.day = use.billed_day and span.provider = use.provider and span.model = use.model
    where use.day >= getvariable('from_day') and use.day < getvariable('to_day') and use.kind in ('answered', 'failed', 'usage')
),
own as (
    select
        counted.*, known_key(known.known_by, counted.project_id, counted.key_id) as key
    from counted
    left join core.use_key as known on known.day = greatest(counted.home_day, getvariable('from_day')) and known.provider = counted.provider
),
part as (
    select
        day, provider, model, key, served_tier, meter, case when kind = 'count' then kind else 'billed' end as side, lines, token_lines,
        tokens, case when kind = 'late' then tokens end as late_tokens, until_on, billed_usd as usd, stated_usd, bound_pico, line_item,
        file_id
    from line
    union all
    select home_day, provider, model, key, served_tier, meter, 'computed', 0, 0, tokens, 0, null, computed_usd, null, null, null, null
    from own
    union all
    select home_day, provider, model, key, served_tier, meter, 'moved', 0, 0, tokens, 0, null, computed_usd, null, null, null, null
    from own where home_day <> day
    union all
    select day, provider, model, key, served_tier, meter, 'moved', 0, 0, -tokens, 0, null, -computed_usd, null, null, null, null
    from own where home_day <> day
),
-- Lines that name no meter are held against all of their model.
whole as (
    select line.day, line.provider, line.model, line.key
    from line
    where line.kind <> 'count'
    group by line.day, line.provider, line.model, line.key
    having min(line.meter) = 'other' and max(line.meter) = 'other'
),
placed as (
    select
        calendar.period, part.*, case when whole.day is null then part.served_tier else 'standard' end as tier,
        case when whole.day is null then part.meter else 'other' end as what
    from part
    inner join (select distinct day, provider from span) as covered on covered.day = part.day and covered.provider = part.provider
    inner join book.day as calendar on calendar.day = part.day
    left join whole on whole.day = part.day and whole.provider = part.provider and whole.model = part.model and whole.key = part.key
)
select
    placed.period, placed.day, placed.provider, placed.model, placed.key,
    placed.tier as served_tier, placed.what as meter, placed.side, cast(sum(placed.lines) as bigint) as lines,
    cast(sum(placed.token_lines) as bigint) as token_lines, cast(sum(placed.tokens) as bigint) as tokens,
    cast(sum(placed.late_tokens) as bigint) as late_tokens, max(placed.until_on) as until_on,
    cast(sum(placed.usd) as decimal(38,12)) as usd, cast(sum(placed.stated_usd) as decimal(38,12)) as stated_usd,
    cast(sum(placed.bound_pico) as decimal(38,0)) as bound_pico,    min(placed.line_item) as line_item, min(placed.file_id) as file_id
from placed
group by placed.period, placed.day, placed.provider, placed.model, placed.key, placed.tier, placed.what, placed.side
