/*
By which weights the cost of a team's feature is spread over what its requests are of: over a tenant of it, and over all of it.

grain: one row per day of the book, team ('' is any that has no requests there), tenant, feature, environment, model and experiment arm
key: [day, team, tenant, feature, environment, model, experiment_arm]
daily: true
book_days: true
must:
  - tenant_share >= 0 and tenant_share <= tenant_whole and tenant_whole > 0
  - feature_share >= 0 and feature_share <= feature_whole and feature_whole > 0
*/
with share as (
    select
        share.owner, share.team, cast(share.weight as decimal(12,0)) as weight,
        cast(sum(share.weight) over (partition by share.owner) as decimal(12,0)) as whole
    from book.owner_share as share
),
-- Requests of an owner who stands for several teams are each one's by its share.
spent as (
    select
        spend.book_day as day, coalesce(share.team, spend.team) as team, spend.tenant, spend.feature, spend.environment, spend.model,
        spend.experiment_arm, sum(spend.requests) as requests,
        sum(case when share.owner is null then to_pico(spend.cost_usd)
            else div_trunc(to_pico(spend.cost_usd) * share.weight, share.whole) end) as pico
    from core.feature_spend as spend
    left join share on share.owner = spend.team
    where spend.book_day >= getvariable('from_day') and spend.book_day < getvariable('to_day')
    group by spend.book_day, coalesce(share.team, spend.team), spend.tenant, spend.feature, spend.environment, spend.model,
        spend.experiment_arm
),
-- Features with cost of a team that has no requests of them, or none of the tenant.
lone as (
    select distinct cost.day, cost.feature
    from core.feature_cost as cost
    left join (select distinct spent.day, spent.team, spent.feature from spent) as of_feature
        on of_feature.day = cost.day and of_feature.team = cost.team and of_feature.feature = cost.feature
    left join (select distinct spent.day, spent.team, spent.feature, spent.tenant from spent) as of_tenant
        on of_tenant.day = cost.day and of_tenant.team = cost.team and of_tenant.feature = cost.feature and of_tenant.tenant = cost.tenant
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
        and case when cost.tenant = '(none)' and cost.api_cost_usd = 0 then of_feature.day else of_tenant.day end is null
),
-- In nano-dollars, so that products fit.
cell as (
    select
        spent.day, spent.team, spent.tenant, spent.feature, spent.environment, spent.model, spent.experiment_arm,
        cast(spent.requests as decimal(18,0)) as requests, cast(div_trunc(spent.pico, 1000) as decimal(18,0)) as nano
    from spent
    where spent.team is not null
    union all
    select
        spent.day, '' as team, spent.tenant, spent.feature, spent.environment, spent.model, spent.experiment_arm,
        cast(sum(spent.requests) as decimal(18,0)) as requests, cast(div_trunc(sum(spent.pico), 1000) as decimal(18,0)) as nano
    from spent
    inner join lone on lone.day = spent.day and lone.feature = spent.feature
    group by spent.day, spent.tenant, spent.feature, spent.environment, spent.model, spent.experiment_arm
),
summed as (
    select
        cell.*, sum(cell.nano) over of_tenant as tenant_nano, sum(cell.requests) over of_tenant as tenant_requests,
        count(*) over of_tenant as tenant_cells, sum(cell.nano) over of_feature as feature_nano,
        sum(cell.requests) over of_feature as feature_requests, count(*) over of_feature as feature_cells
    from cell
    window of_feature as (partition by cell.day, cell.team, cell.feature),
        of_tenant as (partition by cell.day, cell.team, cell.feature, cell.tenant)
)
select
    summed.day, summed.team, summed.tenant, summed.feature, summed.environment, summed.model, summed.experiment_arm,
    cast(case when summed.tenant_nano > 0 then summed.nano when summed.tenant_requests > 0 then summed.requests else 1 end
        as decimal(18,0)) as tenant_share,
    cast(case when summed.tenant_nano > 0 then summed.tenant_nano when summed.tenant_requests > 0 then summed.tenant_requests
        else summed.tenant_cells end as decimal(18,0)) as tenant_whole,
    cast(case when summed.feature_nano > 0 then summed.nano when summed.feature_requests > 0 then summed.requests else 1 end
        as decimal(18,0)) as feature_share,
    cast(case when summed.feature_nano > 0 then summed.feature_nano when summed.feature_requests > 0 then summed.feature_requests
        else summed.feature_cells end as decimal(18,0)) as feature_whole
from summed
