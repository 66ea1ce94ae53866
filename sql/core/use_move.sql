/*
Tokens that a bill counts as other input or in another tier than the logs, of what nothing else shows; moves of a key sum to none.

grain: one row per day, provider, model by its card's name, key, tier and meter
key: [day, provider, model, key, served_tier, meter]
monthly: true
must:
  - cached_tokens = 0 or meter not in ('output', 'other')
  - abs(rest_tokens) <= abs(open_tokens)
*/
with opened as (
    select
        gap.period, gap.day, gap.provider, gap.model, gap.key, gap.served_tier, gap.meter,
        gap.gap_tokens - coalesce(claim.tokens, 0) as open_tokens,
        case when gap.meter in ('output', 'other') then gap.meter else 'input' end as family
    from core.use_gap as gap
    left join core.use_claim as claim on claim.day = gap.day and claim.provider = gap.provider and claim.model = gap.model
        and claim.key = gap.key and claim.served_tier = gap.served_tier and claim.meter = gap.meter
    where gap.day >= getvariable('from_day') and gap.day < getvariable('to_day')
),
-- As much as one meter of input has too much and another too little, meter by meter in order.
input as (
    select opened.*, greatest(opened.open_tokens, 0) as more, greatest(-opened.open_tokens, 0) as less from opened
),
met as (
    select
        input.*, least(sum(input.more) over family, sum(input.less) over family) as both,
        coalesce(sum(input.more) over ahead, 0) as more_ahead, coalesce(sum(input.less) over ahead, 0) as less_ahead
    from input
    window family as (partition by input.day, input.provider, input.model, input.key, input.served_tier, input.family),
        ahead as (partition by input.day, input.provider, input.model, input.key, input.served_tier, input.family
            order by input.meter rows between unbounded preceding and 1 preceding)
),
cached as (
    select
        met.*, least(met.more, greatest(met.both - met.more_ahead, 0))
            - least(met.less, greatest(met.both - met.less_ahead, 0)) as cached_tokens
    from met
),
-- The same between tiers; batch goes first.
tier as (
    select
        cached.*, greatest(cached.open_tokens - cached.cached_tokens, 0) as much,
        greatest(cached.cached_tokens - cached.open_tokens, 0) as little, case cached.served_tier when 'batch' then 0 else 1 end as place
    from cached
),
shared as (
    select
        tier.*, least(sum(tier.much) over tiers, sum(tier.little) over tiers) as both_tiers,
        coalesce(sum(tier.much) over ahead, 0) as much_ahead, coalesce(sum(tier.little) over ahead, 0) as little_ahead,
        max(case when tier.place = 0 then tier.much + tier.little else 0 end) over tiers as batch_tokens
    from tier
    window tiers as (partition by tier.day, tier.provider, tier.model, tier.key, tier.meter),
        ahead as (partition by tier.day, tier.provider, tier.model, tier.key, tier.meter
            order by tier.place, tier.served_tier rows between unbounded preceding and 1 preceding)
),
moved as (
    select
        shared.*, least(shared.much, greatest(shared.both_tiers - shared.much_ahead, 0))
            - least(shared.little, greatest(shared.both_tiers - shared.little_ahead, 0)) as tier_tokens
    from shared
)
select
    moved.period, moved.day, moved.provider, moved.model, moved.key, moved.served_tier, moved.meter,
    cast(moved.open_tokens as bigint) as open_tokens, cast(moved.cached_tokens as bigint) as cached_tokens,
    cast(moved.tier_tokens as bigint) as tier_tokens, case when moved.batch_tokens > 0 then 'batch' else 'tier' end as tier_cause,
    cast(moved.open_tokens - moved.cached_tokens - moved.tier_tokens as bigint) as rest_tokens
from moved
