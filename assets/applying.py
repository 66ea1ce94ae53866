"""What `rerate --apply` writes: another version for open days, correction lines for closed ones, and a record of who did it, and why."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from meterbook.assets.audit import FILE as AUDIT
from meterbook.assets.audit import append_audit
from meterbook.assets.book import Book, BookError
from meterbook.assets.corrections import FILE as CORRECTIONS
from meterbook.assets.corrections import OWNERS, Correction, append_corrections
from meterbook.assets.rerating import Rerating
from meterbook.rate_cards.card import CardError
from meterbook.rate_cards.compile import Cards, read_card
from meterbook.rate_cards.composed import cards_of_book
from meterbook.rate_cards.snapshots import digest_of, text_of, write_snapshot
from meterbook.rate_cards.strict_yaml import StrictYamlError
from meterbook.rate_cards.versions import Days, assigned, corrected


@dataclass(frozen=True)
class Applied:
    """What was written."""

    version: str
    """Of the cards that price the open days from now on."""
    repriced: Days | None
    """Open days that have another version; their figures follow with the next run."""
    corrections: int
    """Lines added to corrections.csv."""
    audit: str
    """Digest of the record; empty where there was nothing to write."""


def cards_with(book: Book, card: Path) -> Cards:
    """The cards of a book with one file in place of what the book has for its models.

    Raises:
        BookError: there is no such file, or it is wrong.
    """
    try:
        read_card(card)
        with TemporaryDirectory(prefix="meterbook-card-") as folder:
            shutil.copy(card, folder)
            return book.with_self_hosted(cards_of_book(book.folder, book.fx_rates, Path(folder)))
    except (CardError, StrictYamlError) as error:
        raise BookError(str(error)) from error
    except OSError as error:
        raise BookError(f"{card}: cannot be read ({error.strerror})") from error


def apply(rerating: Rerating, why: str, card: Path | None = None) -> Applied:
    """Write what was compared; doing it twice writes nothing twice.

    Args:
        rerating: the comparison, done.
        why: goes into the audit and beside each correction.
        card: the file the prices are from, where it is not the book's yet.

    Raises:
        BookError: the card would take the place of another.
        AuditError: the audit does not verify, so nothing is added to it.
    """
    history, folder = rerating.workspace.prices, rerating.workspace.folder
    copied = _to_copy(rerating.workspace.book, card) if card else None
    lock = history.lock()
    if lock is None:
        raise BookError(f"{folder}: nothing is priced yet; `meterbook run` first")
    text = text_of(rerating.cards)
    version = digest_of(text)
    end = rerating.last + timedelta(days=1)
    closed, days = Days(rerating.first, min(end, rerating.open_from)), Days(max(rerating.first, rerating.open_from), end)
    settled = corrected(lock, version, closed) if closed.first < closed.end else lock
    after = assigned(settled, version, days, why) if days.first < days.end else settled
    lines = list(_corrections(rerating, version, why))
    if after == lock and not lines:
        return Applied(version, None, 0, "")
    digest = append_audit(folder / AUDIT, "rerate", why, _details(rerating, version, len(lines), copied))
    if copied and card:
        copied.parent.mkdir(exist_ok=True)
        shutil.copy(card, copied)
    write_snapshot(folder, text)
    if lines:
        append_corrections(folder / CORRECTIONS, [line.model_copy(update={"audit": digest}) for line in lines])
    history.write(after)
    return Applied(version, days if after != settled else None, len(lines), digest)


def _to_copy(book: Book, card: Path) -> Path | None:
    """Where a card goes; None where it lies there already."""
    target = book.folder / "rate_cards" / card.name
    if target.is_file():
        if target.read_bytes() == card.read_bytes():
            return None
        raise BookError(f"{target} is another card; give {card} another name, or edit the book's own")
    wanted = {entry.key for entry in read_card(card)}
    for path in sorted(target.parent.glob("*.yaml")):
        twice = sorted(wanted & {entry.key for entry in read_card(path)})
        if twice:
            raise BookError(f"{path} prices {'/'.join(twice[0])} already; change it there, for two cards of a book cannot price one model")
    return target


def _corrections(rerating: Rerating, version: str, why: str) -> Iterator[Correction]:
    known = {line.correction_id for line in rerating.workspace.book.corrections}
    posted_on = rerating.workspace.book.open_from
    for day, period, *owners, before, amount in rerating.to_correct():
        told = [version, str(day), period, *owners, str(before)]
        name = hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:16]
        if name not in known:
            yield Correction(
                correction_id=name,
                posted_on=posted_on,
                corrects_period=period,
                corrects_day=day,
                amount_usd=amount,
                reason=why,
                audit="to be written",
                **dict(zip(OWNERS, owners, strict=True)),
            )


def _details(rerating: Rerating, version: str, lines: int, copied: Path | None) -> dict[str, object]:
    return {
        "from": str(rerating.first),
        "to": str(rerating.last),
        "version": version,
        "open_difference_usd": f"{rerating.total(closed=False).difference_usd:f}",
        "corrected_usd": f"{rerating.total(closed=True).difference_usd:f}",
        "corrections": lines,
        "card": copied.name if copied else None,
    }
