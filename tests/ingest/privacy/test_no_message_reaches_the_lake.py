"""No word of a message reaches the lake: not with a row, not with a record that is set aside, not with a flag or a refusal."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest
from fuzz.mutations import mutated

from meterbook.assets.inbox import Inbox, Ingested
from meterbook.assets.ingest import formats
from meterbook.assets.sources import Source
from meterbook.assets.workspace import project

pytestmark = pytest.mark.long

HERON = b"the heron waits beneath the third bridge"
"""Stands in every place of a sample where a message may stand."""
WORDS = (b"heron waits", b"third bridge")
"""A part of each half: what was cut or spoilt in the middle is found too."""
OWN = sorted(name for name in formats() if not name.startswith("mapped_"))
HOW = ("value", "unquoted", "key twice", "key gone", "bytes", "bit", "cut", "lines", "carriage returns")
SEEDS = 2
TAGS = ("cost-center", "Cost-Center", "x-cost-center", "app.cost*", "no")
"""Names a book asks for; no sample holds a message under one of them."""
COUNTS = frozenset({"usage", "charge", "gpu_sample", "job"})
"""Kinds that count, bill or sample; no message belongs to their records. A sample that holds one nevertheless is tried like the others."""
HOLD_NO_MESSAGES: Mapping[str, str] = {
    "anthropic_claude_code": "sums of counters per person and day; no text of a session",
    "openrouter_activity_csv": "the export's columns are ids, counts, costs and names; it has no bodies",
    "outcomes": "a file of our own design, none of whose columns is text of people",
}
"""Other formats in whose files no message can stand, and why."""


def samples(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((Path(__file__).parents[1] / name).glob("sample.*"))]


def holds(name: str) -> bool:
    return any(HERON in whole for whole in samples(name))


def as_csv(whole: bytes) -> bytes:
    """The same records as a table, objects as the text of JSON; nothing where they are no JSON lines."""
    try:
        records = [json.loads(line) for line in whole.splitlines() if line.strip()]
    except ValueError:
        return b""
    if not all(isinstance(record, dict) for record in records):
        return b""
    names = list(dict.fromkeys(name for record in records for name in record))
    table = io.StringIO()
    rows = csv.DictWriter(table, names)
    rows.writeheader()
    rows.writerows({name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in one.items()} for one in records)
    return table.getvalue().encode()


def broken(whole: bytes) -> Iterator[bytes]:
    """A file in which every record is broken in one way."""
    for number in (b"-1", b"9.7", b'"x"', b"[[]]", b"1e400"):
        yield re.sub(rb"(?<=[:,])(\s*)-?\d+(\.\d+)?(?=\s*[,}\]\n])", rb"\g<1>" + number, whole)
    yield re.sub(rb'"?\d{4}-\d\d-\d\d[^",]*"?', b'"yesterday"', whole)
    yield b"\n".join(line[: len(line) * 2 // 3] for line in whole.split(b"\n"))
    yield whole.replace(b'"', b"'")
    yield re.sub(rb"(message|request|response|input|output|prompt|body|Body|payload|content)", rb"\g<1>x", whole)


def spoilt(whole: bytes) -> Iterator[bytes]:
    """A sample; as lines and as a table with every record broken; and with a few breaks anywhere."""
    for shape in (whole, as_csv(whole)):
        yield shape
        yield from broken(shape)
    for how in HOW:
        yield from (mutated(whole, [how], seed) for seed in range(SEEDS))


def texts(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything written in a book but its inbox, with where it stands: text columns of Parquet, and other files as they are."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not path.is_file() or name.parts[0] == "inbox":
            continue
        if path.suffix != ".parquet":
            yield str(name), path.read_bytes()
            continue
        for column in pl.read_parquet(path).select(cs.string()).iter_columns():
            yield f"{name}: {column.name}", "\n".join(column.drop_nulls()).encode("utf-8", "surrogatepass")


def leaks(folder: Path) -> list[str]:
    return [where for where, text in texts(folder) if any(word in text for word in WORDS)]


@pytest.mark.parametrize("key", [None, b"a key of the book, 16 bytes or more"], ids=["without a key", "with a key"])
@pytest.mark.parametrize("name", [name for name in OWN if holds(name)])
def test_no_word_of_a_message_is_kept(name: str, key: bytes | None, tmp_path: Path) -> None:
    assert take(name, tmp_path, key).rows_typed > 0


@pytest.mark.parametrize("name", [name for name in OWN if holds(name) and re.search(r"\btags\b", formats()[name].about.options)])
def test_no_word_of_a_message_is_kept_with_the_tags_a_book_asks_for(name: str, tmp_path: Path) -> None:
    take(name, tmp_path, None, TAGS)
    kept = [text for where, text in texts(tmp_path) if where.endswith(": tags")]
    assert any(b"CC-7" in text for text in kept) == (name != "langfuse_traces")


def take(name: str, tmp_path: Path, key: bytes | None, tags: Sequence[str] = ()) -> Ingested:
    """Take in every spoilt sample of a format; no word of a message is in the lake, nor in what is said of the files."""
    (tmp_path / "inbox").mkdir()
    for number, text in enumerate(text for whole in samples(name) for text in spoilt(whole)):
        (tmp_path / "inbox" / f"{number:03}").write_bytes(text)
    inbox = Inbox(tmp_path, [Source.model_validate({"name": "s", "path": "*", "format": name, "options": {"tags": tags}})], key)
    done = inbox.ingest()
    assert done.quarantined + len(done.refused) > 0, "nothing was broken"
    assert leaks(tmp_path) == []
    said = [*(why for _, why in (*done.refused, *done.flagged, *done.skipped)), *inbox.file_flags()["flag"]]
    assert not [why for why in said if any(word.decode() in why for word in WORDS)]
    return done


@pytest.mark.parametrize("name", [name for name in OWN if project().models[f"staging.{name}"].header.kind not in COUNTS])
def test_a_sample_holds_messages_wherever_its_format_can(name: str) -> None:
    assert holds(name) != (name in HOLD_NO_MESSAGES), "put the sentence into the bodies of the sample, or say why there are none"


def test_formats_without_messages_are_formats_there_are() -> None:
    assert not set(HOLD_NO_MESSAGES) - set(OWN)


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    pl.DataFrame({"line": [1], "raw_text": ["... the heron waits be"]}).write_parquet(tmp_path / "lake" / "a.parquet")
    (tmp_path / "lake" / "ledger.json").write_bytes(b'{"why": "eath the third bridge"}')
    assert leaks(tmp_path) == ["lake/a.parquet: raw_text", "lake/ledger.json"]
