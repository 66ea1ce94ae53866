/*
Whether alarms are worth looking at: of those that people acknowledged, how many were real.

grain: one row per month in which cards began, kind and measure; changes of price are no alarms
key: [period, kind, measure]
must:
  - real_cards + false_cards + open_cards + muted_cards = cards
*/
select
    substr(cast(card.first_day as varchar), 1, 7) as period, card.kind, card.measure, cast(count(*) as bigint) as cards,
    cast(count(case when card.verdict = 'real' then 1 end) as bigint) as real_cards,
    cast(count(case when card.verdict = 'false' then 1 end) as bigint) as false_cards,
    cast(count(case when card.status = 'open' then 1 end) as bigint) as open_cards,
    cast(count(case when card.status = 'muted' then 1 end) as bigint) as muted_cards
from marts.anomaly_card as card
where card.kind <> 'price change'
group by substr(cast(card.first_day as varchar), 1, 7), card.kind, card.measure
