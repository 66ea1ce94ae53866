"""What the publication gate measures, within which bounds, and how it is said: plain data, read without Great Expectations."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from meterbook.assets.sources import Strict
from meterbook.reports.coverage import shown

Severity = Literal["critical", "warning"]
Row = Mapping[str, Any]
ZERO, ONE, CENT = Decimal(0), Decimal(1), Decimal("0.01")
SEVERITIES: tuple[Severity, ...] = ("critical", "warning")


@dataclass(frozen=True)
class Measure:
    """One figure that the gate judges, of each day or of each period.

    Args:
        name: what it is called in the settings and in the evidence.
        title: what it is, for people.
        of: whether days have it, or periods, over the sums of their days.
        most: whether its bound is the most it may be; else the least.
        value: the figure, of a row of `marts.day_profile`; None where there is nothing to take it of.
        said: it in words, with its value in place of `{}`.
        todo: what to do where it is out of bounds.
        bounds: unless the book says otherwise; None has no bound.
        setting: the key of meterbook.yaml that holds its bounds, where that is not `gate.<name>`; empty where no setting does.
    """

    name: str
    title: str
    of: Literal["day", "period"]
    most: bool
    value: Callable[[Row], Decimal | None]
    said: str
    todo: str
    bounds: Mapping[Severity, Decimal | None]
    setting: str | None = None

    def text(self, value: Decimal) -> str:
        """A value in words, never better than it is."""
        if self.name.endswith("_ratio"):
            return shown(value, up=self.most)
        if abs(value) >= CENT:
            value = value.quantize(CENT, ROUND_CEILING if self.most else ROUND_FLOOR)
        plain = f"{value.normalize():,f}"
        return (
            f"{'-' if value < 0 else ''}${plain.lstrip('-')}"
            if self.name.endswith("_usd")
            else f"{plain} seconds"
            if self.name.endswith("_seconds")
            else plain
        )

    def key(self, severity: Severity) -> str:
        """The setting of a bound."""
        return f"gate.{self.name}.{severity}" if self.setting is None else self.setting


@dataclass(frozen=True)
class Expectation:
    """A measure held against one bound.

    Args:
        measure: what is held against it.
        severity: what follows where it is out of bounds.
        bound: the most or the least it may be.
    """

    measure: Measure
    severity: Severity
    bound: Decimal

    @property
    def name(self) -> str:
        """Its name in the evidence."""
        return f"{self.measure.name}.{self.severity}"

    @property
    def expected(self) -> str:
        """The bound in words: at most 5.00 %."""
        return f"{'at most' if self.measure.most else 'at least'} {self.measure.text(self.bound)}"

    @property
    def place(self) -> str:
        """The bound where it is set, for a sentence: gate.quarantined_ratio.critical 5.00 % of meterbook.yaml."""
        key = self.measure.key(self.severity)
        return f"{key} {self.measure.text(self.bound)} of meterbook.yaml" if key else self.measure.text(self.bound)


def share(part: str, whole: str) -> Callable[[Row], Decimal | None]:
    """A share of two columns."""
    return lambda row: Decimal(row[part]) / Decimal(row[whole]) if row[whole] else None


def _priced(row: Row) -> Decimal | None:
    """The least of the shares of tokens, of requests and of reported dollars that have a price."""
    pairs = (("priced_tokens", "used_tokens"), ("priced_requests", "used_requests"), ("priced_reported_usd", "reported_usd"))
    return min((Decimal(row[part]) / Decimal(row[whole]) for part, whole in pairs if row[whole] > 0), default=None)


def _billed_difference(row: Row) -> Decimal | None:
    """What bills and prices are apart by, as a share of the larger; only where all of a bill is known."""
    billed, apart = row["compared_usd"], row["billed_minus_priced_usd"]
    if billed is None or apart is None:
        return None
    larger = max(abs(billed), abs(billed - apart))
    return abs(apart) / larger if larger else ZERO


def _duplicates(row: Row) -> Decimal | None:
    return Decimal(row["copies"] - row["rows_kept"]) / row["copies"] if row["copies"] else None


def _seconds(row: Row) -> Decimal | None:
    return None if row["longest_call_ms"] is None else Decimal(row["longest_call_ms"]) / 1000


def column(name: str) -> Callable[[Row], Decimal | None]:
    """A column as it is."""
    return lambda row: None if row[name] is None else Decimal(row[name])


def _warn(text: str) -> Mapping[Severity, Decimal | None]:
    return {"warning": Decimal(text), "critical": None}


MEASURES: tuple[Measure, ...] = (
    Measure(
        "priced_ratio", "What was used has a price", "period", most=False, value=_priced, said="{} of what was used has a price",
        todo="rate cards price the rest (docs/cost.md)", bounds={"warning": None, "critical": None}, setting="coverage_target",
    ),
    Measure(
        "lost_usd", "No dollar comes or goes between calls and pages", "day", most=True, value=lambda row: abs(row["difference_usd"]),
        said="{} came or went between the calls and the pages",
        todo="`meterbook run` computes the day again; if it stays, it is a fault of meterbook", bounds={"warning": None, "critical": ZERO},
        setting="",
    ),
    Measure(
        "unprofiled_days", "Days without a profile", "period", most=True, value=column("unprofiled_days"),
        said="days that the gate knows nothing of: {}",
        todo="`meterbook run` profiles them", bounds={"warning": None, "critical": ZERO}, setting="",
    ),
    Measure(
        "quarantined_ratio", "Records set aside", "day", most=True, value=share("quarantined", "rows_in"),
        said="{} of the records of files that end there were set aside",
        todo="the quality page says why, and names the first of each sort",
        bounds={"warning": Decimal("0.01"), "critical": Decimal("0.25")},
    ),
    Measure(
        "owned_ratio", "Cost with an owner", "period", most=False, value=share("owned_usd", "ownable_usd"), said="{} of cost has an owner",
        todo="`meterbook owners coverage` lists what lacks a rule of owners.csv", bounds={"warning": None, "critical": None},
        setting="owner_target",
    ),
    Measure(
        "billed_difference_ratio", "Bills and prices apart", "period", most=True, value=_billed_difference,
        said="bills and prices are {} apart",
        todo="`meterbook reconcile PERIOD` names the causes", bounds=_warn("0.05"),
    ),
    Measure(
        "missing_days", "Days without a record", "period", most=True, value=column("missing_days"), said="days without any record: {}",
        todo="drop the files of those days into the inbox, or leave it where nothing ran", bounds=_warn("0"),
    ),
    Measure(
        "low_streams", "Sources with less than half of usual", "day", most=True, value=column("low_streams"),
        said="sources with less than half of their usual records: {}",
        todo="the volumes of the quality page name them; look whether an export is cut short", bounds=_warn("0"),
    ),
    Measure(
        "high_streams", "Sources with more than twice the usual", "day", most=True, value=column("high_streams"),
        said="sources with more than twice their usual records: {}",
        todo="the volumes of the quality page name them; look whether something is exported twice", bounds=_warn("0"),
    ),
    Measure(
        "duplicate_ratio", "Records that repeat others", "day", most=True, value=_duplicates, said="{} of the records repeat others",
        todo="they count once; look why files overlap", bounds=_warn("0.5"),
    ),
    Measure(
        "estimated_ratio", "Calls with estimated tokens", "day", most=True, value=share("estimated_requests", "used_requests"),
        said="the tokens of {} of the calls are estimates",
        todo="log usage with every answer (docs/cost.md)", bounds=_warn("0.1"),
    ),
    Measure(
        "gpu_unknown_ratio", "GPU time without samples", "day", most=True, value=share("unknown_seconds", "capacity_seconds"),
        said="{} of the time of GPUs has no samples",
        todo="look whether the collector runs on every node (docs/gpu-collector.md)", bounds=_warn("0.1"),
    ),
    Measure(
        "largest_call_usd", "Dearest call", "day", most=True, value=column("largest_call_usd"), said="the dearest call cost {}",
        todo='look at it: meterbook query "from core.request_cost order by cost_usd desc limit 5"', bounds=_warn("100"),
    ),
    Measure(
        "longest_call_seconds", "Longest call", "day", most=True, value=_seconds, said="the longest call took {}",
        todo="a call of hours is mostly a log in other units (docs/formats.md)", bounds=_warn("14400"),
    ),
    Measure(
        "cost_usd", "Cost of a day", "day", most=False, value=column("cost_usd"), said="all of the day together cost {}",
        todo="credits outweigh its cost: look at the day's bill", bounds=_warn("0"),
    ),
)  # fmt: skip
"""Everything that is judged, the most important first."""
SETTABLE = tuple(measure for measure in MEASURES if measure.setting is None)


class _Limits(Strict):
    """Bounds of a measure; one that is not given is as it is without the entry, null has none."""

    warning: Decimal | None = Field(default=None, ge=-(10**9), le=10**9, decimal_places=6)
    critical: Decimal | None = Field(default=None, ge=-(10**9), le=10**9, decimal_places=6)


class GateSettings(Strict):
    """`gate:` of meterbook.yaml: bounds other than those of `MEASURES`."""

    quarantined_ratio: _Limits = _Limits()
    billed_difference_ratio: _Limits = _Limits()
    missing_days: _Limits = _Limits()
    low_streams: _Limits = _Limits()
    high_streams: _Limits = _Limits()
    duplicate_ratio: _Limits = _Limits()
    estimated_ratio: _Limits = _Limits()
    gpu_unknown_ratio: _Limits = _Limits()
    largest_call_usd: _Limits = _Limits()
    longest_call_seconds: _Limits = _Limits()
    cost_usd: _Limits = _Limits()

    @model_validator(mode="after")
    def _in_order(self) -> "GateSettings":
        for measure in SETTABLE:
            bounds = self.bounds(measure)
            warning, critical = bounds["warning"], bounds["critical"]
            if measure.name.endswith("_ratio") and any(bound is not None and not ZERO <= bound <= ONE for bound in bounds.values()):
                raise ValueError(f"{measure.name} is a share, from 0 to 1")
            if warning is not None and critical is not None and (critical < warning if measure.most else critical > warning):
                raise ValueError(f"{measure.name}: critical {critical} is reached before warning {warning}; swap them, or set one to null")
        return self

    def bounds(self, measure: Measure) -> Mapping[Severity, Decimal | None]:
        """The bounds of a measure: the book's own, or those it has without."""
        own: _Limits = getattr(self, measure.name)
        return {**measure.bounds, **{name: getattr(own, name) for name in SEVERITIES if name in own.model_fields_set}}


def suite_of(gate: GateSettings, coverage_target: Decimal, owner_target: Decimal) -> list[Expectation]:
    """Every expectation of a book, critical ones first.

    Args:
        gate: the book's own bounds.
        coverage_target: the least share with a price that is published.
        owner_target: the least share of cost with an owner; stops nothing.
    """
    targets: Mapping[str, Mapping[Severity, Decimal | None]] = {
        "coverage_target": {"critical": coverage_target},
        "owner_target": {"warning": owner_target},
    }

    def bounds(measure: Measure) -> Mapping[Severity, Decimal | None]:
        return gate.bounds(measure) if measure.setting is None else {**measure.bounds, **targets.get(measure.setting, {})}

    def found() -> Iterator[Expectation]:
        for severity in SEVERITIES:
            for measure in MEASURES:
                bound = bounds(measure).get(severity)
                if bound is not None:
                    yield Expectation(measure, severity, bound)

    return list(found())
