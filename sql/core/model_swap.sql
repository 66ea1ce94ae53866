/*
Models that were asked for beside those that served, and whether these are others: a dated snapshot of a model is the same one.

grain: one row per day, provider, model that served and model asked for, where the names differ and a card knows the one asked for
key: [day, provider, model, requested_model]
daily: true
*/
with pair as (
    select distinct answer.day, answer.provider, answer.model, answer.requested_model
    from core.answer_day as answer
    where answer.day >= getvariable('from_day') and answer.day < getvariable('to_day')
        and answer.requested_model <> '(none)' and lower(answer.requested_model) <> lower(answer.model)
),
name as (
    select distinct lower(pair.requested_model) as name from pair
    union
    select distinct lower(pair.model) as name from pair
),
matched as (
    select name.name, alias.name as alias_name, alias.provider, alias.card_provider, alias.model, alias.priced_from, alias.priced_to,
        alias.rank as closeness
    from name inner join rate_cards.alias as alias on alias.name = name.name and alias.rank % 10 < 3
    union all
    select name.name, alias.name as alias_name, alias.provider, alias.card_provider, alias.model, alias.priced_from, alias.priced_to,
        alias.rank + 2 as closeness
    from name inner join rate_cards.alias as alias on alias.name = undated(name.name) and alias.rank % 10 < 3
    union all
    select name.name, alias.name as alias_name, alias.provider, alias.card_provider, alias.model, alias.priced_from, alias.priced_to,
        alias.rank as closeness
    from name inner join rate_cards.alias as alias on alias.rank % 10 = 3 and name.name like like_of(alias.name) escape '!'
),
-- A gateway that falls back to another provider is asked for a name of the first one: that of the provider that served goes before others'.
meant as (
    select
        asked.day, asked.provider, asked.name, matched.model as card_model, row_number() over (
            partition by asked.day, asked.provider, asked.name
            order by case when matched.provider = asked.provider then 0 else 1 end, matched.closeness, length(matched.alias_name) desc,
                matched.card_provider, matched.model, matched.provider, matched.alias_name
        ) as choice
    from (
        select pair.day, pair.provider, lower(pair.requested_model) as name from pair
        union
        select pair.day, pair.provider, lower(pair.model) as name from pair
    ) as asked
    inner join matched on matched.name = asked.name and asked.day >= matched.priced_from and asked.day < matched.priced_to
)
select
    pair.day, pair.provider, pair.model, pair.requested_model,
    coalesce(undated(lower(pair.model)), lower(pair.model)) <> coalesce(undated(lower(pair.requested_model)), lower(pair.requested_model))
        and served.card_model is distinct from requested.card_model as is_swapped
from pair
inner join meant as requested
    on requested.choice = 1 and requested.day = pair.day and requested.provider = pair.provider
    and requested.name = lower(pair.requested_model)
left join meant as served
    on served.choice = 1 and served.day = pair.day and served.provider = pair.provider and served.name = lower(pair.model)
