/*
The prices that may hold for a call of a day, cut where one ends and another begins: a call finds its own by a number, not by ranges.

grain: one row per day, name that calls are priced as, and part of the day and of sizes of calls in which one rate holds
key: [day, priced_as, cell]
daily: true
must:
  - cell is not null
*/
-- A cell is numbered by how many cuts of each kind lie below a call: seven of its whole input, three of what is not cached, five within
-- the day. Beyond these it has no number.
with price as (
    select price.*, unix_micro(price.holds_from) as from_micro, unix_micro(price.holds_to) as to_micro
    from core.price_in_force as price
    where price.day >= getvariable('from_day') and price.day < getvariable('to_day')
),
bound as (
    select day, priced_as, 'input' as kind, cast(-1 as bigint) as above from price
    union
    select day, priced_as, 'input' as kind, input_above as above from price
    union
    select day, priced_as, 'input' as kind, input_up_to as above from price where input_up_to < 9223372036854775807
    union
    select day, priced_as, 'uncached' as kind, cast(-1 as bigint) as above from price
    union
    select day, priced_as, 'uncached' as kind, uncached_above as above from price
    union
    select day, priced_as, 'uncached' as kind, uncached_up_to as above from price where uncached_up_to < 9223372036854775807
    union
    select day, priced_as, 'time' as kind, unix_micro(cast(day as timestamp)) as above from price
    union
    select day, priced_as, 'time' as kind, from_micro as above from price where from_micro > unix_micro(cast(day as timestamp))
    union
    select day, priced_as, 'time' as kind, to_micro as above from price where to_micro < unix_micro(cast(day + 1 as timestamp))
),
numbered as (
    select bound.*, row_number() over (partition by bound.day, bound.priced_as, bound.kind order by bound.above) - 1 as place from bound
),
cut as (
    select
        day, priced_as, count(*) = 3 as is_alone, max(case when kind = 'input' and place = 1 then above end) as input_cut_1,
        max(case when kind = 'input' and place = 2 then above end) as input_cut_2,
        max(case when kind = 'input' and place = 3 then above end) as input_cut_3,
        max(case when kind = 'input' and place = 4 then above end) as input_cut_4,
        max(case when kind = 'input' and place = 5 then above end) as input_cut_5,
        max(case when kind = 'input' and place = 6 then above end) as input_cut_6,
        max(case when kind = 'input' and place = 7 then above end) as input_cut_7,
        max(case when kind = 'uncached' and place = 1 then above end) as uncached_cut_1,
        max(case when kind = 'uncached' and place = 2 then above end) as uncached_cut_2,
        max(case when kind = 'uncached' and place = 3 then above end) as uncached_cut_3,
        max(case when kind = 'time' and place = 1 then above end) as time_cut_1,
        max(case when kind = 'time' and place = 2 then above end) as time_cut_2,
        max(case when kind = 'time' and place = 3 then above end) as time_cut_3,
        max(case when kind = 'time' and place = 4 then above end) as time_cut_4,
        max(case when kind = 'time' and place = 5 then above end) as time_cut_5
    from numbered
    group by day, priced_as
)
select
    cut.day, cut.priced_as,
    case when input.place < 8 and uncached.place < 4 and time.place < 6
        then cast(input.place + 8 * uncached.place + 32 * time.place as integer) end as cell,
    cut.is_alone, cut.input_cut_1, cut.input_cut_2, cut.input_cut_3, cut.input_cut_4, cut.input_cut_5, cut.input_cut_6, cut.input_cut_7,
    cut.uncached_cut_1, cut.uncached_cut_2, cut.uncached_cut_3,
    cut.time_cut_1, cut.time_cut_2, cut.time_cut_3, cut.time_cut_4, cut.time_cut_5,
    price.rate_id, price.card_version, price.card_model, price.matched_rule, price.is_layered, price.unpriced_reason,
    price.card_provider = 'self-hosted' as is_self_hosted,
    price.input_pico, price.cache_read_pico, price.cache_write_5m_pico, price.cache_write_1h_pico,
    price.output_pico, price.reasoning_extra_pico, price.request_pico, price.minimum_pico,
    price.contracted_input_pico, price.contracted_cache_read_pico, price.contracted_cache_write_5m_pico, price.contracted_cache_write_1h_pico,
    price.contracted_output_pico, price.contracted_reasoning_extra_pico, price.contracted_request_pico, price.contracted_minimum_pico,
    price.list_input_pico, price.list_cache_read_pico, price.list_cache_write_5m_pico, price.list_cache_write_1h_pico,
    price.list_output_pico, price.list_reasoning_extra_pico, price.list_request_pico, price.list_minimum_pico
from cut
inner join numbered as input on input.kind = 'input' and input.day = cut.day and input.priced_as = cut.priced_as
inner join numbered as uncached on uncached.kind = 'uncached' and uncached.day = cut.day and uncached.priced_as = cut.priced_as
inner join numbered as time on time.kind = 'time' and time.day = cut.day and time.priced_as = cut.priced_as
left join price
    on price.day = cut.day and price.priced_as = cut.priced_as and input.above >= price.input_above and input.above < price.input_up_to
    and uncached.above >= price.uncached_above and uncached.above < price.uncached_up_to
    and time.above >= price.from_micro and time.above < price.to_micro
