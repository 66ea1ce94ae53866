/*
Input tokens per request of a feature against its own history: the median of the days with calls among the 28 before. The tokens beyond
it at the price that the day's input had, and the first day of the rise. Beside it context, and instructions that were sent again.

grain: one row per day, feature, provider and model with prompts
key: [day, feature, provider, model]
daily: true
lookback_days: 28
must:
  - (usual_milli_tokens is null) = (unknown_reason is not null)
  - rose_on is null or (rose_on <= day and excess_tokens > 0)
  - repeated_cost_usd >= 0
*/
-- Thousandths of a token per request, so that a mean is a whole number.
with daily as (
    select used.*, cast(div_trunc(cast(used.prompt_tokens as decimal(18,0)) * 1000, used.requests) as bigint) as milli
    from core.prompt_use as used
    where used.day >= getvariable('from_day') - 28 and used.day < getvariable('to_day')
),
past as (
    select
        now.day, now.feature, now.provider, now.model, earlier.day as past_day, earlier.milli,
        row_number() over (partition by now.day, now.feature, now.provider, now.model order by earlier.milli, earlier.day) as place,
        count(*) over (partition by now.day, now.feature, now.provider, now.model) as days
    from daily as now
    inner join daily as earlier
        on earlier.feature = now.feature and earlier.provider = now.provider and earlier.model = now.model
        and earlier.day >= now.day - 28 and earlier.day < now.day
    where now.day >= getvariable('from_day')
),
usual as (
    -- The lower of the two in the middle where the days are even.
    select past.day, past.feature, past.provider, past.model, past.days, past.milli
    from past
    where past.place = div_trunc(past.days + 1, 2) and past.days >= 7
),
-- A tenth above the median is a rise; it began after the last day that was not.
quiet as (
    select past.day, past.feature, past.provider, past.model, max(past.past_day) as last_day
    from past
    inner join usual
        on usual.day = past.day and usual.feature = past.feature and usual.provider = past.provider and usual.model = past.model
    where past.milli * 10 <= usual.milli * 11
    group by past.day, past.feature, past.provider, past.model
),
begun as (
    select past.day, past.feature, past.provider, past.model, min(past.past_day) as first_day
    from past
    inner join quiet
        on quiet.day = past.day and quiet.feature = past.feature and quiet.provider = past.provider and quiet.model = past.model
    where past.past_day > quiet.last_day
    group by past.day, past.feature, past.provider, past.model
),
held as (
    select
        daily.*, usual.milli as usual_milli, coalesce(begun.first_day, daily.day) as first_day,
        daily.prompt_tokens - div_trunc(usual.milli * daily.requests, 1000) as excess
    from daily
    left join usual
        on usual.day = daily.day and usual.feature = daily.feature and usual.provider = daily.provider and usual.model = daily.model
    left join begun
        on begun.day = daily.day and begun.feature = daily.feature and begun.provider = daily.provider and begun.model = daily.model
    where daily.day >= getvariable('from_day')
)
select
    held.day, held.feature, held.provider, held.model, held.requests, held.prompt_tokens, held.input_cost_usd,
    cast(held.usual_milli as bigint) as usual_milli_tokens, cast(held.excess as bigint) as excess_tokens,
    -- Unknown where no call of the day has a price.
    case when held.priced_tokens > 0 then to_usd(div_trunc(
        cast(to_pico(held.input_cost_usd) as decimal(22,0)) * cast(held.excess as decimal(15,0)), held.priced_tokens)) end
        as excess_cost_usd,
    case when held.milli * 10 > held.usual_milli * 11 then held.first_day end as rose_on, held.context_requests, held.context_tokens,
    held.context_known_tokens, held.prefix_requests, held.prefixes, held.prefix_tokens, held.repeated_requests, held.repeated_tokens,
    held.repeated_cost_usd, case when held.usual_milli is null then 'fewer than 7 days of history' end as unknown_reason
from held
