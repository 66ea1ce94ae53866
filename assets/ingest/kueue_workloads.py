"""Workloads of Kueue (kueue.x-k8s.io/v1beta1 and v1beta2): what `kubectl get workloads -A -o json` prints.

A file is a List, an array of workloads, one workload, or lines of any of these. A workload is one row, whatever happened to it. It
could run from its creation on, and waited until it was admitted; but each eviction writes over the time of admission. So of a workload
that was evicted only the last run is known: it could run from its requeue on, where that is told, else from an unknown instant. Its
elapsed time is that of the last run and what Kueue has added up of those before (`accumulatedPastExecutionTimeSeconds`, in v1beta1
spelled with an x too many). GPUs are those of the admission (`resourceUsage`), else those the pods ask for times their count; only whole
GPUs (`nvidia.com/gpu`, `amd.com/gpu`) are counted. Reasons of conditions are no documented list: with one that is not known the state of
a finished workload is unknown. Nothing of a workload's commands, environment, annotations and messages is kept. Documented in Kueue's
API reference.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest import _gpu
from meterbook.assets.ingest._kueue import Workload, devices
from meterbook.assets.ingest._rows import BROKEN, is_lines, json_records
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import FIRST_YEAR, LAST_YEAR, About, Format, Sample, first_line
from meterbook.assets.sources import Reading

_TYPES: dict[str, tuple[str, pl.DataType]] = {
    **dict.fromkeys(("uid", "job_id", "cluster"), ("VARCHAR", pl.String())),
    **dict.fromkeys(("submitted_at", "eligible_at", "started_at", "ended_at", "changed_at"), ("TIMESTAMP", pl.Datetime("us"))),
    **dict.fromkeys(("queue", "priority", "state", "gpu_model", "team"), ("VARCHAR", pl.String())),
    **dict.fromkeys(("gpus", "elapsed_seconds"), ("BIGINT", pl.Int64())),
}
_INSIDE = ("items",)
_ENDS = {
    "Succeeded": "completed",
    "Failed": "failed",
    **dict.fromkeys(("AdmissionChecksRejected", "OwnerNotFound", "OutOfSync"), "cancelled"),
}
_OLD_END = "JobFinished"
"""The one reason of early versions, whose message alone says how it ended."""


class _List(msgspec.Struct):
    metadata: dict[str, Any] = {}


def _recognises(sample: Sample) -> bool:
    text = sample.text
    return text.lstrip()[:1] in {"{", "["} and '"kueue.x-k8s.io/' in text and '"podSets"' in text


def _read(content: Content, reading: Reading) -> Rows:
    rows, decoder = Rows(), msgspec.json.Decoder(Workload)
    found: list[dict[str, Any]] = []
    for line, raw in _records(content):
        rows.rows_in += 1
        workload = None
        try:
            workload = decoder.decode(raw)
            if workload.kind not in {None, "Workload"}:
                rows.filtered += 1
                continue
            found.append({**_row(workload, reading, rows), "line": line})
        except (*BROKEN, ValueError) as error:
            kept = msgspec.json.encode(workload.metadata) if workload else "(the workload is not kept: it may hold text of people)"
            rows.reject(line, first_line(error), kept)
    rows.add(pl.DataFrame(found, schema={**{name: dtype for name, (_, dtype) in _TYPES.items()}, "line": pl.Int64()}, orient="row"))
    rows.flags[:] = [*dict.fromkeys(rows.flags), *_more(content)]
    return rows


def _records(content: Content) -> Iterator[tuple[int, bytes]]:
    head = content.head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if head.startswith(b"{") and is_lines(head, _INSIDE):
        lines = enumerate((line for chunk in content.chunks() for line in chunk.removesuffix(b"\n").split(b"\n")), 1)
        yield from ((number, line) for number, line in lines if line.strip())
    else:
        yield from enumerate(json_records(content, _INSIDE), 1)


def _more(content: Content) -> list[str]:
    """What a list says of others that follow it."""
    try:
        is_cut = bool(msgspec.json.decode(content.whole(), type=_List).metadata.get("continue"))
    except BROKEN:
        return []
    return ["holds a list that says more workloads follow (continue)"] * is_cut


def _row(workload: Workload, reading: Reading, rows: Rows) -> dict[str, Any]:
    """A workload as a job.

    Raises:
        ValueError: it is wrong.
    """
    meta, spec, status = workload.metadata, workload.spec, workload.status
    if not meta.uid:
        raise ValueError("metadata.uid is missing")
    found = devices(workload)
    if found.slices:
        rows.flags.append(f"holds workloads that ask for parts of GPUs ({found.slices}): how many GPUs they hold is unknown")
    owner = meta.ownerReferences[0].name if meta.ownerReferences else None
    cluster_queue = status.admission.clusterQueue if status.admission else None
    return {
        "uid": meta.uid,
        "job_id": "/".join(part for part in (reading.options.cluster, meta.namespace, owner or meta.name) if part) or meta.uid,
        "cluster": reading.options.cluster,
        **_course(workload, rows),
        "queue": cluster_queue or spec.queueName,
        "priority": spec.priorityClassName or (spec.priorityClassRef.name if spec.priorityClassRef else None),
        "gpus": found.gpus or (None if found.slices else 0),
        "gpu_model": _gpu.joined(found.flavors),
        "team": meta.namespace,
    }


def _course(workload: Workload, rows: Rows) -> dict[str, Any]:
    """When a workload was created, could run, ran and ended, and its state."""
    created = _utc(workload.metadata.creationTimestamp, "metadata.creationTimestamp")
    began, ended = (_since(workload, name) for name in ("Admitted", "Finished"))
    state = _end(workload, rows) if ended else "running" if began else "waiting"
    evicted = _since(workload, "Evicted")
    if state == "waiting" and evicted and not workload.spec.active:
        # Nothing admits it again before somebody makes it active.
        state, ended = ("preempted" if _reason(workload, "Evicted") == "Preempted" else "cancelled"), evicted
    if began and ended and ended < began:
        raise ValueError("Finished is before Admitted")
    past = workload.status.accumulatedPastExecutionTimeSeconds or workload.status.accumulatedPastExexcutionTimeSeconds
    if past is not None and past < 0:
        raise ValueError(f"accumulatedPastExecutionTimeSeconds is negative ({past})")
    elapsed = past if not began else (past or 0) + int((ended - began).total_seconds()) if ended else None
    changes = [
        _utc(one.lastTransitionTime, f"{one.type}.lastTransitionTime") for one in workload.status.conditions if one.lastTransitionTime
    ]
    return {
        "submitted_at": created,
        "eligible_at": _eligible(workload, created, began),
        "started_at": began,
        "ended_at": ended,
        "changed_at": max([created, *changes]),
        "state": state,
        "elapsed_seconds": elapsed,
    }


def _eligible(workload: Workload, created: datetime, began: datetime | None) -> datetime | None:
    """From when on the run that is shown could have begun."""
    status = workload.status
    evictions = status.schedulingStats.evictions if status.schedulingStats else None
    past = status.accumulatedPastExecutionTimeSeconds or status.accumulatedPastExexcutionTimeSeconds
    was_evicted = evictions or past or any(one.type in {"Evicted", "Requeued"} for one in status.conditions)
    if not was_evicted:
        return created if began or workload.spec.active else None
    if not workload.spec.active and began is None:
        return None
    again = _since(workload, "Requeued") or _since(workload, "Evicted")
    return again if again and (began is None or again <= began) else None


def _end(workload: Workload, rows: Rows) -> str | None:
    reason = _reason(workload, "Finished")
    if reason == _OLD_END:
        said = next(one.message.lower() for one in workload.status.conditions if one.type == "Finished")
        return "failed" if "fail" in said else "completed" if "success" in said else None
    if reason not in _ENDS:
        rows.flags.append("holds finished workloads with reasons that are not known; their state is unknown")
    return _ENDS.get(reason)


def _since(workload: Workload, name: str) -> datetime | None:
    """Since when a condition is true; None where it is not."""
    one = next((one for one in workload.status.conditions if one.type == name and one.status == "True"), None)
    return _utc(one.lastTransitionTime, f"{name}.lastTransitionTime") if one else None


def _reason(workload: Workload, name: str) -> str:
    return next((one.reason for one in workload.status.conditions if one.type == name), "")


def _utc(text: str | None, name: str) -> datetime:
    if not text:
        raise ValueError(f"{name} is missing")
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name} '{text[:80]}' is not an instant") from error
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"day {found.date()} is outside {FIRST_YEAR} to {LAST_YEAR}")
    return found


FORMAT = Format(
    name="kueue_workloads",
    description="GPU jobs of Kueue: Workload objects, JSON",
    columns={name: dtype for name, (dtype, _) in _TYPES.items()},
    day="submitted_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="`kubectl get workloads.kueue.x-k8s.io -A -o json > workloads.json`, daily: finished workloads may be deleted.",
        taken="One row per workload: when it was created, could run, was admitted and finished, its GPUs, flavor, queue (the cluster "
        "queue, for one that waits the local queue), priority class and namespace, taken as the team. Other objects are filtered.",
        key="uid; the row with the latest change of a condition counts.",
        options="cluster.",
        limits="Of evicted workloads the wait for the first admission is not known, and how long they ran before only where Kueue adds it "
        "up. How long a running workload has run is unknown. MIG slices, shared GPUs and devices of DRA are not counted. YAML is not read.",
    ),
    names=frozenset({"apiVersion", "kind", "metadata", "spec", "status", "podSets"}),
)
