/*
What caches would have spared of each call, by three estimates: one of whole answers, the same whoever asked, and the provider's of prompts.

grain: one row per request attempt that a cache of answers may answer, or with open tokens of a prefix that came more than once
key: request_id
daily: true
lookback_days: 1
then: replay
must:
  - low_ppm <= point_ppm and point_ppm <= high_ppm
  - prefix_low_ppm <= prefix_point_ppm and prefix_point_ppm <= prefix_high_ppm
  - open_tokens >= 0 and (place is not null or open_tokens > 0)
*/
with answer_rule as (
    select
        named.feature, rule.ttl_seconds, rule.is_opted_in, rule.is_shared, rule.is_user_specific,
        row_number() over (partition by named.feature order by rule.place) as choice
    from (
        select distinct coalesce(request.feature, '') as feature
        from core.request as request
        where request.day >= getvariable('from_day') - 1 and request.day < getvariable('to_day') and request.prompt_hash is not null
    ) as named
    inner join book.response_cache as rule on named.feature like rule.feature escape '!'
),
prefix_rule as (
    select
        named.provider, named.model, rule.ttl_seconds, rule.minimum_tokens,
        row_number() over (partition by named.provider, named.model order by rule.place) as choice
    from (
        select distinct coalesce(request.provider, '') as provider, coalesce(request.model, '') as model
        from core.request as request
        where request.day >= getvariable('from_day') - 1 and request.day < getvariable('to_day') and request.prefix_hash is not null
    ) as named
    inner join book.prompt_cache as rule on named.provider like rule.provider escape '!' and lower(named.model) like rule.model escape '!'
),
ruled as (
    select
        request.request_id, request.day, request.started_at, request.provider, request.account_id, request.project_id, request.model,
        request.prompt_hash, request.max_output_tokens, request.temperature, request.prefix_hash,
        -- Answers stay within their tenant, unless the book says that they are shared.
        case when answer.is_shared then '' else coalesce(request.tenant, '') end as tenant,
        -- What is not known of a call, only who opted in may answer for.
        case when request.prompt_hash is not null and not answer.is_user_specific and not coalesce(request.has_tools, false)
            and (answer.is_opted_in or (request.temperature = 0 and request.has_tools is not null)) then answer.ttl_seconds
            end as ttl_seconds,
        prefix.ttl_seconds as prefix_ttl_seconds, prefix.minimum_tokens,
        ppm_of(request.prompt_tokens, cast(request.prefix_ratio * 1000000 as integer)) as prefix_tokens,
        coalesce(request.input_tokens, 0) as input_tokens,
        coalesce(request.cache_read_tokens, 0) + coalesce(request.cache_write_5m_tokens, 0) + coalesce(request.cache_write_1h_tokens, 0)
            + coalesce(request.cache_write_12h_tokens, 0) as cached_tokens
    from core.request as request
    left join answer_rule as answer on answer.feature = coalesce(request.feature, '') and answer.choice = 1
    left join prefix_rule as prefix
        on prefix.provider = coalesce(request.provider, '') and prefix.model = coalesce(request.model, '') and prefix.choice = 1
    where request.day >= getvariable('from_day') - 1 and request.day < getvariable('to_day') and request.status = 'success'
        and not request.is_cache_hit and (request.prompt_hash is not null or request.prefix_hash is not null)
)
select
    ruled.request_id, ruled.day, ruled.started_at, ruled.day >= getvariable('from_day') as is_shown, ruled.model, ruled.tenant,
    case when ruled.ttl_seconds is not null then ruled.prompt_hash end as asked, ruled.max_output_tokens, ruled.temperature,
    ruled.ttl_seconds,
    case when ruled.prefix_tokens >= ruled.minimum_tokens then ruled.prefix_hash end as prefix, ruled.provider, ruled.account_id,
    ruled.project_id, ruled.prefix_ttl_seconds,
    case when ruled.prefix_tokens <= ruled.cached_tokens then 0
        when ruled.prefix_tokens - ruled.cached_tokens < ruled.input_tokens then ruled.prefix_tokens - ruled.cached_tokens
        else ruled.input_tokens end as open_tokens
from ruled
where ruled.ttl_seconds is not null or (ruled.prefix_hash is not null and ruled.prefix_tokens >= ruled.minimum_tokens)
