"""Publish the internal rate card of a month: its prices from what a month cost, frozen with its page and named by the audit."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

import duckdb

from meterbook.assets.audit import FILE as AUDIT
from meterbook.assets.frozen import freeze, sha256
from meterbook.assets.ratecards import (
    ACTION,
    FILE,
    FOLDER,
    PAGE,
    RECORD,
    TABLE,
    CardRecord,
    Published,
    RateCardError,
    RateCardFile,
    in_force,
    read_published,
)
from meterbook.assets.workspace import Workspace
from meterbook.rate_cards.patterns import like
from meterbook.reports import page
from meterbook.reports.codes import FinanceError
from meterbook.reports.finance import csv_bytes
from meterbook.reports.periods import days_of
from meterbook.reports.ratecard import COLUMNS, GPU_METER, METERS, ModelClass, Price, RateCard, Service

USE = "core.rate_card_use"
"""The model of what a card can price: the same for the month that is priced and for the one its prices come from."""
SETTINGS = (FILE, "allocation.yaml")
MILLION, HOUR = 10**6, 3600
Sums = dict[tuple[str, str], tuple[int, Decimal]]
"""Tokens or seconds, and what they cost, by item and meter."""


@dataclass(frozen=True)
class _Use:
    sums: Sums
    seen: Mapping[str, Sequence[str]]
    """Models that were used, by class."""


def publish(workspace: Workspace, period: str, made_from: str, why: str) -> Published:
    """Publish the card of a month: a first edition, or one that takes the place of the last.

    Args:
        workspace: the opened book, after a run.
        period: the month it prices, YYYY-MM.
        made_from: the month whose cost its prices come from.
        why: what the audit says beside it; needed for an edition after the first.

    Raises:
        RateCardError: the month is closed, the lake does not have the other one as it is now, or a price or a name cannot be published.
        AuditError: the audit does not verify, so nothing is added to it.
    """
    before = in_force(workspace.book.published_cards).get(period)
    _refuse(workspace, period, made_from, again=before is not None, why=why)
    edition = before.record.edition + 1 if before else 1
    card = _card(workspace, period, made_from, edition, why)
    if not card.prices:
        raise RateCardError(f"{workspace.folder / FILE}: states no price, and nothing of {made_from} is in a class of it or held GPUs")
    target = workspace.folder / FOLDER / period / str(edition)

    def write(folder: Path) -> Mapping[str, object]:
        _write(workspace, card, before, folder)
        return {"period": period, "edition": edition}

    freeze(target, RECORD, write, audit=workspace.folder / AUDIT, action=ACTION, why=why)
    return read_published(target / RECORD)


def _refuse(workspace: Workspace, period: str, made_from: str, *, again: bool, why: str) -> None:
    if not (workspace.folder / FILE).is_file():
        raise RateCardError(f"{workspace.folder} has no {FILE}, which says how a rate card is made")
    if any(one.period == period for one in workspace.book.closed):
        raise RateCardError(f"{period} is closed: its charges, and the card they were made with, stay as they are")
    if again and not why:
        raise RateCardError(
            f'the rate card of {period} is published already; --why "..." publishes another edition, and the audit keeps it'
        )
    if made_from > period:
        raise RateCardError(f"a rate card of {period} cannot be made from {made_from}, which comes after it")
    if not _days(workspace, made_from):
        raise RateCardError(f"the lake has nothing of {made_from}; `meterbook run` first, or --from another month")
    if (plan := workspace.plan()) is not None and plan.from_day < days_of(made_from)[1]:
        raise RateCardError(f"{plan.from_day} is not computed, or no longer as it was; `meterbook run` first")


def _days(workspace: Workspace, period: str) -> int:
    first, end = map(str, days_of(period))
    return sum(first <= day < end for day in workspace.days_of(["core.cost_line"]))


def _card(workspace: Workspace, period: str, made_from: str, edition: int, why: str) -> RateCard:
    book, made = workspace.book, workspace.book.rate_card
    use = _use(workspace, made, made_from)
    first, end = days_of(period)
    return RateCard(
        company=book.settings.name,
        period=period,
        edition=edition,
        made_from=made_from,
        days=_days(workspace, made_from),
        margin_percent=made.margin_percent,
        difference_to=made.difference_to,
        why=why if edition > 1 else "",
        classes=[ModelClass(one.name, one.models, tuple(use.seen.get(one.name, ()))) for one in made.classes],
        prices=list(_prices(made, use.sums)),
        services=[
            Service(pool.pool, pool.monthly_usd, pool.lines, pool.words)
            for pool in book.pools
            if pool.starts_on < end and pool.ends_on > first
        ],
    )


def _use(workspace: Workspace, made: RateCardFile, period: str) -> _Use:
    """What use cost in a month, by what a card prices."""
    model = workspace.project.models[USE]
    first, end = days_of(period)
    with workspace.catalog.reading([name for name in model.inputs if not name.startswith("rate_cards.")]) as con:
        # Any month can be read as if it had a card: the model needs to know no more of one than its days.
        con.execute("create schema if not exists rate_cards; create table rate_cards.internal_card (starts_on date, ends_on date)")
        con.execute("insert into rate_cards.internal_card values (?, ?)", [first, end])
        con.execute(f"set variable from_day = date '{first}'; set variable to_day = date '{end}'")
        con.execute(f"create table used as {model.sql}")
        return _Use(*_by_class(con, made, _gpus(con)))


def _gpus(con: duckdb.DuckDBPyConnection) -> Sums:
    query = "select gpu_pool, cast(sum(held_seconds) as bigint), sum(cost_usd) from used where gpu_pool not in ('', '(none)') group by 1"
    return {(pool, GPU_METER): (seconds, cost) for pool, seconds, cost in con.execute(query).fetchall()}


def _by_class(con: duckdb.DuckDBPyConnection, made: RateCardFile, sums: Sums) -> tuple[Sums, dict[str, list[str]]]:
    con.execute("create table class (place integer, class varchar, pattern varchar)")
    patterns = ((one.name, like(pattern.lower())) for one in made.classes for pattern in one.models)
    for place, (name, pattern) in enumerate(patterns):
        con.execute("insert into class values (?, ?, ?)", [place, name, pattern])
    figures = ", ".join(f"cast(sum(used.{meter}_tokens) as bigint), sum(used.{meter}_cost_usd)" for meter in METERS)
    query = f"""
        with named as (
            select seen.model, class.class, row_number() over (partition by seen.model order by class.place) as choice
            from (select distinct model from used where gpu_pool = '') as seen
            inner join class on lower(seen.model) like class.pattern escape '!'
        )
        select named.class, used.model, {figures}
        from used inner join named on named.model = used.model and named.choice = 1
        where used.gpu_pool = '' group by named.class, used.model order by named.class, used.model
    """
    seen: dict[str, list[str]] = defaultdict(list)
    found = dict(sums)
    for name, model, *values in con.execute(query).fetchall():
        seen[name].append(model)
        for meter, tokens, cost in zip(METERS, values[::2], values[1::2], strict=True):
            before = found.get((name, meter), (0, Decimal(0)))
            found[name, meter] = (before[0] + tokens, before[1] + cost)
    return found, seen


def _prices(made: RateCardFile, sums: Sums) -> Iterator[Price]:
    """Stated prices, and what use cost for the rest; what was not used and has no stated price has none."""
    stated = {rate.item: rate.usd_per_million if rate.meter else rate.usd_per_hour for rate in made.rates}
    tokens = [(one.name, meter) for one in made.classes for meter in METERS]
    pools = sorted(key for key in {*stated, *sums} if key[1] == GPU_METER)
    for key in (*tokens, *pools):
        quantity, cost = sums.get(key, (0, Decimal(0)))
        usd = stated.get(key)
        if usd is not None:
            yield Price(*key, usd, is_stated=True, quantity=quantity, cost_usd=cost)
        elif quantity:
            usd = unit_price(cost, quantity, HOUR if key[1] == GPU_METER else MILLION, made.margin_percent)
            if usd >= MILLION:
                raise RateCardError(f"{' '.join(key)}: {usd} USD is no price of a card; look at what it cost, or state one in {FILE}")
            yield Price(*key, usd, is_stated=False, quantity=quantity, cost_usd=cost)


def unit_price(cost_usd: Decimal, quantity: int, per: int, margin_percent: Decimal) -> Decimal:
    """Price of `per` units of what cost so much, with a margin: rounded once, half even, to 6 decimals."""
    exact = Fraction(cost_usd) * per * (100 + Fraction(margin_percent)) / 100 / quantity
    return Decimal(round(exact * MILLION)).scaleb(-6)


def _write(workspace: Workspace, card: RateCard, before: Published | None, folder: Path) -> None:
    try:
        table = csv_bytes(COLUMNS, card.rows())
    except FinanceError as error:
        raise RateCardError(str(error)) from error
    with workspace.catalog.scratch() as con:
        html = page.render("ratecard", card.period, con, replace(card, table_sha256=sha256(table))).encode()
    files = {TABLE: table, PAGE: html}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    record = CardRecord(
        period=card.period,
        edition=card.edition,
        supersedes=before.digest if before else None,
        made_from=card.made_from,
        days=card.days,
        meterbook=version("meterbook"),
        margin_percent=card.margin_percent,
        difference_to=card.difference_to,
        why=card.why,
        classes=tuple(card.classes),
        prices=tuple(card.prices),
        services=tuple(card.services),
        book={name: sha256((workspace.folder / name).read_bytes()) for name in SETTINGS if (workspace.folder / name).is_file()},
        files={name: sha256(content) for name, content in files.items()},
    )
    (folder / RECORD).write_text(json.dumps(record.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n", "utf-8")


def month_before(period: str) -> str:
    """The month before a month, YYYY-MM."""
    return f"{days_of(period)[0] - timedelta(days=1):%Y-%m}"
