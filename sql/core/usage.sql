/*
What providers say was used, by bucket, with the owner it had on that day.

grain: one row per bucket and group of a usage export
key: usage_id
daily: true
must:
  - coalesce(input_tokens, 0) >= 0 and coalesce(output_tokens, 0) >= 0 and coalesce(requests, 0) >= 0
*/
with usage as (
    select
        staged.*,
        -- The totals of a whole UTC day cannot be cut: they stay with that day.
        case when staged.starts_at = cast(staged.day as timestamp) and staged.ends_at >= cast(staged.day + 1 as timestamp) then staged.day
            else coalesce(local.book_day, staged.day) end as book_day
    from staging.usage as staged
    left join book.source as source on source.source = staged.source
    left join book.local_day as local
        on local.day = staged.day and staged.starts_at >= local.starts_at and staged.starts_at < local.ends_at
    where staged.day >= getvariable('from_day') and staged.day < getvariable('to_day') and coalesce(source.is_counted, true)
)
select
    usage.usage_id, usage.day, usage.book_day, usage.starts_at, usage.ends_at, usage.source, usage.provider, usage.model,
    coalesce(usage.served_tier, 'standard') as served_tier, usage.requests,
    usage.input_tokens, usage.cache_read_tokens, usage.cache_write_5m_tokens, usage.cache_write_1h_tokens, usage.output_tokens,
    usage.cache_write_12h_tokens, usage.audio_input_tokens, usage.audio_cache_read_tokens, usage.audio_output_tokens, usage.image_input_tokens,
    usage.image_cache_read_tokens, usage.image_output_tokens, usage.video_input_tokens, usage.searches, usage.region,
    usage.quantity, usage.quantity_unit, usage.reported_cost_usd, usage.key_id, usage.key_alias, usage.project_id, usage.account_id,
    usage.user_id, coalesce(owner.owner_team, usage.team) as team, owner.cost_centre,
    coalesce(owner.owner_tenant, usage.tenant) as tenant, coalesce(owner.owner_feature, usage.feature) as feature,
    coalesce(owner.owner_environment, usage.environment) as environment, usage.file_id
from usage
cross join (select count(case when field = 'user_id' then 1 end) as user_rules from book.owner_condition) as asked
left join core.owner_in_force as owner
    on owner.kind = 'call' and owner.day = usage.day and owner.book_day = usage.book_day
    and owner.key_id = coalesce(usage.key_id, '') and owner.key_alias = coalesce(usage.key_alias, '')
    and owner.project_id = coalesce(usage.project_id, '') and owner.account_id = coalesce(usage.account_id, '')
    and owner.user_id = case when asked.user_rules > 0 then coalesce(usage.user_id, '') else '' end and owner.tags = ''
    and owner.team = coalesce(usage.team, '') and owner.tenant = coalesce(usage.tenant, '')
    and owner.feature = coalesce(usage.feature, '') and owner.environment = coalesce(usage.environment, '')
    and owner.model = coalesce(usage.model, '') and owner.provider = coalesce(usage.provider, '')
    and owner.source = coalesce(usage.source, '')
