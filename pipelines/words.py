"""What a run says of the door, of its prices and of what it wrote, in a few lines; the quality page says the first two in full."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from meterbook.assets.prices import Differing
from meterbook.assets.publications import INDEX_PAGE, MONTH_REVIEW, QUALITY_PAGE, QUARTERLY, SAVINGS, WEEKLY
from meterbook.reports.coverage import Coverage, Measure, shown
from meterbook.reports.gate import Verdict
from meterbook.reports.numbers import plural
from meterbook.reports.quality import RECENT, WORDS, Quality, brief

TOLD = 2
"""Reasons named in the line of what was set aside."""
LACKING = 5
"""Things without a price that are named."""
CENT = Decimal("0.01")
QUALITY_FILE = Path("reports") / f"{QUALITY_PAGE.key}.html"


def door_lines(quality: Quality) -> list[str]:
    """One line for each thing that needs a look, from the same figures as the quality page."""
    return [*_aside(quality), *_volumes(quality), *_alike(quality)]


def gate_lines(verdicts: Sequence[Verdict]) -> list[str]:
    """One line for each expectation that only warns and fails somewhere; what critical ones stop is said of each period."""
    return [f"warning {one.line}" for one in verdicts if one.severity == "warning" and one.failed]


def differing_line(differing: Differing) -> str:
    """That edited cards changed no day already priced, and how to see what they would change."""
    verb = f"meterbook rerate --from {differing.first_day} --to {differing.last_day}"
    they = f"{plural(differing.prices, 'price')} of days already priced {'differs' if differing.prices == 1 else 'differ'}"
    return f"{they} from your cards; {verb} shows what they would change"


def cost_line(coverage: Coverage, cost: Decimal, over: str) -> str:
    """What everything cost; a range where failed calls may not have been billed."""
    uncertain = coverage.uncertain["uncertain_usd"]
    if not uncertain:
        return f"cost {_cents(cost)} {over}"
    failed = f"{_cents(uncertain)} of it is for failed calls that may not be billed"
    return f"cost {_cents(cost - uncertain)} to {_cents(cost)} {over}: {failed}"


def coverage_lines(coverage: Coverage) -> list[str]:
    """How much has a price, how much is estimated, and what lacks a price, the most used first."""
    return [*_priced(coverage), *_estimated(coverage), *_lacking(coverage)]


def unmade_lines(unmade: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Sections of the book's own that could not be made, and on which pages; given the keys of the pages by the reason."""
    for why, keys in unmade.items():
        more = f" and {plural(len(keys) - 1, 'more page')}" if len(keys) > 1 else ""
        yield f"{why} (on {keys[-1]}{more})"


def _priced(coverage: Coverage) -> Iterator[str]:
    parts = [f"{shown(one.share)} of {_whole(one)}" for one in coverage.measures]
    if parts:
        yield f"priced {', '.join(parts)}"


def _whole(measure: Measure) -> str:
    return f"{_cents(measure.total)} reported" if measure.name == "reported dollars" else f"{measure.total:,.0f} {measure.name}"


def _estimated(coverage: Coverage) -> Iterator[str]:
    """Its share of tokens and of what models cost, raised to the next hundredth."""
    requests, tokens, cost = (coverage.total(f"estimated_{name}") for name in ("requests", "tokens", "usd"))
    if requests:
        parts = (("tokens", tokens, coverage.total("tokens")), (f"model cost ({_cents(cost)})", cost, coverage.total("cost_usd")))
        shares = ", ".join(f"{shown(part / whole, up=True)} of {name}" for name, part, whole in parts if whole)
        yield f"estimated {plural(int(requests), 'request')} whose logs count no tokens: {shares}"


def _lacking(coverage: Coverage) -> Iterator[str]:
    found = list(coverage.lines())
    yield from (f"no price: {line}" for line in found[:LACKING])
    if (more := len(found) - LACKING) > 0:
        yield f"and {plural(more, 'more thing')} without a price"


def _cents(usd: Decimal) -> str:
    """Dollars and cents; what is not nothing does not read as nothing."""
    return f"under ${CENT}" if 0 < usd < CENT / 2 else f"${usd.quantize(CENT):,}"


def _aside(quality: Quality) -> Iterator[str]:
    found = quality.reasons
    if not found:
        return
    told = [f"{brief(row['reason'])} ({plural(row['records'], 'record')})" for row in found[:TOLD]]
    rest = [plural(more, "more reason")] if (more := len(found) - len(told)) else []
    yield f"set aside most often: {'; '.join([*told, *rest])}"


def _volumes(quality: Quality) -> Iterator[str]:
    odd = quality.unusual(RECENT)
    if odd:
        last = odd[0]
        what = WORDS.get(last["kind"], last["kind"])
        days = plural(len({row["day"] for row in odd}), "day")
        yield (
            f"volumes out of the ordinary on {days} of the last {RECENT}: "
            f"{last['source']} {last['day']} {last['rows_kept']:,} {what}, usually {last['usual_rows']:,}"
        )


def _alike(quality: Quality) -> Iterator[str]:
    found = quality.alike
    if found:
        first = found[0]
        what = WORDS.get(first["kind"], first["kind"])
        more = f" (and {plural(len(found) - 1, 'more pair')})" if len(found) > 1 else ""
        pair = f"{first['source']} and {first['other_source']} count the same {what} on {plural(first['days'], 'day')}"
        yield f"the same money twice: {pair}{more}; say `counts: false` of one of them in meterbook.yaml"


def written_lines(folder: Path, published: Sequence[str]) -> list[str]:
    """How many publications of each kind were made, and the last of each to open."""
    kinds = {WEEKLY: "weekly page", MONTH_REVIEW: "monthly page", QUARTERLY: "quarterly page", SAVINGS: "savings page"}
    made = {kind: [key for key in published if key.startswith(f"{kind}/")] for kind in (*kinds, "chargeback")}
    lines = []
    if any(made.values()):
        counted = ", ".join(plural(len(made[kind]), noun) for kind, noun in kinds.items())
        lines.append(f"wrote {counted} and the statements of {plural(len(made['chargeback']), 'month')}")
    pages = {kind: folder / "reports" / f"{keys[-1]}.html" for kind, keys in made.items() if keys}
    if made["chargeback"]:
        pages["chargeback"] = folder / made["chargeback"][-1] / "chargeback.csv"
    lines += [f"open {pages[kind]}" for kind in (WEEKLY, "chargeback", MONTH_REVIEW, QUARTERLY, SAVINGS) if kind in pages]
    if QUALITY_PAGE.key in published:
        lines.append(f"open {folder / QUALITY_FILE}")
    if INDEX_PAGE.key in published:
        lines.append(f"open {folder / 'reports' / 'index.html'}")
    return lines or ["nothing new to publish"]
