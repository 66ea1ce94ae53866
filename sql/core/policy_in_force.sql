/*
Which policy holds for failed calls of a day: each way in which a provider's calls failed meets the policies once, not each call.

grain: one row per day, provider, error class, and whether tokens were counted, of failures that a policy matches
key: [day, provider, error_class, has_tokens]
daily: true
must:
  - verdict in ('billed', 'not billed', 'unknown')
  - fee_usd >= 0
*/
with failed as (
    select distinct
        day, coalesce(provider, '') as provider, coalesce(error_class, '') as error_class,
        coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(output_tokens, 0) > 0 as has_tokens
    from staging.request
    where day >= getvariable('from_day') and day < getvariable('to_day') and status = 'failure'
),
matched as (
    select
        failed.day, failed.provider, failed.error_class, failed.has_tokens, policy.verdict, policy.is_dispatched, policy.fee_usd,
        policy.rule, row_number() over (
            partition by failed.day, failed.provider, failed.error_class, failed.has_tokens order by policy.rank, policy.rule
        ) as choice
    from failed
    inner join rate_cards.policy as policy
        on lower(failed.provider) like policy.provider escape '!' and lower(failed.error_class) like policy.error_class escape '!'
        and (policy.has_tokens is null or policy.has_tokens = failed.has_tokens)
        and failed.day >= policy.starts_on and failed.day < policy.ends_on
)
select
    matched.day, matched.provider, matched.error_class, matched.has_tokens, matched.verdict, matched.is_dispatched, matched.fee_usd,
    matched.rule
from matched
where matched.choice = 1
