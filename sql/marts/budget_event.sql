/*
Levels of budgets at the day they were reached, or were first expected to be: each once in a period, and never again.

grain: one row per budget, period, level and kind, on the day of the book on which it fired
key: [budget, period_start, level_percent, kind]
daily: true
lookback_days: 92
*/
-- The most that was used so far decides, so that a credit, and what is used after it, does not fire a level twice; nor does another amount.
with level as (
    select
        use.budget, use.day, use.period, use.period_start, use.period_end, use.measure, use.owner, use.scope, use.amount, use.used,
        use.at_limit, level.level_percent, level.kind, level.series,
        -- By the first use of it a budget of nothing is used up.
        use.peak > 0
            and cast(use.peak as decimal(32,12)) * 100 >= cast(use.amount as decimal(32,12)) * level.level_percent as is_reached
    from marts.budget_use as use
    inner join book.budget_level as level on level.budget = use.budget
    where use.day < getvariable('to_day')
),
told as (
    select
        level.*, outlook.reached_low, outlook.reached_point, outlook.reached_high,
        -- What is reached is no forecast any more, and on the last day of a period nothing is to come.
        case when level.kind = 'actual' then level.is_reached
            else not level.is_reached and level.day < level.period_end - 1 and outlook.point > 0 and outlook.point >= outlook.target
            end as is_told
    from level
    left join marts.budget_outlook as outlook on level.kind = 'forecast' and outlook.series = level.series and outlook.day = level.day
),
numbered as (
    select told.*, sum(case when told.is_told or told.is_reached then 1 else 0 end) over (
        partition by told.budget, told.period_start, told.kind, told.level_percent
        order by told.day rows between unbounded preceding and current row
    ) as days
    from told
)
select
    numbered.budget, numbered.period_start, numbered.level_percent, numbered.kind, numbered.day, numbered.period, numbered.period_end,
    numbered.measure, numbered.owner, numbered.scope, numbered.amount, numbered.used,
    -- In tenths of a percent, cut off: what is not reached never reads as if it were.
    case when numbered.amount > 0 then cast(
        div_trunc(cast(numbered.used as decimal(32,12)) * 1000000000, cast(numbered.amount as decimal(32,12)) * 1000000) as decimal(18,0)
    ) * cast('0.1' as decimal(2,1)) end as share_percent,
    numbered.reached_low, numbered.reached_point, numbered.reached_high, numbered.at_limit
from numbered
where numbered.is_told and numbered.days = 1 and numbered.day >= getvariable('from_day')
