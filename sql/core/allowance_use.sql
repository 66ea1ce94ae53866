/*
What free allowances take off a day: its units that were still free, at what they cost that day, split over who used the meter.

grain: one row per day, allowance, provider as logged and owner
key: [day, card_provider, card_model, meter, per, starts_on, provider, team, cost_centre, tenant, feature]
daily: true
lookback_days: 31
must:
  - credit_usd >= 0 and credit_usd <= effective_cost_usd
*/
with used as (
    select
        used.day, used.card_provider, used.card_model, used.meter, cast(sum(used.quantity) as decimal(38,6)) as quantity,
        cast(to_pico(sum(used.effective_cost_usd)) as decimal(19,0)) as pico
    from core.meter_day as used
    where used.day >= getvariable('from_day') - 31 and used.day < getvariable('to_day')
    group by used.day, used.card_provider, used.card_model, used.meter
),
running as (
    select
        used.*, free.per, free.starts_on, free.free_units, sum(used.quantity) over (
            partition by used.card_provider, used.card_model, used.meter, free.per, free.starts_on,
                case free.per when 'day' then used.day else calendar.month_start end
            order by used.day rows between unbounded preceding and current row
        ) as upto
    from used
    inner join book.day as calendar on calendar.day = used.day
    inner join rate_cards.allowance as free
        on free.provider = used.card_provider and free.model = used.card_model and free.meter = used.meter
        and used.day >= free.starts_on and used.day < free.ends_on
),
credited as (
    select
        running.*, div_trunc(running.pico * cast((
            least(running.free_units, running.upto) - least(running.free_units, running.upto - running.quantity)
        ) * 1000000 as decimal(18,0)), cast(running.quantity * 1000000 as decimal(18,0))) as credit
    from running
    where running.day >= getvariable('from_day')
),
-- By the cost each owner had: what has no cost has no credit.
part as (
    select
        credited.day, credited.card_provider, credited.card_model, credited.meter, credited.per, credited.starts_on, used.provider,
        used.team, used.cost_centre, used.tenant, used.feature, used.effective_cost_usd, credited.pico,
        div_trunc(cast(credited.credit as decimal(19,0)) * cast(to_pico(used.effective_cost_usd) as decimal(18,0)), credited.pico) as whole,
        (cast(credited.credit as decimal(19,0)) * cast(to_pico(used.effective_cost_usd) as decimal(18,0))) % credited.pico as remainder
    from credited
    inner join core.meter_day as used
        on used.day = credited.day and used.card_provider = credited.card_provider and used.card_model = credited.card_model
        and used.meter = credited.meter
    where credited.credit > 0
),
ranked as (
    select
        part.*, row_number() over (
            partition by part.day, part.card_provider, part.card_model, part.meter, part.per, part.starts_on
            order by part.remainder desc, part.provider, part.team, part.cost_centre, part.tenant, part.feature
        ) as place,
        div_trunc(sum(part.remainder) over (
            partition by part.day, part.card_provider, part.card_model, part.meter, part.per, part.starts_on
        ), part.pico) as left_over
    from part
)
select
    ranked.day, ranked.card_provider, ranked.card_model, ranked.meter, ranked.per, ranked.starts_on, ranked.provider, ranked.team,
    ranked.cost_centre, ranked.tenant, ranked.feature, ranked.effective_cost_usd,
    to_usd(ranked.whole + case when ranked.place <= ranked.left_over then 1 else 0 end) as credit_usd
from ranked
