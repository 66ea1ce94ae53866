/*
What each tenant cost in a month, line by line, posted to the cent in the same way and to the same total as the teams.

grain: one row per month, tenant and line
key: [period, tenant, line]
monthly: true
*/
with line as (
    select
        calendar.period, allocation.tenant, allocation.line,
        cast(sum(allocation.cost_usd) as decimal(38,12)) as cost_usd, cast(to_pico(sum(allocation.cost_usd)) as decimal(36,0)) as pico
    from core.allocation as allocation
    inner join book.day as calendar on calendar.day = allocation.day
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
    group by calendar.period, allocation.tenant, allocation.line
),
cents as (
    select
        line.*,
        -- Whole cents below the amount (also below zero), and the pico-dollars that remain: 0 to 10^10 - 1.
        div_trunc(line.pico - ((line.pico % 10000000000) + 10000000000) % 10000000000, 10000000000) as cents,
        ((line.pico % 10000000000) + 10000000000) % 10000000000 as remainder
    from line
),
ranked as (
    select
        cents.*,
        row_number() over (
            partition by cents.period order by cents.remainder desc, cents.tenant, cents.line
        ) as place,
        div_trunc(sum(cents.remainder) over (partition by cents.period) + 5000000000, 10000000000) as left_over
    from cents
)
select
    ranked.period, ranked.tenant, ranked.line, ranked.cost_usd,
    cast(to_usd((ranked.cents + case when ranked.place <= ranked.left_over then 1 else 0 end) * 10000000000) as decimal(38,2)) as posted_usd
from ranked
