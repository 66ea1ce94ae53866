/*
The whole cost of a day by line and owner: models, GPUs, shared pools, and what bills say beyond that.

grain: one row per day, line, team, tenant and feature
key: [day, line, team, tenant, feature]
daily: true
*/
select
    allocation.day, allocation.line, allocation.team, allocation.tenant, allocation.feature,
    cast(sum(allocation.cost_usd) as decimal(38,12)) as cost_usd
from core.allocation as allocation
where allocation.day >= getvariable('from_day') and allocation.day < getvariable('to_day')
group by allocation.day, allocation.line, allocation.team, allocation.tenant, allocation.feature
