/*
LiteLLM spend logs as requests: exclusive token buckets, and no reported cost where the gateway knew no price.

grain: one row per request id and day; of several copies the one with the most tokens counts
key: request_id
daily: true
kind: request
conserves: raw.litellm_spendlogs
*/
with ranked as (
    select
        log.*,
        row_number() over (
            partition by log.day, log.request_id
            order by coalesce(log.prompt_tokens, 0) + coalesce(log.completion_tokens, 0) desc, log.started_at desc, log.spend_usd desc,
                log.file_id, log.line
        ) as place,
        count(*) over (partition by log.day, log.request_id) as copies
    from raw.litellm_spendlogs as log
    where log.day >= getvariable('from_day') and log.day < getvariable('to_day')
)
select
    ranked.request_id,
    -- Each log of a cache hit puts another time behind the id; the call it belongs to is the same.
    case when ranked.is_cache_hit then ranked.operation_id end as response_id,
    ranked.operation_id, ranked.day, ranked.started_at, ranked.source,
    case ranked.provider when 'vertex_ai' then 'google' when 'gemini' then 'google' when 'vertex_ai_beta' then 'google'
        when 'text-completion-openai' then 'openai' when 'azure' then 'azure.ai.openai' when 'bedrock' then 'aws.bedrock'
        when 'bedrock_converse' then 'aws.bedrock' when 'xai' then 'x_ai' else ranked.provider end as provider,
    ranked.model, ranked.requested_model,
    case ranked.served_tier when 'default' then 'standard' when 'auto' then 'standard' when 'scale' then 'provisioned'
        else ranked.served_tier end as served_tier,
    ranked.prompt_tokens - ranked.cache_read_tokens - ranked.cache_write_5m_tokens - ranked.cache_write_1h_tokens
        - coalesce(ranked.cache_write_12h_tokens, 0) - coalesce(ranked.audio_input_tokens, 0) - coalesce(ranked.audio_cache_read_tokens, 0)
        - coalesce(ranked.image_input_tokens, 0) - coalesce(ranked.image_cache_read_tokens, 0) - coalesce(ranked.video_input_tokens, 0)
        as input_tokens,
    ranked.cache_read_tokens, ranked.cache_write_5m_tokens, ranked.cache_write_1h_tokens, ranked.cache_write_12h_tokens,
    ranked.audio_input_tokens, ranked.audio_cache_read_tokens, ranked.image_input_tokens, ranked.image_cache_read_tokens,
    ranked.video_input_tokens,
    ranked.completion_tokens - coalesce(ranked.audio_output_tokens, 0) - coalesce(ranked.image_output_tokens, 0) as output_tokens,
    ranked.audio_output_tokens, ranked.image_output_tokens, ranked.reasoning_tokens, ranked.searches, ranked.quantity, ranked.quantity_unit,
    ranked.region, ranked.latency_ms, ranked.time_to_first_token_ms,
    coalesce(ranked.status, 'success') as status, ranked.error_class, ranked.is_cache_hit, ranked.key_id, ranked.key_alias,
    ranked.project_id, ranked.account_id, ranked.user_id, ranked.session_id, ranked.team, ranked.tenant, ranked.feature, ranked.environment,
    ranked.experiment_arm, ranked.tags, ranked.prompt_hash, ranked.prefix_hash, ranked.prefix_ratio, ranked.context_ratio,
    ranked.max_output_tokens, ranked.temperature, ranked.is_streaming, ranked.has_tools, ranked.routing_reason, ranked.is_deferrable,
    ranked.finish_reason,
    case when ranked.spend_usd = 0 and not ranked.is_cache_hit and coalesce(ranked.status, 'success') = 'success'
            and (ranked.prompt_tokens + ranked.completion_tokens > 0 or ranked.quantity > 0) then null
        else ranked.spend_usd end as reported_cost_usd,
    ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
