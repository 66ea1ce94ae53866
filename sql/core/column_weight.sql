/*
What each team has of the columns by which shared pools are shared out (`key: {column: ...}` of allocation.yaml).

grain: one row per day, column with the scope it is measured in, and team that anybody owns
key: [day, measure, team]
daily: true
book_days: true
must:
  - weight is not null
*/
-- A book that has such a pool has its own text in place of this one (assets/column_keys.py): a sum by day and team for each column.
select cast(null as date) as day, cast(null as varchar) as measure, cast(null as varchar) as team, cast(null as decimal(38,12)) as weight
where false
