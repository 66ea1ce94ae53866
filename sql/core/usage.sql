/*
What providers say was used, by bucket, with the owner it had on that day.

grain: one row per bucket and group of a usage export
key: usage_id
daily: true
must:
  - coalesce(input_tokens, 0) >= 0 and coalesce(output_tokens, 0) >= 0 and coalesce(requests, 0) >= 0
*/
with usage as (
    select staged.*
    from staging.usage as staged
    left join book.source as source on source.source = staged.source
    where staged.day >= getvariable('from_day') and staged.day < getvariable('to_day') and coalesce(source.is_counted, true)
),
matched as (
    select
        usage.usage_id, owner.team, owner.cost_centre, owner.tenant, owner.feature, owner.environment,
        row_number() over (partition by usage.usage_id order by owner.priority desc, owner.rule_id) as choice
    from usage
    inner join book.owner as owner
        on usage.day >= owner.starts_on and usage.day < owner.ends_on
        and case owner.field
            when 'key_id' then usage.key_id when 'key_alias' then usage.key_alias when 'project_id' then usage.project_id
            when 'user_id' then usage.user_id when 'team' then usage.team when 'tenant' then usage.tenant
            when 'feature' then usage.feature when 'environment' then usage.environment when 'model' then usage.model
            when 'provider' then usage.provider when 'source' then usage.source
        end like owner.pattern escape '!'
)
select
    usage.usage_id, usage.day,
    -- The totals of a whole UTC day cannot be cut: they stay with that day.
    case when usage.starts_at = cast(usage.day as timestamp) and usage.ends_at >= cast(usage.day + 1 as timestamp) then usage.day
        else coalesce(local.book_day, usage.day) end as book_day, usage.starts_at, usage.ends_at, usage.source, usage.provider, usage.model,
    coalesce(usage.served_tier, 'standard') as served_tier, usage.requests,
    usage.input_tokens, usage.cache_read_tokens, usage.cache_write_5m_tokens, usage.cache_write_1h_tokens, usage.output_tokens,
    usage.cache_write_12h_tokens, usage.audio_input_tokens, usage.audio_cache_read_tokens, usage.audio_output_tokens, usage.image_input_tokens,
    usage.image_cache_read_tokens, usage.image_output_tokens, usage.video_input_tokens, usage.searches, usage.region,
    usage.quantity, usage.quantity_unit, usage.reported_cost_usd, usage.key_id, usage.key_alias, usage.project_id, usage.user_id,
    coalesce(matched.team, usage.team) as team, matched.cost_centre,
    coalesce(matched.tenant, usage.tenant) as tenant, coalesce(matched.feature, usage.feature) as feature,
    coalesce(matched.environment, usage.environment) as environment, usage.file_id
from usage
left join book.local_day as local on local.day = usage.day and usage.starts_at >= local.starts_at and usage.starts_at < local.ends_at
left join matched on matched.choice = 1 and matched.usage_id = usage.usage_id
