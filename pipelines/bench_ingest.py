"""`meterbook bench ingest`: the door beside DuckDB's plain read_json, over gateway logs.

The peer decodes the same file and writes it as Parquet, and does nothing else: no types that are sure, no quarantine, no order.
"""

import gzip
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from meterbook.pipelines.bench import Case, told, warm

ROWS = 333_333
EVERY = 1_000
"""Of a file with bad lines, one in so many is bad."""
MODELS = (("gpt-5-mini", "openai"), ("claude-sonnet-4-5", "anthropic"), ("gemini-2.5-flash", "vertex_ai"), ("gpt-5", "openai"))
BAD = (
    '{"request_id":"cut short","startTime":"2026-10-0',
    "Traceback (most recent call last):",
    '{"request_id":"no time","prompt_tokens":5,"completion_tokens":5,"spend":0,"custom_llm_provider":"openai"}',
    '{"request_id":"part","startTime":"2026-10-05T00:00:00","prompt_tokens":9.7,"completion_tokens":5,"spend":0}',
    '{"request_id":"negative","startTime":"2026-10-05T00:00:00","prompt_tokens":-5,"completion_tokens":5,"spend":0}',
)
_MODULE = "meterbook.pipelines.bench_ingest"


def files(folder: Path, rows: int = ROWS) -> tuple[Path, Path]:
    """A clean file and one with bad lines, written once.

    Args:
        folder: where to keep them.
        rows: lines of each.
    """
    clean, bad = folder / f"clean-{rows}.jsonl.gz", folder / f"bad-{rows}.jsonl.gz"
    for path, every in ((clean, 0), (bad, EVERY)):
        if not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(".part")
            with gzip.open(beside, "wt", compresslevel=3, encoding="utf-8") as handle:
                handle.writelines(lines(rows, every))
            beside.replace(path)
    return clean, bad


def lines(rows: int, bad_every: int = 0, seed: int = 1) -> Iterator[str]:
    """Gateway logs of some 570 bytes each, over 30 days, with skewed sizes; every so many lines one that nobody can read."""
    rng = random.Random(seed)  # noqa: S311 -- reproducible, not secret
    start, step = datetime(2026, 10, 1), timedelta(days=30) / rows  # noqa: DTZ001 -- LiteLLM writes UTC without a zone
    for n in range(rows):
        yield BAD[n // bad_every % len(BAD)] + "\n" if bad_every and n % bad_every == bad_every // 2 else _line(rng, n, start + n * step)


def _line(rng: random.Random, n: int, start: datetime) -> str:
    model, provider = MODELS[int(rng.random() ** 2 * len(MODELS))]
    prompt, output = int(rng.lognormvariate(7, 1.2)) + 1, int(rng.lognormvariate(5, 1)) + 1
    read = prompt * rng.randrange(8) // 10
    written = (prompt - read) // 5 if provider == "anthropic" else 0
    feature = ("chat", "search", "support", "code")[rng.randrange(4)]
    call = f"{rng.getrandbits(64):016x}"
    end = start + timedelta(milliseconds=200 + output * 12)
    return (
        f'{{"request_id":"{call}-{n}","litellm_call_id":"{call}","api_key":"{feature:a<16}","spend":{(prompt * 3 + output * 15) / 1e7},'
        f'"total_tokens":{prompt + output},"prompt_tokens":{prompt},"completion_tokens":{output},'
        f'"startTime":"{start.isoformat(timespec="milliseconds")}","endTime":"{end.isoformat(timespec="milliseconds")}",'
        f'"model":"{model}","custom_llm_provider":"{provider}","metadata":{{"user_api_key_alias":"{feature}-prod",'
        f'"usage_object":{{"prompt_tokens_details":{{"cached_tokens":{read}}},'
        f'"completion_tokens_details":{{"reasoning_tokens":{output // 2}}},"cache_creation_input_tokens":{written}}}}},'
        f'"cache_hit":"False","request_tags":["feature:{feature}"],"end_user":"tenant-{rng.randrange(40)}","status":"success"}}\n'
    )


def cases(folder: Path, rows: int = ROWS) -> list[Case]:
    """The peer, and what is measured beside it; bars as seconds over the peer's."""
    clean, bad = files(folder, rows)
    return [
        Case("DuckDB read_json", _MODULE, ["plain", str(clean)]),
        Case("ingest, clean", _MODULE, ["ingest", str(clean)], at_most=1 / 0.7),
        Case(f"ingest, 1 in {EVERY:,} bad", _MODULE, ["ingest", str(bad)], at_most=2.2),
    ]


def _plain(path: Path, folder: Path) -> int:
    import duckdb  # noqa: PLC0415 -- start-up is not measured

    with duckdb.connect() as con:
        [(rows,)] = con.execute(f"copy (select * from read_json('{path}')) to '{folder}/plain.parquet'").fetchall()
    return int(rows)


def _ingest(path: Path, folder: Path) -> int:
    from meterbook.assets.inbox import Inbox  # noqa: PLC0415

    (folder / "inbox").mkdir()
    (folder / "inbox" / path.name).symlink_to(path.resolve())
    done = Inbox(folder, ()).ingest()
    if done.refused:
        raise RuntimeError(done.refused[0][1])
    return done.rows_in


def _main(what: str, file: str) -> None:
    work: Callable[[Path, Path], int] = {"plain": _plain, "ingest": _ingest}[what]
    import duckdb  # noqa: F401, PLC0415

    import meterbook.assets.inbox  # noqa: F401, PLC0415
    from meterbook.assets.ingest import formats  # noqa: PLC0415

    formats()
    path = Path(file)
    warm([path])
    folder = Path(tempfile.mkdtemp())
    try:
        told(lambda: work(path, folder))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2])
