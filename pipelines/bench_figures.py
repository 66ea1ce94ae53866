"""What `meterbook bench anomalies` found, as tables and as JSON."""

import json
from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.table import Table

from meterbook.pipelines import bench_verdicts
from meterbook.pipelines.bench_anomalies import DETECTOR, REPORT, TUNE, Figures

AT_LEAST: Mapping[str, float] = {"f1": 0.64, "loop": 0.95, "drop": 0.83, "level": 0.75, "ramp": 0.75}
AT_MOST: Mapping[str, float] = {"false_alarms_per_1000": 1.5}
RATIOS_AT_LEAST: Mapping[str, float] = {"price": 0.95, "retry": 0.98}
CPU_SECONDS_AT_MOST = 10
_TITLES = {"f1": "F1", "precision": "precision", "recall": "recall", "false_alarms_per_1000": "false alarms per 1,000 series-days"}


def show(found: Figures, console: Console) -> None:
    """Print the figures beside those of the peers and the bars."""
    columns = dict(_columns(found))
    table = Table("on the reporting keys", *columns, "bar", show_edge=False)
    for name, title in _TITLES.items():
        table.add_row(title, *(_figure(one, name) for one in columns.values()), _bar(name))
    for kind in _by_kind(columns[DETECTOR]):
        table.add_row(f"recall: {kind}", *(_figure(_by_kind(one), kind) for one in columns.values()), _bar(kind))
    console.print(table)
    ratios, scoring = _figures(found["ratios"]), _figures(found["scoring"])
    for kind, bar in RATIOS_AT_LEAST.items():
        console.print(f"ratios, {kind}: F1 {_figure(_figures(ratios[kind]), 'f1')} (bar: at least {bar})")
    console.print(f"tuning keys: F1 {_figure(_figures(found[TUNE]), 'f1')}")
    console.print(f"{scoring['keys']:,} keys for a day: {scoring['cpu_seconds']} CPU seconds (bar: at most {CPU_SECONDS_AT_MOST})")
    for name, said in _figures(found["peers"]).items():
        if isinstance(said, str):
            console.print(f"{name}: {said}")


def as_json(found: Figures) -> str:
    """All figures, with the machine and versions."""
    return json.dumps({"machine": bench_verdicts.machine(), **found}, indent=2) + "\n"


def _columns(found: Figures) -> Iterator[tuple[str, Figures]]:
    yield DETECTOR, _figures(found[REPORT])
    yield from ((name, one) for name, one in _figures(found["peers"]).items() if isinstance(one, dict))


def _figures(said: object) -> Figures:
    if not isinstance(said, dict):
        raise TypeError(f"{said!r} are no figures")
    return said


def _by_kind(one: Figures) -> Figures:
    return _figures(one["recall_by_kind"])


def _bar(name: str) -> str:
    return f">= {AT_LEAST[name]}" if name in AT_LEAST else f"<= {AT_MOST[name]}" if name in AT_MOST else ""


def _figure(one: Figures, name: str) -> str:
    return f"{one[name]:.3f}"
