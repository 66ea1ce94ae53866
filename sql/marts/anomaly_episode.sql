/*
Days that stand out by the card they belong to: one card per root and episode, named by its first day.

grain: one row per card and day; `children` counts the scopes rolled into the root that day
key: [card_id, day]
then: episodes
*/
select
    anomaly.day, anomaly.kind, anomaly.dimension, anomaly.scope, anomaly.measure, anomaly.owner, anomaly.team, anomaly.tenant,
    anomaly.feature, anomaly.model, anomaly.excess_usd, anomaly.severity, anomaly.parent, anomaly.cause, anomaly.culprit, anomaly.suspect
from marts.anomaly as anomaly
