"""What the sample company's features delivered: units of value with success, escalation and quality."""

import csv
import gzip
import io
from datetime import date
from pathlib import Path

import numpy as np

from meterbook.pipelines.demo_company import FEATURES, SEED, TENANTS
from meterbook.pipelines.demo_requests import Requests

COLUMNS = (
    "outcome_id",
    "occurred_at",
    "unit",
    "quantity",
    "is_success",
    "is_escalated",
    "quality_score",
    "operation_id",
    "team",
    "tenant",
    "feature",
    "environment",
    "experiment_arm",
)


def outcomes_of(made: Requests, day: date) -> list[tuple[object, ...]]:
    """The outcomes of a day: a share of each feature's successful calls ends a unit of work."""
    rng = np.random.default_rng([SEED, 3, day.toordinal()])
    rows: list[tuple[object, ...]] = []
    draws = rng.random((len(made), 3))
    quality = np.clip(rng.normal(0, 0.06, len(made)), -0.2, 0.09)
    for n in range(len(made)):
        feature = FEATURES[made.feature[n]]
        if made.status[n] != "success" or made.staging[n] or made.session[n] or draws[n, 0] >= feature.outcomes:
            continue
        escalated = bool(draws[n, 1] < feature.escalated)
        success = not escalated and bool(draws[n, 2] < 0.97)
        second = int(made.millisecond[n] + made.latency[n]) // 1000 % 86_400
        clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        call = f"{int(made.operation[n]):016x}"
        score = f"{min(max(feature.quality + quality[n], 0), 1):.3f}"
        who = (feature.team, TENANTS[made.tenant[n]], feature.name, "prod", made.arm[n])
        rows.append((f"out-{call}", f"{day}T{clock}Z", feature.unit, 1, str(success).lower(), str(escalated).lower(), score, call, *who))
    return rows


def write_outcomes(folder: Path, month: str, rows: list[tuple[object, ...]]) -> str:
    """One CSV per month, packed; gives its name in the inbox."""
    name = f"outcomes/{month}.csv.gz"
    path = folder / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = io.StringIO(newline="")
    writer = csv.writer(handle)
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    path.write_bytes(gzip.compress(handle.getvalue().encode(), 3, mtime=0))
    return name
