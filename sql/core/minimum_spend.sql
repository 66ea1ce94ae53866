/*
What a minimum spend adds to what a provider's models cost: the month's shortfall to date, accrued by the day, final on its last day.

grain: one row per day and minimum
key: [day, minimum]
daily: true
lookback_days: 62
must:
  - shortfall_usd >= 0 and shortfall_usd <= due_usd
*/
with spent as (
    select spend.day, lower(spend.provider) as provider, to_pico(sum(coalesce(spend.cost_usd, 0))) as pico
    from core.model_spend as spend
    where spend.day >= getvariable('from_day') - 62 and spend.day < getvariable('to_day')
    group by spend.day, lower(spend.provider)
    union all
    select hour.day, lower(hour.provider) as provider, to_pico(sum(hour.cost_usd)) as pico
    from core.commitment_hour as hour
    where hour.day >= getvariable('from_day') - 62 and hour.day < getvariable('to_day') and hour.kind = 'provisioned_throughput'
    group by hour.day, lower(hour.provider)
    union all
    select free.day, lower(free.provider) as provider, -to_pico(sum(free.credit_usd)) as pico
    from core.allowance_use as free
    where free.day >= getvariable('from_day') - 62 and free.day < getvariable('to_day')
    group by free.day, lower(free.provider)
),
calendar as (
    select calendar.day, calendar.month_start, calendar.days_in_month, calendar.day_number
    from book.day as calendar
    where calendar.day >= getvariable('from_day') - 62 and calendar.day < getvariable('to_day')
),
known as (
    select distinct spend.day from core.model_spend as spend
    where spend.day >= getvariable('from_day') - 62 and spend.day < getvariable('to_day')
),
month as (
    -- A month counts from its first day, but the month in which the book's data begins from the first day of data.
    select calendar.month_start, min(case when known.day < calendar.month_start then calendar.month_start else known.day end) as counts_from
    from (select distinct month_start from calendar) as calendar
    inner join known on known.day >= calendar.month_start - 31 and known.day < calendar.month_start + 31
    group by calendar.month_start
),
held as (
    select
        calendar.day, calendar.month_start, calendar.days_in_month, lower(entry.provider) as provider, entry.minimum,
        max(entry.provider) as named, max(entry.owner) as owner, cast(to_pico(sum(entry.monthly_usd)) as decimal(24,0)) as pico,
        cast(greatest(calendar.day_number - max(first.day_number) + 1, 0) as decimal(2,0)) as days
    from calendar
    inner join book.minimum_spend as entry on calendar.day >= entry.starts_on and calendar.day < entry.ends_on
    inner join month on month.month_start = calendar.month_start
    inner join book.day as first on first.day = month.counts_from
    group by calendar.day, calendar.month_start, calendar.days_in_month, calendar.day_number, lower(entry.provider), entry.minimum
),
summed as (
    select
        held.day, held.month_start, held.minimum, held.named as provider, held.owner,
        div_trunc(held.pico * held.days, held.days_in_month) as due, sum(coalesce(spent.pico, 0)) over (
            partition by held.minimum, held.month_start order by held.day rows between unbounded preceding and current row
        ) as spent
    from held
    left join (
        select spent.day, spent.provider, sum(spent.pico) as pico from spent group by spent.day, spent.provider
    ) as spent on spent.day = held.day and spent.provider = held.provider
),
short as (
    select summed.*, greatest(summed.due - summed.spent, 0) as short from summed
),
accrued as (
    select
        short.*, coalesce(sum(short.short) over (
            partition by short.minimum, short.month_start order by short.day rows between 1 preceding and 1 preceding
        ), 0) as short_before
    from short
)
select
    accrued.day, accrued.minimum, accrued.provider, accrued.owner, to_usd(accrued.due) as due_usd, to_usd(accrued.spent) as spent_usd,
    to_usd(accrued.short) as shortfall_usd, to_usd(accrued.short - accrued.short_before) as accrued_usd
from accrued
where accrued.day >= getvariable('from_day')
