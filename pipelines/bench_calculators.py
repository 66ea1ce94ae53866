"""Prices of single calls by LiteLLM's `cost_per_token` and by genai-prices' `calc_price`, as loggers compute them: one call at a time.

The calls are the first of a day, at the standard tier, without caches of an hour, of models with one price each. LiteLLM is given the
prices of our card under names of their own, and has to sum to the same cent. genai-prices prices by its own data; what it makes of the
calls is said beside ours, and models that it does not know are left out and counted.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import duckdb

from meterbook.pipelines.bench import told
from meterbook.pipelines.bench_job import FREE, Files
from meterbook.pipelines.bench_pricers import refuse_difference
from meterbook.sql.lake import quoted

_MODEL_PICO = ("input_pico", "cache_read_pico", "cache_write_5m_pico", "output_pico")

_PRICES = ", ".join(f"coalesce({name}, 0) as {name}" for name in _MODEL_PICO)
_SINGLE = f"""
    select day, priced_as, {", ".join(f"max({name}) as {name}" for name in _MODEL_PICO)}, max(reasoning_extra_pico) as extra
    from price_in_force group by day, priced_as having count(*) = 1 and max(reasoning_extra_pico) = 0
"""


@dataclass(frozen=True)
class Call:
    """One call: who served it when, its tokens (all of the prompt; of these read from a cache; written to one; output), our price of it."""

    provider: str
    model: str
    started_at: datetime
    prompt_tokens: int
    read_tokens: int
    written_tokens: int
    output_tokens: int
    prices: tuple[int, ...]
    """Pico-dollars a token: input, read, written, output; 0 where there is none."""

    @property
    def usd(self) -> Decimal:
        """What meterbook makes of it."""
        fresh = self.prompt_tokens - self.read_tokens - self.written_tokens
        tokens = (fresh, self.read_tokens, self.written_tokens, self.output_tokens)
        return Decimal(sum(count * pico for count, pico in zip(tokens, self.prices, strict=True))).scaleb(-12)


Pricer = Callable[[Sequence[Call]], Decimal]
"""What a calculator makes of calls, summed."""


def measure(name: str, files: Files, sample: int) -> None:
    """Price a sample call by call, and print the figures.

    Args:
        name: litellm or genai_prices.
        files: Parquet of core.request and core.price_in_force.
        sample: calls at most.
    """
    calls = list(sampled(files, sample))
    known, priced = {"litellm": _litellm, "genai_prices": _genai_prices}[name](calls)
    sums: list[Decimal] = []

    def work() -> int:
        sums.append(priced(known))
        return len(known)

    ours = sum((call.usd for call in known), start=Decimal(0))
    told(work, lambda: {"usd": f"{sums[0]:.2f}", "meterbook_usd": f"{ours:.2f}", "unknown_calls": len(calls) - len(known)})
    if name == "litellm":
        refuse_difference(name, ours, sums[0])


def sampled(files: Files, sample: int) -> Iterator[Call]:
    """The first calls of the first day that every calculator can be asked about."""
    with duckdb.connect() as con:
        for table, paths in files.items():
            con.execute(f"create view {table.split('.')[1]} as from read_parquet({quoted(str(paths[0]))})")
        found = con.execute(f"""
            select provider, model, started_at, call.prompt_tokens, cache_read_tokens, cache_write_5m_tokens, output_tokens, {_PRICES}
            from request as call inner join ({_SINGLE}) as price using (day, priced_as)
            where served_tier = 'standard' and cache_write_1h_tokens = 0 and billing <> '{FREE}' and metered_id is null
            order by request_id limit {sample}
        """).fetchall()
    for provider, model, at, prompt, read, written, output, *prices in found:
        yield Call(provider, model, at, prompt, read, written, output, tuple(prices))


def _litellm(calls: Sequence[Call]) -> tuple[Sequence[Call], Pricer]:
    # Its prices are replaced below; nothing is to be fetched for them.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm  # noqa: PLC0415 -- the environment is read at its import

    names = ("input_cost_per_token", "cache_read_input_token_cost", "cache_creation_input_token_cost", "output_cost_per_token")
    cards = {f"openai/ours-{call.model}": dict(zip(names, (pico / 1e12 for pico in call.prices), strict=True)) for call in calls}
    litellm.register_model({name: {**card, "litellm_provider": "openai", "mode": "chat"} for name, card in cards.items()})

    def price(known: Sequence[Call]) -> Decimal:
        total = Decimal(0)
        for call in known:
            prompt, output = litellm.cost_per_token(
                model=f"openai/ours-{call.model}",
                custom_llm_provider="openai",
                prompt_tokens=call.prompt_tokens,
                completion_tokens=call.output_tokens,
                cache_read_input_tokens=call.read_tokens,
                cache_creation_input_tokens=call.written_tokens,
            )
            total += Decimal(prompt + output)
        return total

    return calls, price


def _genai_prices(calls: Sequence[Call]) -> tuple[Sequence[Call], Pricer]:
    from genai_prices import Usage, calc_price  # noqa: PLC0415 -- what is measured is loaded where it is

    def one(call: Call) -> Decimal:
        usage = Usage(
            input_tokens=call.prompt_tokens,
            cache_read_tokens=call.read_tokens,
            cache_write_tokens=call.written_tokens,
            output_tokens=call.output_tokens,
        )
        at = call.started_at.replace(tzinfo=UTC)
        return calc_price(usage, call.model, provider_id=call.provider, genai_request_timestamp=at).total_price

    def is_known(call: Call) -> bool:
        try:
            one(call)
        except LookupError:
            return False
        return True

    first = {(call.provider, call.model): call for call in calls}
    models = {name for name, call in first.items() if is_known(call)}
    return [call for call in calls if (call.provider, call.model) in models], lambda known: sum(map(one, known), start=Decimal(0))
