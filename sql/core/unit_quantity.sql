/*
Units of value that a query of the book counts (`sql:` of units.yaml).

grain: one row per day, unit of value, feature, tenant, model and experiment arm
key: [day, unit, feature, tenant, model, experiment_arm]
daily: true
book_days: true
must:
  - units >= successes
*/
-- A book that has such a unit has its own text in place of this one (assets/unit_sql.py): its query, summed by day and owner.
select
    cast(null as date) as day, cast(null as varchar) as unit, cast(null as varchar) as feature, cast(null as varchar) as tenant,
    cast(null as varchar) as model, cast(null as varchar) as experiment_arm, cast(null as bigint) as units, cast(null as bigint) as successes,
    cast(null as bigint) as escalations, cast(null as bigint) as fallbacks, cast(null as bigint) as completed,
    cast(null as bigint) as quality_count, cast(null as decimal(38,6)) as quality_sum
where false
