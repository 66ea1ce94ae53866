/*
The fully loaded cost of features by what their requests are of: tenant, environment, model and experiment arm; sums to marts.cost.

grain: one row per day of the book, team, tenant, feature, environment, model and experiment arm
key: [day, team, tenant, feature, environment, model, experiment_arm]
daily: true
*/
-- What requests cost is theirs; GPUs and shared cost are spread by it over the feature, over one tenant where the line names one.
with amount as (
    select
        cost.day, cost.team, cost.tenant, cost.feature, kind.kind,
        case when kind.kind = 'api' then 'tenant' when cost.feature = '(none)' then '' when cost.tenant = '(none)' then 'feature'
            else 'tenant' end as reach,
        to_pico(case kind.kind when 'api' then cost.api_cost_usd when 'gpu' then cost.gpu_cost_usd else cost.shared_cost_usd end) as pico
    from core.feature_cost as cost
    inner join (select 'api' as kind union all select 'gpu' as kind union all select 'shared' as kind) as kind on true
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
),
-- Over the requests of its own team, where that has any there.
line as (
    select amount.*, coalesce(case when amount.reach = 'feature' then of_feature.team else of_tenant.team end, '') as of_team
    from amount
    left join (select distinct share.day, share.team, share.feature from core.feature_share as share) as of_feature
        on of_feature.day = amount.day and of_feature.team = amount.team and of_feature.feature = amount.feature
    left join (select distinct share.day, share.team, share.feature, share.tenant from core.feature_share as share) as of_tenant
        on of_tenant.day = amount.day and of_tenant.team = amount.team and of_tenant.feature = amount.feature
        and of_tenant.tenant = amount.tenant
    where amount.pico <> 0
),
-- Joined apart, each on equal columns: a line meets the requests it is spread over and no others.
met as (
    select
        line.*, share.tenant as to_tenant, share.environment, share.model, share.experiment_arm, share.feature_share as share,
        share.feature_whole as whole
    from line
    left join core.feature_share as share on share.day = line.day and share.team = line.of_team and share.feature = line.feature
    where line.reach = 'feature'
    union all
    select
        line.*, share.tenant as to_tenant, share.environment, share.model, share.experiment_arm, share.tenant_share as share,
        share.tenant_whole as whole
    from line
    left join core.feature_share as share on share.day = line.day and share.team = line.of_team and share.feature = line.feature
        and share.tenant = line.tenant and line.reach = 'tenant'
    where line.reach <> 'feature'
),
parted as (
    select
        met.day, met.team, met.tenant as of_tenant, met.feature, met.kind, met.pico, coalesce(met.to_tenant, met.tenant) as tenant,
        coalesce(met.environment, '(none)') as environment, coalesce(met.model, '(none)') as model,
        coalesce(met.experiment_arm, '(none)') as experiment_arm, cast(abs(met.pico) as decimal(19,0)) as positive,
        coalesce(met.share, 1) as share, coalesce(met.whole, 1) as whole
    from met
),
ranked as (
    select
        parted.*, div_trunc(parted.positive * parted.share, parted.whole) as least,
        row_number() over (
            partition by parted.day, parted.team, parted.of_tenant, parted.feature, parted.kind
            order by (parted.positive * parted.share) % parted.whole desc, parted.tenant, parted.environment, parted.model,
                parted.experiment_arm
        ) as place,
        parted.positive - sum(div_trunc(parted.positive * parted.share, parted.whole)) over (
            partition by parted.day, parted.team, parted.of_tenant, parted.feature, parted.kind
        ) as left_over
    from parted
),
part as (
    select
        ranked.*,
        (ranked.least + case when ranked.place <= ranked.left_over then 1 else 0 end) * case when ranked.pico < 0 then -1 else 1 end as part
    from ranked
)
select
    part.day, part.team, part.tenant, part.feature, part.environment, part.model, part.experiment_arm,
    to_usd(sum(case when part.kind = 'api' then part.part else 0 end)) as api_cost_usd,
    to_usd(sum(case when part.kind = 'gpu' then part.part else 0 end)) as gpu_cost_usd,
    to_usd(sum(case when part.kind = 'shared' then part.part else 0 end)) as shared_cost_usd, to_usd(sum(part.part)) as cost_usd
from part
group by part.day, part.team, part.tenant, part.feature, part.environment, part.model, part.experiment_arm
