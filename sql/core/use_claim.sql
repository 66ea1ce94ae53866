/*
Token differences between a bill and the logs that something else shows: the next day's, calls that failed, calls that were logged twice.

grain: one row per day, provider, model by its card's name, key, tier and meter that is claimed; a tier of a key has one cause
key: [day, provider, model, key, served_tier, meter]
monthly: true
lookback_days: 1
must:
  - cause in ('time zone', 'duplicates', 'failed calls')
  - tokens <> 0
*/
with gap as (
    select gap.*, sum(gap.gap_tokens) over (partition by gap.day, gap.provider, gap.model, gap.key, gap.meter) as net_tokens
    from core.use_gap as gap
    where gap.day >= getvariable('from_day') - 1 and gap.day < getvariable('to_day')
),
pair as (
    select gap.day as first_day, gap.provider, gap.model, gap.key, gap.served_tier, gap.meter, gap.gap_tokens from gap
    union all
    select gap.day - 1 as first_day, gap.provider, gap.model, gap.key, gap.served_tier, gap.meter, gap.gap_tokens from gap
),
netted as (
    select
        pair.first_day, pair.provider, pair.model, pair.key, pair.served_tier, pair.meter, sum(pair.gap_tokens) as tokens,
        max(abs(pair.gap_tokens)) as most
    from pair
    group by pair.first_day, pair.provider, pair.model, pair.key, pair.served_tier, pair.meter
),
-- Two days of which one has, meter by meter, just what the other lacks.
turned as (
    select netted.first_day, netted.provider, netted.model, netted.key, netted.served_tier
    from netted
    group by netted.first_day, netted.provider, netted.model, netted.key, netted.served_tier
    having max(abs(netted.tokens)) = 0 and max(netted.most) > 0
),
zone as (
    select gap.day, gap.provider, gap.model, gap.key, gap.served_tier, min(turned.first_day) as first_day
    from gap
    inner join turned on turned.provider = gap.provider and turned.model = gap.model and turned.key = gap.key
        and turned.served_tier = gap.served_tier and turned.first_day in (gap.day, gap.day - 1)
    left join turned as earlier on earlier.provider = gap.provider and earlier.model = gap.model and earlier.key = gap.key
        and earlier.served_tier = gap.served_tier and earlier.first_day = turned.first_day - 1
    where earlier.first_day is null
    group by gap.day, gap.provider, gap.model, gap.key, gap.served_tier
),
billed as (
    select distinct gap.day, gap.provider, gap.model, gap.key, gap.served_tier from gap where gap.lines > 0
),
-- Evidence counts where all of it is missing or too much in every meter, over all tiers too; what shows most goes first.
fit as (
    select
        shown.day, shown.provider, shown.model, shown.key, shown.served_tier, shown.cause, shown.shown_by,
        row_number() over (
            partition by shown.day, shown.provider, shown.model, shown.key, shown.served_tier
            order by sum(abs(shown.tokens)) desc, shown.cause, case when shown.shown_by like 'all%' then 1 else 0 end, shown.shown_by
        ) as choice
    from core.use_evidence as shown
    inner join billed on billed.day = shown.day and billed.provider = shown.provider and billed.model = shown.model
        and billed.key = shown.key and billed.served_tier = shown.served_tier
    left join gap on gap.day = shown.day and gap.provider = shown.provider and gap.model = shown.model and gap.key = shown.key
        and gap.served_tier = shown.served_tier and gap.meter = shown.meter
    group by shown.day, shown.provider, shown.model, shown.key, shown.served_tier, shown.cause, shown.shown_by
    having min(case when shown.tokens > 0 and least(gap.gap_tokens, gap.net_tokens) >= shown.tokens then 1
        when shown.tokens < 0 and greatest(gap.gap_tokens, gap.net_tokens) <= shown.tokens then 1 else 0 end) = 1
)
select
    gap.period, gap.day, gap.provider, gap.model, gap.key, gap.served_tier, gap.meter,
    case when zone.day is null then fit.cause else 'time zone' end as cause,
    case when zone.day is null then fit.shown_by else concat('moved between this day and ',
        cast(case when zone.first_day = gap.day then gap.day + 1 else gap.day - 1 end as varchar)) end as shown_by,
    case when zone.day is null then shown.tokens else gap.gap_tokens end as tokens
from gap
left join zone on zone.day = gap.day and zone.provider = gap.provider and zone.model = gap.model and zone.key = gap.key
    and zone.served_tier = gap.served_tier
left join fit on fit.choice = 1 and fit.day = gap.day and fit.provider = gap.provider and fit.model = gap.model and fit.key = gap.key
    and fit.served_tier = gap.served_tier
left join core.use_evidence as shown on shown.day = fit.day and shown.provider = fit.provider and shown.model = fit.model
    and shown.key = fit.key and shown.served_tier = fit.served_tier and shown.cause = fit.cause and shown.shown_by = fit.shown_by
    and shown.meter = gap.meter
where gap.day >= getvariable('from_day') and case when zone.day is null then coalesce(shown.tokens, 0) else gap.gap_tokens end <> 0
