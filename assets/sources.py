"""How a user names inbox files and says what the files do not: `sources:` of meterbook.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^=+\-@\x00-\x1f][^\x00-\x1f]*$")]
"""A code that may reach a finance file: no spreadsheet formula, no control character."""


def _is_a_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{value!r} is no IANA time zone such as Europe/Berlin") from error
    return value


Zone = Annotated[str, AfterValidator(_is_a_zone)]
"""An IANA time zone."""
TagName = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\"\\*\x00-\x1f]+[*]?$")]
"""A tag as an owner rule may name it, or with a star at its end all that begin so; never all there are."""
Kind = Literal["request", "usage", "charge", "gpu_sample", "outcome", "quality", "job"]
MoneyUnit = Literal["usd", "cents", "nanousd"]


EVERY = "*"
"""A pattern that fits everything."""


class Strict(BaseModel):
    """Settings in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_Entry = TypeVar("_Entry", bound=Strict)


def each_reached(field: str) -> AfterValidator:
    """A check of entries of which the first that fits counts: none has the pattern of another, or stands after one that fits everything."""

    def checked(entries: tuple[_Entry, ...]) -> tuple[_Entry, ...]:
        seen: list[str] = []
        for entry in entries:
            pattern = getattr(entry, field)
            if pattern in seen:
                raise ValueError(f"{field} {pattern!r} is given twice")
            if EVERY in seen:
                raise ValueError(f"{field} {pattern!r} is never reached: {EVERY!r} stands before it and fits every {field}")
            seen.append(pattern)
        return entries

    return AfterValidator(checked)


class Mapped(Strict):
    """How the columns of a file of the user's own are named (format `mapped`)."""

    kind: Kind
    columns: Mapping[str, str | Mapping[str, tuple[str, ...]]] = {}
    constants: Mapping[str, str | int | Decimal | bool | None] = {}
    where: Mapping[str, str | int | bool | tuple[str, ...]] = {}
    time_format: str = "iso"
    epoch: date | None = None
    tokens: Literal["inclusive", "exclusive"] = "inclusive"
    money_unit: MoneyUnit = "usd"


class Options(Strict):
    """What a file of a known format does not say of itself; each format names in docs/formats.md which of these it heeds.

    Args:
        time_zone: IANA zone of local times; UTC where not given.
        starts_at: UTC instant of the first sample, for files without times or dates.
        interval_seconds: time between samples, where it is not to be read off the samples.
        money_unit: unit of reported amounts, where the format leaves it open.
        tokens: whether input counts contain what was read from and written to a cache, where the format leaves it open.
        columns: names of the columns of a file without a header, in order.
        fields: our column -> the file's key, where the operator chose the keys.
        delimiter: one character between columns.
        host: the node, where samples do not name it.
        pool: GPU pool.
        cluster: name of the cluster whose job numbers these are.
        delivery: whether a later export of the same billing period replaces an earlier one, or both count.
        view: which of two views of one bill the files hold, where both are in the inbox.
        tags: names of metadata, properties, tags and attributes that owner rules may ask for (`tags.NAME`), as they are logged; a star at
            the end of a name stands for all that begin so. Nothing else of them is kept.
        deferrable: name of a tag or of metadata that says whether a call may wait a day for its answer (true, yes, 1 or a bare word; false,
            no, 0), beside the name `deferrable` itself, which always counts.
    """

    time_zone: Zone | None = None
    starts_at: datetime | None = None
    interval_seconds: int | None = Field(default=None, ge=1, le=3600)
    money_unit: MoneyUnit | None = None
    tokens: Literal["inclusive", "exclusive"] | None = None
    columns: tuple[str, ...] = ()
    fields: Mapping[str, str] = {}
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    host: Name | None = None
    pool: Name | None = None
    cluster: Name | None = None
    delivery: Literal["replace", "add"] = "replace"
    view: Literal["actual", "amortised"] | None = None
    tags: tuple[TagName, ...] = ()
    deferrable: Name | None = None

    @property
    def asks(self) -> bool:
        """Whether anything is asked for by a name that the book chose."""
        return bool(self.tags or self.deferrable)


class Source(Strict):
    """A named set of inbox files; files no source names are recognised by content.

    `counts: false` says that another source counts the same calls or charges: its rows are read, and not added.
    """

    name: Name
    path: str
    format: str | None = None
    mapping: Mapped | None = None
    options: Options = Options()
    counts: bool = True

    @model_validator(mode="after")
    def _mapped_needs_mapping(self) -> "Source":
        if (self.format == "mapped") != (self.mapping is not None):
            raise ValueError("`format: mapped` and `mapping:` belong together")
        return self


@dataclass(frozen=True)
class Reading:
    """What a reader is told beside the file.

    Args:
        mapping: the columns of a file of the user's own.
        options: what the book says of the source.
        prompt_key: key of the prompt hash; None hashes nothing.
        file_id: what the file is known by.
        source: name of its source.
        folder: where large files may be worked on; the system's place for such where not given.
    """

    mapping: Mapped | None = None
    options: Options = field(default_factory=Options)
    prompt_key: bytes | None = field(default=None, repr=False)
    file_id: str = ""
    source: str = ""
    folder: Path | None = None
