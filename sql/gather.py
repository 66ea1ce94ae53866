"""Gather the calls of a model into batches, day by day: what a server would have done that waits a moment for more before it starts.

A batch opens with the first call that finds none open, and starts when the window has passed: the rule of dynamic batching with a maximum
queue delay (NVIDIA Triton's `max_queue_delay_microseconds`), without a maximum size. Each call waits from its arrival to that moment. Only
arrivals are looked at, so calls saved are launches saved, and no throughput is claimed: that needs a curve measured on the server.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import ceil, log2
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

WINDOWS = (50, 100, 150, 200)
"""Milliseconds that are tried."""
SECONDS_ONLY, NO_CURVE = "arrivals are logged in whole seconds", "no measured curve"
_MS = 1000
_MILLIONTH = Decimal("0.000001")
_COUNTS = ("calls", "batches", "calls_saved", "largest_batch", "added_p50_ms", "added_p95_ms")
SHAPE = pa.schema(
    [
        ("day", pa.date32()),
        ("pool", pa.string()),
        ("model", pa.string()),
        ("window_ms", pa.int32()),
        *((name, pa.int64()) for name in _COUNTS),
        ("unknown_reason", pa.string()),
        ("gain_ratio", pa.decimal128(18, 6)),
        ("gain_unknown_reason", pa.string()),
    ]
)
Row = dict[str, object]
Instants = NDArray[np.int64]
"""Microseconds, in order."""
_GROUP = ("day", "pool", "model")


def gather(given: pa.Table) -> pa.Table:
    """One row per day, pool, model and window.

    Args:
        given: day, pool, model, started_at and gain_per_doubling, in any order.

    Returns:
        `added_p50_ms` and `added_p95_ms` are of all calls, rounded up to whole milliseconds; `gain_ratio` is throughput gained at the mean
        size of a batch, NULL where no curve was measured.
    """
    calls = given.sort_by([(name, "ascending") for name in (*_GROUP, "started_at")])
    arrivals = pc.cast(pc.cast(calls.column("started_at"), pa.timestamp("us")), pa.int64()).to_numpy()
    rows: list[Row] = []
    first = 0
    for group in (
        calls.group_by(list(_GROUP), use_threads=False).aggregate([("started_at", "count"), ("gain_per_doubling", "max")]).to_pylist()
    ):
        end = first + group["started_at_count"]
        rows += _rows({name: group[name] for name in _GROUP}, arrivals[first:end], group["gain_per_doubling_max"])
        first = end
    return pa.Table.from_pylist(rows, schema=SHAPE)


def _rows(key: Row, arrivals: Instants, gain: Decimal | None) -> Iterator[Row]:
    # A log in whole seconds would put all calls of a second into one batch.
    is_coarse = not np.any(arrivals % (1000 * _MS))
    for window in WINDOWS:
        said: Row = {**key, "window_ms": window, "calls": len(arrivals)}
        if is_coarse:
            yield {**said, "unknown_reason": SECONDS_ONLY, "gain_unknown_reason": SECONDS_ONLY}
        else:
            yield {**said, **_batched(arrivals, window * _MS, gain)}


def _batched(arrivals: Instants, window: int, gain: Decimal | None) -> Row:
    firsts = first_calls(arrivals, window)
    sizes = np.diff(firsts, append=len(arrivals))
    waits = np.sort(np.repeat(arrivals[firsts], sizes) + window - arrivals)
    return {
        "batches": len(firsts),
        "calls_saved": len(arrivals) - len(firsts),
        "largest_batch": int(sizes.max()),
        "added_p50_ms": _percentile(waits, 50),
        "added_p95_ms": _percentile(waits, 95),
        "gain_ratio": None if gain is None else _gain(float(gain), len(arrivals) / len(firsts)),
        "gain_unknown_reason": NO_CURVE if gain is None else None,
    }


def _gain(per_doubling: float, size: float) -> Decimal:
    """Throughput gained by batches of a mean size, to the millionth."""
    return Decimal((1 + per_doubling) ** log2(size) - 1).quantize(_MILLIONTH)


def first_calls(arrivals: Sequence[int] | Instants, window: int) -> NDArray[np.int64]:
    """Where in the arrivals, which are in order, each batch begins; a call at the very end of a window is still in its batch."""
    # For each call the first one after the window that it would open; a batch goes from one to the next.
    following: list[int] = np.searchsorted(arrivals, np.asarray(arrivals) + window, side="right").tolist()
    firsts, at = [], 0
    while at < len(following):
        firsts.append(at)
        at = following[at]
    return np.array(firsts, dtype=np.int64)


def _percentile(waits: NDArray[Any], percent: int) -> int:
    """The nearest rank, in whole milliseconds, rounded up."""
    return -(-int(waits[ceil(len(waits) * percent / 100) - 1]) // _MS)
