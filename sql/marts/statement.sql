/*
Proof that a month's statements, by team and by tenant, are the month's cost and post to the same cents.

grain: one row per month
key: period
monthly: true
must:
  - cost_usd = allocated_usd and tenant_cost_usd = allocated_usd
  - posted_usd = tenant_posted_usd
  - posted_usd - cost_usd <= 0.005 and posted_usd - cost_usd >= -0.005
  - charged_posted_usd + shown_posted_usd = posted_usd
*/
with part as (
    select calendar.period, 'allocated' as part, allocation.cost_usd, null as posted_usd, null as mode
    from core.allocation as allocation
    inner join book.day as calendar on calendar.day = allocation.day
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
    union all
    select team.period, 'team' as part, team.cost_usd, team.posted_usd, team.mode from marts.chargeback as team
    union all
    select tenant.period, 'tenant' as part, tenant.cost_usd, tenant.posted_usd, null as mode from marts.chargeback_tenant as tenant
)
select
    part.period,
    cast(sum(case when part.part = 'allocated' then part.cost_usd end) as decimal(38,12)) as allocated_usd,
    cast(sum(case when part.part = 'team' then part.cost_usd end) as decimal(38,12)) as cost_usd,
    cast(sum(case when part.part = 'team' then part.posted_usd end) as decimal(38,2)) as posted_usd,
    -- What the journal posts, and what is only shown.
    cast(sum(case when part.part = 'team' then case part.mode when 'chargeback' then part.posted_usd else 0 end end) as decimal(38,2))
        as charged_posted_usd,
    cast(sum(case when part.part = 'team' then case part.mode when 'showback' then part.posted_usd else 0 end end) as decimal(38,2))
        as shown_posted_usd,
    cast(sum(case when part.part = 'tenant' then part.cost_usd end) as decimal(38,12)) as tenant_cost_usd,
    cast(sum(case when part.part = 'tenant' then part.posted_usd end) as decimal(38,2)) as tenant_posted_usd
from part
inner join (select distinct book_day.period from book.day as book_day
    where book_day.day >= getvariable('from_day') and book_day.day < getvariable('to_day')) as wanted on wanted.period = part.period
group by part.period
