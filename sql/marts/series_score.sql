/*
How far each watched figure is from what its own past makes expected (docs/anomalies.md gives the formulas).

grain: one row per day, dimension, scope and measure
key: [day, dimension, scope, measure]
daily: true
lookback_days: 150
*/
with span as (select min(series.day) as first_day from marts.series as series),
grid as (
    select calendar.day, name.dimension, name.scope
    from book.day as calendar
    cross join (select distinct series.dimension, series.scope from marts.series as series) as name
    cross join span
    where calendar.day >= span.first_day and calendar.day < getvariable('to_day')
),
figure as (
    select
        grid.day, grid.dimension, grid.scope, series.owner, coalesce(cast(series.cost_usd as double), 0) as cost,
        coalesce(cast(series.requests as double), 0) as requests, coalesce(cast(series.repeated_attempts as double), 0) as repeated,
        coalesce(cast(series.tokens as double), 0) as tokens,
        -- Whoever has not been seen for two months is not watched any more.
        count(series.day) over (partition by grid.dimension, grid.scope order by grid.day rows between 60 preceding and current row) > 0 as is_alive
    from grid
    left join marts.series as series on series.day = grid.day and series.dimension = grid.dimension and series.scope = grid.scope
),
measured as (
    select figure.*, measure.measure,
        case measure.measure when 'cost' then cost when 'cost per request' then cost / nullif(requests, 0)
            when 'tokens per request' then tokens / nullif(requests, 0) else requests / nullif(requests - repeated, 0) end as value
    from figure
    cross join (values ('cost'), ('cost per request'), ('tokens per request'), ('attempts per request')) as measure (measure)
    where figure.is_alive
),
logged as (
    select measured.*, case when measure = 'cost' then ln(greatest(value, 0) + 3) else ln(nullif(greatest(value, 0), 0)) end as level_now from measured
),
centred as (
    select logged.*, level_now - median(level_now) over (series rows between 3 preceding and 3 following) as around,
        count(value) over (series rows between 28 preceding and 1 preceding) as history,
        max(value) over (series rows between 28 preceding and 1 preceding) as highest
    from logged
    window series as (partition by dimension, scope, measure order by day)
),
weekly as (
    select centred.*, [lag(around, 7) over series, lag(around, 14) over series, lag(around, 21) over series, lag(around, 28) over series] as same_weekdays
    from centred
    window series as (partition by dimension, scope, measure order by day)
),
adjusted as (
    select weekly.*, level_now - (list_count(same_weekdays) / (list_count(same_weekdays) + .5)) * coalesce(list_median(same_weekdays), 0) as a from weekly
),
levelled as (
    select adjusted.*, a - median(a) over (series rows between 21 preceding and 1 preceding) as r,
        a - median(a) over (series rows between 35 preceding and 8 preceding) as lagged
    from adjusted
    window series as (partition by dimension, scope, measure order by day)
),
spread as (
    select levelled.*, 1.4826 * median(abs(r)) over (partition by dimension, scope, measure order by day rows between 42 preceding and 1 preceding) as own
    from levelled
),
scaled as (
    select spread.*, sqrt(.81 * pow(coalesce(own, 0), 2) + pow(if(measure = 'cost', .17, .05), 2)
        + .19 * pow(coalesce(median(own) over (partition by day, dimension, measure), 0), 2)) as scale
    from spread
),
walked as (
    select scaled.*, list(greatest(least(coalesce(lagged / scale, 0), 2.93), -2.93) - .94)
        over (partition by dimension, scope, measure order by day rows between 13 preceding and current row) as steps
    from scaled
)
select
    walked.day, walked.dimension, walked.scope, walked.measure, walked.owner, walked.cost, walked.value, walked.highest, walked.history,
    exp(walked.level_now - walked.r) - if(walked.measure = 'cost', 3, 0) as expected,
    exp(walked.level_now - walked.lagged) - if(walked.measure = 'cost', 3, 0) as baseline,
    walked.r / walked.scale as z, list_reduce(walked.steps, lambda sum, step: greatest(sum + step, 0), 0) as drift
from walked
where walked.day >= getvariable('from_day')
