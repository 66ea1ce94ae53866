"""What needs a decision: each with an amount, an action and an owner, all of it from the data."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from meterbook.reports.actions import YEAR, Action, Standing, exactly, listed, per_year
from meterbook.reports.figures import Figures
from meterbook.reports.frame import Frame
from meterbook.reports.gpu_evidence import reservations
from meterbook.reports.gpu_levers import Advice, advice
from meterbook.reports.numbers import count, dollars, percent, ratio
from meterbook.reports.periods import WEEK
from meterbook.reports.section import Section

IDLE_SHARE = Decimal("0.3")
GPU_ACTIONS = 3
MONTHS = 12
_ANCHORS = {"gpus": "#gpu_fleet", "idle": "#gpu_idle", "budgets": "#budgets", "owners": "#teams", "prices": "#closing"}


def _build(frame: Frame) -> Mapping[str, Any] | None:
    standing = Standing(frame.rows, frame.span[1])
    found = common(frame, standing)
    rows = listed([*found, *promised(standing, found)], _ANCHORS)
    review = standing.review((frame.week.first - WEEK, frame.week.first), "last week")
    return {"rows": rows, "review": review} if rows or review else None


def common(frame: Figures, standing: Standing) -> list[Action]:
    """What any page asks for: of GPUs, budgets, keys that nobody owns, and calls without a price."""
    gpus = largest(advice(frame.gpu_pools, reservations(frame)))
    return [*of_gpus(gpus, standing), *_idle(frame, gpus), *_budgets(frame), *_unowned(frame), *_unpriced(frame)]


def promised(standing: Standing, told: Sequence[Action]) -> Iterator[Action]:
    """What was committed to, is not live, and is not told by an action of its own; with its estimate where one is stated."""
    names = {one.saving for one in told}
    for idea in standing.open():
        if idea["saving"] in names:
            continue
        usd = tuple(idea[f"{name}_usd"] for name in ("low", "point", "high"))
        since = idea["committed_on"]
        yield Action(
            f"Carry out {idea['saving']}",
            idea["owner"],
            (usd[0] * MONTHS, usd[1] * MONTHS, usd[2] * MONTHS) if usd[1] is not None else None,
            topic="ledger",
            evidence="as estimated in savings.yaml" if usd[1] is not None else "savings.yaml states no estimate",
            status=f"committed on {since.day} {since:%B}",
            saving=idea["saving"],
        )


def largest(told: Iterable[Advice]) -> list[Advice]:
    """The GPU actions that save most a year, as far as it can be told: one of a pool, for those of a pool overlap."""
    found: list[Advice] = []
    for one in told:
        pools = {pool for other in found for pool in other.pools}
        if one.usd and one.usd.point > 0 and not pools & set(one.pools):
            found.append(one)
    return found[:GPU_ACTIONS]


def of_gpus(found: Sequence[Advice], standing: Standing) -> Iterator[Action]:
    """Actions of advice on GPU pools, each with where its idea of the ledger stands."""
    for one in found:
        if one.usd:
            idea = standing.of_pools(one.pools)
            status, saving = (standing.told(idea), idea["saving"]) if idea else ("", "")
            usd = (one.usd.low, one.usd.point, one.usd.high)
            yield Action(one.action, one.owner, usd, YEAR, one.effort, "gpus", one.evidence, status, saving)


def _idle(frame: Figures, told: Sequence[Advice]) -> Iterator[Action]:
    # What is owned or reserved costs the same where it is given back; that is for the section of the fleet to weigh.
    names = {name for one in told for name in one.pools} | {one.name for one in frame.gpu_pools if one.committed}
    for pool in frame.gpus(frame.span):
        if pool["pool"] in names:
            continue
        share = ratio(pool["free_idle_seconds"], pool["capacity_seconds"])
        if share is not None and share >= IDLE_SHARE and pool["free_idle_cost_usd"]:
            yield Action(
                f"Release or share GPUs of pool {pool['pool']}: {percent(share)} of its hours nobody held them",
                pool["owner"] or "nobody",
                exactly(per_year(pool["free_idle_cost_usd"], frame.elapsed.days)),
                effort="low",
                topic="idle",
            )


def _budgets(frame: Figures) -> Iterator[Action]:
    for row in frame.budgets:
        landing, amount = row["forecast_usd"], row["amount_usd"]
        if landing is None or landing <= amount or row["period"] == "day":
            continue
        if row["day_of_period"] == row["days_in_period"]:
            said = f"{dollars(row['used_usd'])} was spent of {dollars(amount)}"
        else:
            state = "is spent" if row["used_usd"] >= amount else "will be spent"
            said = f"{dollars(amount)} {state}, {dollars(landing)} expected"
        text = f"Raise or hold budget {row['budget']}: {said}"
        yield Action(text, row["team"] or "finance", exactly(landing - amount), f" this {row['period']}", "low", "budgets")


def _unowned(frame: Figures) -> Iterator[Action]:
    lost = frame.by("team", frame.span).get("unowned", Decimal(0))
    if lost >= 1:
        text = f"Give the keys nobody owns an owner in owners.csv: {dollars(lost)} in this {frame.noun}"
        yield Action(text, "platform", exactly(per_year(lost, frame.elapsed.days)), effort="low", topic="owners")


def _unpriced(frame: Figures) -> Iterator[Action]:
    for row in frame.coverage:
        if row["reason"] != "priced" and row["requests"]:
            todo = "Have logs count tokens" if row["reason"] == "no tokens" else f"Add a rate card ({row['reason']})"
            text = f"{todo}: {count(row['requests'])} requests, {count(row['tokens'])} tokens unpriced"
            yield Action(text, "finance", topic="prices")


SECTION = Section("decisions", _build, "Nothing needs a decision this week.", "Needs a decision")
