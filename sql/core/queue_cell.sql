/*
Which figures of marts.queue_wait a run belongs to, by its team, queue, priority and hour of the day: small, and numbered, so that
millions of runs are sorted by numbers.

grain: one row per team, queue, priority and hour of the day, and way of parting the runs of a day or week
key: [team, queue, priority, hour_of_day, span, parted_by]
*/
with parting as (
    select 'day' as span, 'total' as parted_by
    union all select 'day', 'team, queue and priority'
    union all select 'week', 'total'
    union all select 'week', 'team'
    union all select 'week', 'queue'
    union all select 'week', 'hour of day'
    union all select 'week', 'team, queue and priority'
),
seen as (
    select distinct
        waited.team, waited.queue, waited.priority,
        coalesce(lpad(cast(waited.hour_of_day as varchar), 2, '0'), '(unknown)') as hour_of_day
    from core.job_wait as waited
),
part as (
    select
        seen.team, seen.queue, seen.priority, seen.hour_of_day, parting.span, parting.parted_by,
        case when parting.parted_by in ('team', 'team, queue and priority') then seen.team else '(all)' end as cell_team,
        case when parting.parted_by in ('queue', 'team, queue and priority') then seen.queue else '(all)' end as cell_queue,
        case when parting.parted_by = 'team, queue and priority' then seen.priority else '(all)' end as cell_priority,
        case when parting.parted_by = 'hour of day' then seen.hour_of_day else '(all)' end as cell_hour
    from seen
    cross join parting
),
cell as (
    select
        whole.span, whole.parted_by, whole.cell_team, whole.cell_queue, whole.cell_priority, whole.cell_hour, row_number() over (
            order by whole.span, whole.parted_by, whole.cell_team, whole.cell_queue, whole.cell_priority, whole.cell_hour
        ) as cell_id
    from (
        select distinct part.span, part.parted_by, part.cell_team, part.cell_queue, part.cell_priority, part.cell_hour from part
    ) as whole
)
select
    part.team, part.queue, part.priority, part.hour_of_day, part.span, part.parted_by, cell.cell_id, part.cell_team, part.cell_queue,
    part.cell_priority, part.cell_hour
from part
inner join cell
    on cell.span = part.span and cell.parted_by = part.parted_by and cell.cell_team = part.cell_team
    and cell.cell_queue = part.cell_queue and cell.cell_priority = part.cell_priority and cell.cell_hour = part.cell_hour
