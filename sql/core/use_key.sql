/*
By which name a bill and the logs both know a key on a day: its project, the key itself, or neither.

grain: one row per day and provider
key: [day, provider]
daily: true
must:
  - known_by in ('project', 'key', 'either', 'none')
*/
with billed as (
    select distinct use.day, use.provider, use.project_id, use.key_id
    from core.billed_use as use
    where use.day >= getvariable('from_day') and use.day < getvariable('to_day') and use.kind in ('use', 'late')
),
counted as (
    select distinct use.day, use.provider, use.project_id, use.key_id
    from core.computed_use as use
    where use.day >= getvariable('from_day') and use.day < getvariable('to_day')
),
side as (
    select billed.day, billed.provider, 1 as billed, 0 as counted, 0 as projects, 0 as keys from billed
    union all
    select counted.day, counted.provider, 0 as billed, 1 as counted, 0 as projects, 0 as keys from counted
    union all
    select billed.day, billed.provider, 1 as billed, 1 as counted, 1 as projects, 0 as keys
    from billed
    inner join counted on counted.day = billed.day and counted.provider = billed.provider and counted.project_id = billed.project_id
    where billed.project_id <> ''
    union all
    select billed.day, billed.provider, 1 as billed, 1 as counted, 0 as projects, 1 as keys
    from billed
    inner join counted on counted.day = billed.day and counted.provider = billed.provider and counted.key_id = billed.key_id
    where billed.key_id <> ''
)
select
    side.day, side.provider,
    -- With one side only there is nothing to agree on: it keeps the names it has.
    case when max(side.projects) = 1 then 'project' when max(side.keys) = 1 then 'key'
        when max(side.billed) + max(side.counted) < 2 then 'either' else 'none' end as known_by
from side
group by side.day, side.provider
