/*
Calls that a cache of whole answers would have answered: what the lever of duplicates spares of each, by estimate.

grain: one row per request attempt that any estimate spares
key: request_id
daily: true
must:
  - low_ppm <= point_ppm and point_ppm <= high_ppm and high_ppm > 0
*/
select replay.request_id, replay.day, replay.low_ppm, replay.point_ppm, replay.high_ppm
from core.cache_replay as replay
where replay.day >= getvariable('from_day') and replay.day < getvariable('to_day') and replay.high_ppm > 0
