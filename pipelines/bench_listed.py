"""Every benchmark that is told by its rows: what these are, how many there are where nobody says, and the module that measures it."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from meterbook.pipelines.bench import Case


@dataclass(frozen=True)
class Bench:
    """One benchmark.

    Args:
        name: of its command.
        rows: how much is measured where nobody says.
        least: fewest rows that it makes sense with.
        counted: what a row is.
        about: what is measured, beside what; the help of its command.
        module: of meterbook.pipelines; its `cases(folder, rows)` generates what is not there yet.
    """

    name: str
    rows: int
    least: int
    counted: str
    about: str
    module: str

    def cases(self, folder: Path, rows: int) -> Sequence[Case]:
        """What is to be measured, the peer first; the data are generated first, where they are not there yet."""
        # What is measured is slow to load.
        found: Sequence[Case] = import_module(f"meterbook.pipelines.{self.module}").cases(folder, rows)
        return found


BENCHES = (
    Bench(
        *("ingest", 333_333, 1_000, "lines of a gateway's log"),
        "The door beside DuckDB's plain read_json: decode, validate, set aside, type, write Parquet.",
        "bench_ingest",
    ),
    Bench(
        *("price", 10_000_000, 1_000, "requests, over 30 days"),
        "Pricing and roll-up beside a bare scan-and-group of the same requests, both within 512 MB of DuckDB.",
        "bench_price",
    ),
    Bench(
        *("peers", 10_000_000, 1_000, "requests, over 30 days"),
        "Pricing and roll-up beside polars, chDB and pandas, and LiteLLM and genai-prices call by call (extra: bench).",
        "bench_pricers",
    ),
    Bench(
        *("memory", 50_000_000, 1_000, "requests, over 30 days"),
        "Pricing and roll-up day by day within 512 MiB, beside the same without a limit.",
        "bench_memory",
    ),
    Bench(
        *("allocate", 50_000_000, 100_000, "requests of the month"),
        "A month's costs shared out over 500 teams by 20 pools and posted, beside reading and summing them.",
        "bench_allocate",
    ),
    Bench(
        *("replay", 10_000_000, 1_000, "requests, over 30 days"),
        "What caches would have answered, replayed exactly, beside a bare scan and group of the same requests.",
        "bench_replay",
    ),
    Bench(
        *("explain", 50_000_000, 10_000, "requests of both months"),
        "Why the cost of two months changed, from rollups, beside reading and summing them.",
        "bench_explain",
    ),
    Bench(
        *("pages", 50_000_000, 100_000, "requests of both months"),
        "Pages and finance files of 500 teams from their marts, beside reading and summing these.",
        "bench_pages",
    ),
    Bench(
        *("history", 20_000, 10, "requests a day"),
        "A run over one new day of a book with 30, 180 and 365 days before it.",
        "bench_history",
    ),
    Bench(
        *("idle", 20_000, 10, "requests a day, over 365 days"),
        "The command `meterbook run` on a book of a year in which nothing changed: it writes nothing.",
        "bench_idle",
    ),
    Bench(
        *("orchestration", 10_000_000, 10, "requests, of one day and over 30"),
        "A run as Dagster makes it, beside the same work as plain functions.",
        "bench_orchestration",
    ),
    Bench(
        *("year", 1_000_000, 10, "requests a day, over 365 days"),
        "A year made in one run, beside a quarter and a half of it: time and disk for each request.",
        "bench_year",
    ),
)
"""By name; each is a command that is told its rows."""
FLEET = Bench(
    *("gpu", 1_000, 8, "GPUs, each sampled once a second for 28 hours"),
    "GPU samples made into hours with a price, beside a bare scan and group of the same samples.",
    "bench_gpu",
)
"""The one whose command is told devices and hours."""
