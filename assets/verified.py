"""What a book keeps forever, held against its audit: corrections, closed months, published rate cards."""

from collections.abc import Sequence

from meterbook.assets.audit import FILE, AuditError, Record
from meterbook.assets.book import Book
from meterbook.assets.closed import CloseError
from meterbook.assets.corrections import FILE as CORRECTIONS
from meterbook.assets.ratecards import ACTION, RateCardError


def refuse_tampered(book: Book, records: Sequence[Record]) -> None:
    """Everything the audit vouches for is there, as it was when its record was written.

    Args:
        book: the book.
        records: of its audit, whose chain holds.

    Raises:
        AuditError: the first thing that is not.
    """
    try:
        _cards(book, records)
        _closed(book, records)
    except (CloseError, RateCardError) as error:
        raise AuditError(str(error)) from error
    digests = {record.digest for record in records}
    for line in book.corrections:
        if line.audit not in digests:
            raise AuditError(f"{book.folder / FILE}: has no record {line.audit}, to which {CORRECTIONS} refers ({line.correction_id})")


def _closed(book: Book, records: Sequence[Record]) -> None:
    """Closed months, and what is published of them."""
    told = {record.details.get("record") for record in records if record.action == "close"}
    for closed in book.closed:
        if closed.digest not in told:
            raise AuditError(f"{book.folder / FILE}: has no record of {closed.folder}, as it is now")
        for name, content in closed.contents().items():
            published = book.folder / "chargeback" / closed.period / name
            if published.is_file() and published.read_bytes() != content:
                repair = f"`meterbook chargeback {closed.period}` restores it"
                raise AuditError(f"{published}: is not what {closed.period} was closed with; {repair}")


def _cards(book: Book, records: Sequence[Record]) -> None:
    """Published rate cards, none of them gone; of an edition that was published anew, the last record counts."""
    told = {(one.details.get("period"), one.details.get("edition")): one.details.get("record") for one in records if one.action == ACTION}
    for card in book.published_cards:
        if told.pop((card.record.period, card.record.edition), None) != card.digest:
            raise AuditError(f"{book.folder / FILE}: has no record of {card.folder}, as it is now")
        card.refuse_altered()
    for period, edition in told:
        raise AuditError(f"{book.folder}: edition {edition} of the rate card of {period} is gone; restore it from git or publish it again")
