/*
What each team is charged, or shown, for a month, line by line: exact, and posted to the cent so that lines sum to the rounded total.

grain: one row per month, team, line, basis, cost centre and account
key: [period, team, line, basis, cost_centre, gl_account]
monthly: true
must:
  - mode in ('showback', 'chargeback')
  - mode = 'showback' or team not in ('unowned', 'unallocated')
*/
with line as (
    select
        calendar.period, calendar.month_start, allocation.team, allocation.line, allocation.basis, allocation.cost_centre,
        allocation.gl_account,
        cast(sum(allocation.cost_usd) as decimal(38,12)) as cost_usd, cast(to_pico(sum(allocation.cost_usd)) as decimal(36,0)) as pico
    from core.allocation as allocation
    inner join book.day as calendar on calendar.day = allocation.day
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
    group by calendar.period, calendar.month_start, allocation.team, allocation.line, allocation.basis, allocation.cost_centre,
        allocation.gl_account
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
            partition by cents.period
            order by cents.remainder desc, cents.team, cents.line, cents.basis, cents.cost_centre, cents.gl_account
        ) as place,
        div_trunc(sum(cents.remainder) over (partition by cents.period) + 5000000000, 10000000000) as left_over
    from cents
)
select
    ranked.period, ranked.team,
    -- A month has the mode of its first day; what nobody owns is charged to nobody.
    case when ranked.team in ('unowned', 'unallocated') then 'showback' else coalesce(own.mode, everyone.mode, 'showback') end as mode,
    ranked.cost_centre, ranked.gl_account, ranked.line, ranked.basis, ranked.cost_usd,
    cast(to_usd((ranked.cents + case when ranked.place <= ranked.left_over then 1 else 0 end) * 10000000000) as decimal(38,2)) as posted_usd,
    coalesce(card.card, '(none)') as rate_card
from ranked
left join rate_cards.internal_card as card on card.period = ranked.period
left join book.team_mode as own
    on own.team = ranked.team and ranked.month_start >= own.starts_on and ranked.month_start < own.ends_on
left join book.team_mode as everyone
    on everyone.team = '*' and ranked.month_start >= everyone.starts_on and ranked.month_start < everyone.ends_on
