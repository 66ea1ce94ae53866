/*
Days that stand out, in dollars: spikes, drops, new highs and drifts of cost and of the ratios behind it, and changes of price.

grain: one row per day, dimension, scope and measure that stands out; children that explain a parent carry its name
key: [day, dimension, scope, measure]
daily: true
lookback_days: 7
*/
with score as (
    select score.*, case score.dimension when 'total' then 1 when 'team' then 2 when 'feature' then 3 when 'tenant' then 4 else 5 end as depth,
        case when score.measure = 'cost' then score.value - score.expected else score.cost * (1 - score.expected / nullif(score.value, 0)) end as excess,
        case when score.measure = 'cost' then score.value - score.baseline else score.cost * (1 - score.baseline / nullif(score.value, 0)) end as shift
    from marts.series_score as score
    where score.day >= getvariable('from_day') and score.day < getvariable('to_day') and score.history >= 14
),
judged as (
    select score.*,
        case
            when measure = 'cost' and z >= 3.8 and excess >= 10 and excess >= .24 * expected then 'spike'
            when measure = 'cost' and z <= -5.8 and excess <= -10 and value <= .15 * expected then 'drop'
            when measure = 'cost' and value >= 2.43 * highest and excess >= 10 then 'new high'
            when measure = 'cost' and history >= 28 and drift >= 5.25 and shift >= greatest(10, .15 * baseline) then 'drift'
            when measure <> 'cost' and z >= 4.5 and excess >= 10 and value >= 1.08 * expected then 'spike'
            when measure <> 'cost' and history >= 28 and drift >= 8 and shift >= 10 and value >= 1.08 * baseline then 'drift'
        end as kind
    from score
),
repriced as (
    select distinct today.day, today.model, cast(today.starts_at as date) as changed_on
    from core.rate_in_force as today
    inner join core.rate_in_force as before
        on before.day = today.day - 7 and before.provider = today.provider and before.model = today.model
        and before.served_tier = today.served_tier and before.input_above = today.input_above and before.rate_id <> today.rate_id
    where today.day >= getvariable('from_day')
),
found as (
    select judged.day, judged.dimension, judged.scope, judged.measure, judged.owner, judged.depth, judged.value, judged.z, judged.cost,
        case when repriced.day is not null and judged.measure in ('cost', 'cost per request') then 'price change' else judged.kind end as kind,
        case when judged.kind = 'drift' then judged.shift else judged.excess end as excess,
        case when judged.kind = 'drift' then judged.baseline else judged.expected end as expected,
        case when judged.kind = 'drift' then judged.drift else judged.z end as score, repriced.changed_on
    from judged
    left join repriced on repriced.day = judged.day and judged.dimension = 'model' and repriced.model = judged.scope
    where judged.kind is not null
),
parent as (
    select child.day, child.dimension, child.scope, child.measure, parent.dimension || ' ' || parent.scope as parent,
        row_number() over (partition by child.day, child.dimension, child.scope, child.measure order by parent.depth, parent.scope) as place
    from found as child
    inner join found as parent
        on parent.day = child.day and parent.measure = child.measure and parent.depth < child.depth and sign(parent.excess) = sign(child.excess)
        and abs(child.excess) >= .7 * abs(parent.excess) and abs(child.excess) <= 1.3 * abs(parent.excess)
),
suspect as (
    select found.day, found.dimension, found.scope, found.measure, large.request_id, large.cost_usd,
        row_number() over (partition by found.day, found.dimension, found.scope, found.measure order by large.place) as place
    from found
    inner join core.large_request as large
        on large.day = found.day and cast(large.cost_usd as double) >= .5 * found.excess and found.excess > 0
        and case found.dimension when 'team' then large.team when 'tenant' then large.tenant when 'feature' then large.feature
            when 'model' then large.model else 'all' end = found.scope
)
select
    found.day, found.kind, found.dimension, found.scope, found.measure, coalesce(found.owner, '(none)') as owner,
    cast(found.cost as decimal(38,12)) as actual_usd, cast(found.cost - found.excess as decimal(38,12)) as expected_usd,
    cast(found.cost as decimal(38,12)) - cast(found.cost - found.excess as decimal(38,12)) as excess_usd,
    found.value as actual, found.expected, found.score, parent.parent,
    case
        when found.kind = 'price change' then 'the card has another price since ' || found.changed_on
        when suspect.request_id is not null then 'one request of $' || format('{:,.2f}', cast(suspect.cost_usd as double)) || ' (' || suspect.request_id || ')'
        when found.measure = 'cost' then 'cost is ' || format('{:.1f}', found.value / nullif(greatest(found.expected, 0.01), 0)) || ' times what is usual'
        when found.measure = 'tokens per request'
            then format('{:,d} tokens per request, usually {:,d}', cast(found.value as bigint), cast(found.expected as bigint))
        when found.measure = 'cost per request' then format('${:.3f} per request, usually ${:.3f}', found.value, found.expected)
        else format('{:.2f} attempts per request, usually {:.2f}', found.value, found.expected)
    end as cause
from found
left join parent on parent.place = 1 and parent.day = found.day and parent.dimension = found.dimension and parent.scope = found.scope and parent.measure = found.measure
left join suspect on suspect.place = 1 and suspect.day = found.day and suspect.dimension = found.dimension and suspect.scope = found.scope and suspect.measure = found.measure
