"""notify.yaml of a book: who is told of what, and where.

A channel is an address of apprise (Slack, Teams, e-mail and a hundred others). Such an address holds a token or a password, so the file
only names the environment variable it is in; the address itself is never in a book.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from meterbook.assets.sources import Name, Strict

FILE = "notify.yaml"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
_SECRET = "a URL is a secret: put it into an environment variable, and name that here, such as `{url_env: METERBOOK_SLACK}`"  # noqa: S105


class Channel(Strict):
    """Where notices go: the name of the environment variable that holds its apprise URL."""

    url_env: _Variable

    @model_validator(mode="before")
    @classmethod
    def _holds_no_secret(cls, value: object) -> object:
        # What was written is not repeated: messages end in logs.
        told = [*value, *value.values()] if isinstance(value, Mapping) else [value]
        if "url" in told or any("://" in str(one) for one in told):
            raise ValueError(_SECRET)
        return value


def plain_address(value: str) -> str:
    """An address where pages are served, without a slash at its end.

    Raises:
        ValueError: it is none, or has a user, password or query.
    """
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"[\s()<>\"'\\@?#]", value):
        raise ValueError("not an address such as https://meterbook.example.com/reports, without user, password or query")
    return value.rstrip("/")


class Anomalies(Strict):
    """Which anomalies are told: open ones that cost or spare so much more than was expected."""

    min_usd: Annotated[int, Field(ge=0)] = Field(default=50, description="whole dollars")


class Digest(Strict):
    """What the weekly page says first, as a message: of the last whole week, or of the last day."""

    every: Literal["day", "week"] = "week"
    weekday: Weekday = Field(default="monday", description="of weeks: the first such day after the week; before it nothing is sent")
    channels: tuple[Name, ...] = Field(default=(), description="those of `default` where none is given")


class Told(Strict):
    """What is sent; what is left out is not."""

    anomalies: Anomalies | None = None
    budgets: tuple[Literal["actual", "forecast"], ...] = ()
    quotas: bool = Field(default=False, description="requests for quota that wait for an answer")
    digest: Digest | None = None


class NotifyFile(Strict):
    """notify.yaml; without channels nothing is ever sent."""

    base_url: Annotated[str, AfterValidator(plain_address)] | None = Field(
        default=None, description="where the folder reports/ of the book is served, for links; without it there are none"
    )
    channels: Mapping[Name, Channel] = {}
    routes: Mapping[Name, tuple[Name, ...]] = Field(default={}, description="owner -> channels; [] tells that owner nothing")
    default: tuple[Name, ...] = Field(default=(), description="channels of owners without a route")
    send: Told = Told()

    @model_validator(mode="after")
    def _names_known_channels(self) -> "NotifyFile":
        for place, channel in self._named():
            if channel not in self.channels:
                known = ", ".join(sorted(self.channels)) or "there are none"
                raise ValueError(f"{place} names the channel {channel!r}, which is not among channels: {known}")
        return self

    def _named(self) -> Iterator[tuple[str, str]]:
        yield from (("default", channel) for channel in self.default)
        yield from ((f"routes.{owner}", channel) for owner, channels in self.routes.items() for channel in channels)
        yield from (("send.digest", channel) for channel in (self.send.digest.channels if self.send.digest else ()))

    def channels_of(self, owners: Iterable[str]) -> tuple[str, ...]:
        """The channels of some owners, each once, in the order of the file."""
        return tuple(dict.fromkeys(channel for owner in owners for channel in self.routes.get(owner, self.default)))


def tells(folder: Path) -> bool:
    """Whether a book tells anybody anything."""
    return (folder / FILE).is_file()
