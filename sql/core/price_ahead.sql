/*
Prices that change later in the month, as cards say on a day: what the use of the 28 days before would have cost more or less.

grain: one row per day that asks, day of the change, team, feature, provider, model, tier and rate that begins
key: [day, on_day, team, feature, provider, model, served_tier, rate_id]
daily: true
lookback_days: 28
must:
  - on_day > day
*/
-- A rate that begins where another of the same model, tier, region, input and hours ends; by its lowest tier of input.
with move as (
    select
        calendar.day, cast(new.starts_at as date) as on_day, new.rate_id, new.provider as card_provider, new.model as card_model, new.served_tier,
        row_number() over (
            partition by calendar.day, new.starts_at, new.provider, new.model, new.served_tier order by new.input_above, new.region, new.rate_id
        ) as place,
        to_pico(coalesce(paid.input_usd, new.input_usd)) as input_pico, to_pico(coalesce(was.input_usd, old.input_usd)) as old_input_pico,
        to_pico(coalesce(paid.cache_read_usd, new.cache_read_usd)) as read_pico,
        to_pico(coalesce(was.cache_read_usd, old.cache_read_usd)) as old_read_pico,
        to_pico(coalesce(paid.cache_write_5m_usd, new.cache_write_5m_usd)) as write_pico,
        to_pico(coalesce(was.cache_write_5m_usd, old.cache_write_5m_usd)) as old_write_pico,
        to_pico(coalesce(paid.output_usd, new.output_usd)) as output_pico, to_pico(coalesce(was.output_usd, old.output_usd)) as old_output_pico
    from book.day as calendar
    inner join rate_cards.rate as new
        on new.layer = 'list' and calendar.day >= new.priced_from and calendar.day < new.priced_to
        and new.starts_at >= cast(calendar.day + 1 as timestamp)
        and new.starts_at < cast(calendar.month_start + calendar.days_in_month as timestamp)
    inner join rate_cards.rate as old
        on old.layer = 'list' and old.provider = new.provider and old.model = new.model and old.served_tier = new.served_tier
        and old.region = new.region and old.input_above = new.input_above and old.weekdays = new.weekdays
        and coalesce(old.clock_from, '') = coalesce(new.clock_from, '') and old.ends_at = new.starts_at
        and calendar.day >= old.priced_from and calendar.day < old.priced_to
    left join rate_cards.rate as paid
        on paid.layer = 'effective' and paid.rate_id = new.rate_id and calendar.day >= paid.priced_from and calendar.day < paid.priced_to
    left join rate_cards.rate as was
        on was.layer = 'effective' and was.rate_id = old.rate_id and calendar.day >= was.priced_from and calendar.day < was.priced_to
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
),
-- What the card calls a model that the logs name.
named as (
    select distinct rate.provider, rate.model, rate.served_tier, rate.card_provider, rate.card_model
    from core.rate_in_force as rate
    where rate.card_model is not null and rate.commitment is null
),
spent as (
    select
        move.day, move.on_day, move.rate_id, driver.team, driver.feature, driver.provider, driver.model, driver.served_tier,
        to_pico(sum(driver.cost_usd)) as pico, max(move.input_pico) as input_pico, max(move.old_input_pico) as old_input_pico,
        max(move.read_pico) as read_pico, max(move.old_read_pico) as old_read_pico, max(move.write_pico) as write_pico,
        max(move.old_write_pico) as old_write_pico, max(move.output_pico) as output_pico, max(move.old_output_pico) as old_output_pico,
        to_pico(sum(driver.input_cost_usd)) as input, to_pico(sum(driver.cache_read_cost_usd)) as reads,
        to_pico(sum(driver.cache_write_cost_usd)) as writes, to_pico(sum(driver.output_cost_usd)) as outs
    from move
    inner join named on named.card_provider = move.card_provider and named.card_model = move.card_model and named.served_tier = move.served_tier
    inner join core.cost_driver as driver
        on driver.provider = named.provider and driver.model = named.model and driver.served_tier = named.served_tier
        and driver.day > move.day - 28 and driver.day <= move.day
    where move.place = 1
    group by move.day, move.on_day, move.rate_id, driver.team, driver.feature, driver.provider, driver.model, driver.served_tier
)
select
    spent.day, spent.on_day, spent.team, spent.feature, spent.provider, spent.model, spent.served_tier, spent.rate_id,
    to_usd(spent.pico) as recent_usd,
    to_usd(moved_pico(spent.input, spent.input_pico, spent.old_input_pico) + moved_pico(spent.reads, spent.read_pico, spent.old_read_pico)
        + moved_pico(spent.writes, spent.write_pico, spent.old_write_pico)
        + moved_pico(spent.outs, spent.output_pico, spent.old_output_pico)) as change_usd
from spent
