/*
What forecasts said of months that are over, beside how these landed: by series and days that were left.

grain: one row per month that is over, dimension, scope and days left
key: [period, dimension, scope, days_left]
must:
  - point_usd is not null
*/
with ended as (
    select forecast.period, forecast.dimension, forecast.scope, forecast.used_usd
    from marts.forecast as forecast
    where forecast.days_left = 0
)
select
    forecast.period, forecast.dimension, forecast.scope, forecast.days_left, forecast.low_usd, forecast.point_usd, forecast.high_usd,
    ended.used_usd as landed_usd, cast(abs(forecast.point_usd - ended.used_usd) as decimal(38,12)) as error_usd,
    ended.used_usd >= forecast.low_usd and ended.used_usd <= forecast.high_usd as is_inside
from marts.forecast as forecast
inner join ended on ended.period = forecast.period and ended.dimension = forecast.dimension and ended.scope = forecast.scope
where forecast.days_left > 0 and forecast.point_usd is not null
