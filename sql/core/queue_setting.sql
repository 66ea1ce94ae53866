/*
What the book says of each queue and team that had jobs: pool, target, and what an hour of waiting costs.

grain: one row per queue and team
key: [queue, team]
*/
with seen as (
    select distinct coalesce(job.queue, '(none)') as queue, coalesce(job.team, 'unassigned') as team from core.job as job
),
ranked as (
    select
        seen.queue, seen.team, entry.place, entry.pool, entry.target_seconds, entry.target_percentile,
        row_number() over (partition by seen.queue, seen.team order by entry.place) as choice
    from seen
    left join book.queue as entry on seen.queue like entry.queue escape '!'
)
select
    ranked.queue, ranked.team, ranked.pool, ranked.target_seconds, ranked.target_percentile,
    coalesce(own.waiting_usd_per_hour, common.waiting_usd_per_hour) as waiting_usd_per_hour
from ranked
left join book.queue_value as own on own.place = ranked.place and own.team = ranked.team
left join book.queue_value as common on common.place = ranked.place and common.team = '*'
where ranked.choice = 1
