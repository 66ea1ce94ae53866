/*
Who used which part of each hour of provisioned throughput, in weighted tokens, and what of its cost that is.

grain: one row per commitment, UTC hour and owner who used it
key: [commitment, started_at, team, cost_centre, tenant, feature]
daily: true
must:
  - used >= 0 and cost_usd >= 0
*/
with weight as (
    select
        commitment, max(case when meter = 'input' then weight end) as input, max(case when meter = 'output' then weight end) as output,
        max(case when meter = 'cache_read' then weight end) as cache_read,
        max(case when meter = 'cache_write_5m' then weight end) as cache_write_5m,
        max(case when meter = 'cache_write_1h' then weight end) as cache_write_1h
    from book.commitment_weight
    group by commitment
),
rare as (
    select used.request_id, weight.commitment, cast(sum(used.quantity * weight.weight) as decimal(38,6)) as used
    from core.request_meter as used
    inner join book.commitment_weight as weight on weight.meter = used.meter
    where used.day >= getvariable('from_day') and used.day < getvariable('to_day')
    group by used.request_id, weight.commitment
),
owned as (
    select
        cost.commitment, cast(date_trunc('hour', cost.started_at) as timestamp) as started_at, coalesce(cost.team, 'unowned') as team,
        coalesce(cost.cost_centre, '(none)') as cost_centre, coalesce(cost.tenant, '(none)') as tenant,
        coalesce(cost.feature, '(none)') as feature,
        cast(sum(
            cast(coalesce(cost.input_tokens, 0) as decimal(12,0)) * weight.input
            + cast(coalesce(cost.output_tokens, 0) as decimal(12,0)) * weight.output + coalesce(rare.used, 0)
            + cast(coalesce(cost.cache_read_tokens, 0) as decimal(12,0)) * weight.cache_read
            + cast(coalesce(cost.cache_write_5m_tokens, 0) as decimal(12,0)) * weight.cache_write_5m
            + cast(coalesce(cost.cache_write_1h_tokens, 0) as decimal(12,0)) * weight.cache_write_1h
        ) as decimal(38,6)) as used
    from core.request_cost as cost
    inner join weight on weight.commitment = cost.commitment
    left join rare on rare.request_id = cost.request_id and rare.commitment = cost.commitment
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
    group by cost.commitment, cast(date_trunc('hour', cost.started_at) as timestamp), coalesce(cost.team, 'unowned'),
        coalesce(cost.cost_centre, '(none)'), coalesce(cost.tenant, '(none)'), coalesce(cost.feature, '(none)')
),
hour as (
    select owned.commitment, owned.started_at, cast(sum(owned.used) * 1000000 as decimal(18,0)) as micro
    from owned
    group by owned.commitment, owned.started_at
    having sum(owned.used) > 0
),
-- What of an hour's cost was used: all of it from its capacity on; weighted tokens are whole millionths here.
spent as (
    select
        held.commitment, held.started_at, held.day, held.book_day, held.provider, hour.micro,
        div_trunc(cast(to_pico(held.cost_usd) as decimal(19,0)) * cast(least(hour.micro, held.capacity * 1000000) as decimal(18,0)),
            cast(held.capacity * 1000000 as decimal(18,0))) as pico
    from core.commitment_cost as held
    inner join hour on hour.commitment = held.commitment and hour.started_at = held.started_at
    where held.day >= getvariable('from_day') and held.day < getvariable('to_day')
),
part as (
    select
        spent.*, owned.team, owned.cost_centre, owned.tenant, owned.feature, owned.used,
        div_trunc(cast(spent.pico as decimal(19,0)) * cast(owned.used * 1000000 as decimal(18,0)), spent.micro) as whole,
        (cast(spent.pico as decimal(19,0)) * cast(owned.used * 1000000 as decimal(18,0))) % spent.micro as remainder
    from spent
    inner join owned on owned.commitment = spent.commitment and owned.started_at = spent.started_at
),
ranked as (
    select
        part.*, div_trunc(sum(part.remainder) over (partition by part.commitment, part.started_at), part.micro) as left_over,
        row_number() over (partition by part.commitment, part.started_at
            order by part.remainder desc, part.team, part.cost_centre, part.tenant, part.feature) as place
    from part
)
select
    ranked.commitment, ranked.started_at, ranked.day, ranked.book_day, ranked.provider, ranked.team, ranked.cost_centre, ranked.tenant,
    ranked.feature, ranked.used, to_usd(ranked.whole + case when ranked.place <= ranked.left_over then 1 else 0 end) as cost_usd
from ranked
