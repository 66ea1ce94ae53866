"""Jobs of Slurm: `sacct -P` (or `-p`), one line per run of a job.

Steps (an id with a dot: `.batch`, `.extern`, `.0`) repeat the GPUs of their job and are counted as filtered; so are REVOKED copies of a
job that another cluster of a federation ran. Times are the cluster's local time (`time_zone` of the options), or have an offset or are
unix seconds where SLURM_TIME_FORMAT was set. ElapsedRaw leaves suspensions out. Eligible is when a job could have run; where the
column is missing it is Start less Planned (called Reserved up to 22.05). A requeue gives a job a new Submit, so a run is known by cluster,
JobIDRaw and Submit, and a later export replaces the row of a job that was waiting or running. GPUs are those of AllocTRES, for a job
that never started those of ReqTRES. JobName may hold the delimiter; names, comments and command lines are not read.
Documented in Slurm's man page of sacct; which cells are blank in which state is not, so any may be.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _sacct
from meterbook.assets.ingest._gpu import Clock
from meterbook.assets.ingest._sacct import COMMAND
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample, first_line
from meterbook.assets.sources import Reading

_TYPES: dict[str, tuple[str, pl.DataType]] = {
    **dict.fromkeys(("job_number", "cluster"), ("VARCHAR", pl.String())),
    **dict.fromkeys(("submitted_at", "eligible_at", "started_at", "ended_at"), ("TIMESTAMP", pl.Datetime("us"))),
    "submitted_second": ("BIGINT", pl.Int64()),
    **dict.fromkeys(("queue", "priority", "state", "gpu_model", "node", "user_id", "team"), ("VARCHAR", pl.String())),
    **dict.fromkeys(("gpus", "elapsed_seconds"), ("BIGINT", pl.Int64())),
}
_BATCH = 50_000


class _Times(NamedTuple):
    """When a job was handed in, could run, ran and ended; naive UTC."""

    submitted_at: datetime
    eligible_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


def _recognises(sample: Sample) -> bool:
    text = sample.text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE} \r\n")
    return _is_json(text) or (text[:1] not in {"{", "["} and _sacct.is_header(text.split("\n", 1)[0]))


def _is_json(text: str) -> bool:
    return text.startswith("{") and '"jobs"' in text and ('"data_parser"' in text or '"slurm"' in text.lower())


def _read(content: Content, reading: Reading) -> Rows:
    if _is_json(content.head.decode("utf-8-sig", "replace").lstrip()):
        raise FileRefused(f"is sacct --json, whose layout differs by version: export it with `{COMMAND}`")
    rows, clock = Rows(), Clock(reading)
    found: list[dict[str, object]] = []
    is_nameless = False
    for number, text, table in _sacct.lines(content, reading.options.delimiter):
        rows.rows_in += 1
        try:
            run = _run(table.row(text), clock, reading)
        except ValueError as error:
            rows.reject(number, first_line(error), table.kept(text))
            continue
        rows.filtered += run is None
        if run:
            found.append({**run, "line": number})
            is_nameless |= run["cluster"] is None
        if len(found) >= _BATCH:
            _add(found, rows)
    _add(found, rows)
    rows.flags += clock.flags()
    if is_nameless:
        rows.flags.append(
            "names no cluster, so job numbers of two clusters may be taken for one: give `cluster` in the options of its source"
        )
    return rows


def _add(found: list[dict[str, object]], rows: Rows) -> None:
    rows.add(pl.DataFrame(found, schema={**{name: dtype for name, (_, dtype) in _TYPES.items()}, "line": pl.Int64()}, orient="row"))
    found.clear()


def _run(cells: dict[str, str], clock: Clock, reading: Reading) -> dict[str, object] | None:
    """One run; None for what is no job of its own.

    Raises:
        ValueError: it is wrong.
    """
    number = _sacct.given(cells.get("jobidraw")) or _sacct.given(cells.get("jobid"))
    if number is None:
        raise ValueError("JobIDRaw is missing")
    state = _sacct.state(cells["state"])
    if "." in number or "." in cells.get("jobid", "") or state == "revoked":
        return None
    elapsed = _sacct.seconds(cells, "elapsedraw", "elapsed")
    times = _times(cells, clock, elapsed, state)
    gpus, model = _sacct.gpus(cells["alloctres"] or cells.get("reqtres"))
    return {
        "job_number": number,
        "cluster": _sacct.given(cells.get("cluster")) or reading.options.cluster,
        **times._asdict(),
        "submitted_second": (times.submitted_at - datetime(1970, 1, 1)) // timedelta(seconds=1),  # noqa: DTZ001 -- both naive UTC
        "queue": _sacct.given(cells.get("partition")),
        "priority": _sacct.given(cells.get("qos")),
        "state": state,
        "gpus": gpus,
        "gpu_model": model,
        "elapsed_seconds": None if times.started_at is None else elapsed,
        "node": _sacct.given(cells.get("nodelist")),
        "user_id": _sacct.given(cells.get("user")),
        "team": _sacct.given(cells.get("account")),
    }


def _times(cells: dict[str, str], clock: Clock, elapsed: int | None, state: str) -> _Times:
    # In an hour that clocks repeat each time is the first one that is not before the time before it.
    clock.after(None)
    submitted, eligible, start = (_sacct.instant(cells, name, clock) for name in ("submit", "eligible", "start"))
    if submitted is None:
        raise ValueError("Submit is missing")
    # Slurm gives a job that was cancelled while it waited a Start too in some versions: that of its end.
    never = state == "waiting" or (not elapsed and not cells["alloctres"])
    started = None if never else start
    clock.after(started and started + timedelta(seconds=elapsed or 0))
    ended = _sacct.instant(cells, "end", clock)
    planned = _sacct.seconds(cells, "planned", "reserved")
    if "eligible" not in cells and started and planned is not None:
        eligible = started - timedelta(seconds=planned)
    return _Times(submitted, eligible, started, None if state in {"waiting", "running"} else ended)


FORMAT = Format(
    name="slurm_sacct",
    description="GPU jobs of Slurm: sacct -P or -p",
    columns={name: dtype for name, (dtype, _) in _TYPES.items()},
    day="submitted_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain=f"`{COMMAND} -S 2026-10-01 -E 2026-11-01`; with -D also the earlier runs of jobs that were requeued. Not with -T.",
        taken="One row per run of a job: when it was handed in, could run, ran and ended, its GPUs, partition, QOS, account and user. "
        "Steps and revoked copies are counted as filtered. Names, comments and command lines are not read.",
        key="cluster, JobIDRaw and Submit; a run that ended counts before one that runs or waits, then the one that ran longest.",
        options="time_zone of the cluster (else UTC, and it is flagged), cluster (where the column is missing), delimiter.",
        limits="GPUs are counted only where the cluster accounts for them (AccountingStorageTRES=gres/gpu); a MIG slice counts as the GPU "
        "that Slurm says it is. Waiting tasks of an array are one row. Of a job that was resized the longest part counts. With -T times "
        "are clipped, which cannot be seen. --json is not read.",
    ),
    names=frozenset({"JobIDRaw|JobID", "AllocTRES", "State", "Submit"}),
)
