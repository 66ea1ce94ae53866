/*
What stood out, one card per cause: since when, how many dollars, why, whose, what was planned then, and what people made of it.

grain: one row per root and episode; dollars are those of its days
key: card_id
*/
with ranked as (
    select
        episode.*, row_number() over (partition by episode.card_id order by abs(episode.excess_usd) desc, episode.day) as place,
        row_number() over (
            partition by episode.card_id
            order by case when episode.culprit is null then 1 else 0 end, abs(episode.excess_usd) desc, episode.day
        ) as culprit_place,
        row_number() over (
            partition by episode.card_id
            order by case when episode.suspect is null then 1 else 0 end, abs(episode.excess_usd) desc, episode.day
        ) as suspect_place,
        count(*) over (partition by episode.card_id, episode.kind) as kind_days
    from marts.anomaly_episode as episode
),
kind as (
    select ranked.card_id, ranked.kind, row_number() over (partition by ranked.card_id order by ranked.kind_days desc, ranked.day) as place
    from ranked
),
card as (
    select
        ranked.card_id, min(ranked.first_day) as first_day, max(ranked.day) as last_day, max(ranked.dimension) as dimension,
        max(ranked.scope) as scope, max(ranked.measure) as measure, max(ranked.owner) as owner, max(ranked.team) as team,
        max(ranked.tenant) as tenant, max(ranked.feature) as feature, max(ranked.model) as model, sum(ranked.excess_usd) as excess_usd,
        max(ranked.severity) as severity, max(case when ranked.place = 1 then ranked.cause end) as cause,
        max(case when ranked.place = 1 then ranked.parts end) as parts,
        max(case when ranked.culprit_place = 1 then ranked.culprit end) as culprit,
        max(case when ranked.suspect_place = 1 then ranked.suspect end) as suspect, count(*) as days, max(ranked.children) as children
    from ranked
    group by ranked.card_id
),
-- What a card names: of its scope and of the combination it comes from.
named as (
    select
        card.card_id, card.first_day, card.last_day, concat_ws(', ', '', 'team ' || card.team, 'tenant ' || card.tenant,
            'feature ' || card.feature, 'model ' || card.model, card.culprit, '') as names
    from card
),
-- An event of a scope fits a card that names some of it, and no other team, tenant, feature or model.
planned as (
    select named.card_id, string_agg(distinct event.kind || ': ' || event.name, '; ' order by event.kind || ': ' || event.name) as event
    from named
    inner join book.event as event
        on event.starts_on <= named.last_day and event.ends_on > named.first_day
        and coalesce(names like '%, team ' || event.team || ',%' or names not like '%, team %', true)
        and coalesce(names like '%, tenant ' || event.tenant || ',%' or names not like '%, tenant %', true)
        and coalesce(names like '%, feature ' || event.feature || ',%' or names not like '%, feature %', true)
        and coalesce(names like '%, model ' || event.model || ',%' or names not like '%, model %', true)
        and (coalesce(event.team, event.tenant, event.feature, event.model) is null
            or names like '%, team ' || event.team || ',%' or names like '%, tenant ' || event.tenant || ',%'
            or names like '%, feature ' || event.feature || ',%' or names like '%, model ' || event.model || ',%')
    group by named.card_id
),
muted as (
    select card.card_id, max(mute.ends_on) as until, max(mute.note) as note
    from card
    inner join book.anomaly_mute as mute
        on mute.scope in (card.dimension || ' ' || card.scope, card.dimension || ' ' || card.scope || ' ' || card.measure)
        and card.first_day >= mute.starts_on and card.first_day < mute.ends_on
    group by card.card_id
)
select
    card.card_id, card.first_day, card.last_day, kind.kind, card.dimension, card.scope, card.measure, card.owner,
    cast(card.excess_usd as decimal(38,12)) as excess_usd, card.severity, card.cause, card.culprit, planned.event,
    case when ack.card_id is not null then 'acknowledged' when muted.card_id is not null then 'muted' else 'open' end as status,
    ack.verdict, coalesce(ack.note, muted.note) as note, card.suspect, card.parts, cast(card.days as bigint) as days,
    cast(card.children as bigint) as children, muted.until as muted_until, ack.who as acknowledged_by
from card
inner join kind on kind.card_id = card.card_id and kind.place = 1
left join planned on planned.card_id = card.card_id
left join muted on muted.card_id = card.card_id
left join book.anomaly_ack as ack on ack.card_id = card.card_id
