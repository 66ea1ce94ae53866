/*
Prefix tokens that the provider's cache would have served or had to store, of prefixes that came more than once: the same tokens, at another price.

grain: one row per request attempt with tokens to read or to write
key: request_id
daily: true
must:
  - low_read_tokens <= point_read_tokens and point_read_tokens <= high_read_tokens
  - low_read_tokens + low_write_tokens = high_read_tokens + high_write_tokens
*/
-- A call that finds its prefix reads it; one that does not writes it, which may cost more than it saves. Prefixes that came once are left alone.
select
    replay.request_id, replay.day, case when replay.prefix_low_ppm > 0 then replay.open_tokens else 0 end as low_read_tokens,
    case when replay.prefix_point_ppm > 0 then replay.open_tokens else 0 end as point_read_tokens,
    case when replay.prefix_high_ppm > 0 then replay.open_tokens else 0 end as high_read_tokens,
    case when replay.prefix_low_ppm > 0 then 0 else replay.open_tokens end as low_write_tokens,
    case when replay.prefix_point_ppm > 0 then 0 else replay.open_tokens end as point_write_tokens,
    case when replay.prefix_high_ppm > 0 then 0 else replay.open_tokens end as high_write_tokens
from core.cache_replay as replay
where replay.day >= getvariable('from_day') and replay.day < getvariable('to_day') and replay.open_tokens > 0
