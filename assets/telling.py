"""Who is told what: which notices go to which channels, each at most once, and how that went."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from meterbook.assets.book import BookError
from meterbook.assets.channels import Sender, Sent, refuse_without_apprise
from meterbook.assets.notice import TITLE, Message, Notice, cut, gathered, message_of
from meterbook.assets.notices import notices_of
from meterbook.assets.notified import FILE, Notified, NotifyError, Outcome, one_teller
from meterbook.assets.notify import NotifyFile
from meterbook.assets.workspace import Workspace
from meterbook.reports.numbers import plural

FRESH = timedelta(days=7)
"""What is older than this when a channel is first used is not told; what failed is tried again for so long."""
ALONE = 20
"""Notices a channel gets one by one in one go; more are one message."""
WAITS = (1.0, 4.0)
"""Seconds before a message that was not taken is tried again."""
FIRST, AGAIN, TOO_OLD, NO_MORE, DONE = "first", "again", "too old", "no more", "done"
DOWN = 2
"""Messages in a row that a channel does not take before the others wait for the next time."""


@dataclass(frozen=True)
class Parcel:
    """One message to one channel, and the notices it tells."""

    channel: str
    notice: Notice
    told: tuple[str, ...]


@dataclass
class Plan:
    """What is to be done: parcels by channel, new ones first; and what is not sent, by channel and why."""

    parcels: dict[str, list[Parcel]] = field(default_factory=dict)
    skipped: dict[str, list[str]] = field(default_factory=dict)
    unclear: dict[str, list[str]] = field(default_factory=dict)
    given_up: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Told:
    """What came of it: messages sent, notices skipped, and lines for people about the rest."""

    sent: int = 0
    skipped: int = 0
    trouble: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """What went well, for people; nothing where there was nothing to tell."""
        skipped = [f"passed over {plural(self.skipped, 'notice')} older than a week: --since DATE sends them"] if self.skipped else []
        return [*([f"sent {plural(self.sent, 'message')}"] if self.sent else []), *skipped]


def today_of(zone: str, now: datetime) -> date:
    """The day of an instant in a time zone."""
    return now.astimezone(ZoneInfo(zone)).date()


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Args:
        now: the instant.
        since: first day to tell of; also what was passed over as too old. Without it, from a week before the channel's first use on.
        only: the one channel to tell; all where not given.
    """

    now: datetime
    since: date | None = None
    only: str | None = None


def plan_of(settings: NotifyFile, notices: Iterable[Notice], log: Notified, asked: Asked) -> Plan:
    """What is to be sent where: the same for the same notices in whatever order."""
    plan = Plan()
    found: dict[tuple[str, str], list[Notice]] = {}
    # One of each name: of two the last in order.
    named = {one.notice_id: one for one in sorted(notices, key=repr)}
    for notice in sorted(named.values(), key=lambda one: (one.day, one.notice_id)):
        for channel in _channels(settings, notice):
            if asked.only in {None, channel}:
                found.setdefault((channel, _fate(notice, channel, log, asked)), []).append(notice)
    for channel in settings.channels:
        fresh, again = found.get((channel, FIRST), []), found.get((channel, AGAIN), [])
        if fresh or again:
            plan.parcels[channel] = _parcels(channel, fresh, again)
        for fate, kept in ((TOO_OLD, plan.skipped), (NO_MORE, plan.given_up)):
            if names := [one.notice_id for one in found.get((channel, fate), [])]:
                kept[channel] = names
    for (name, channel), state in sorted(log.states.items()):
        if state.outcome == "sending" and asked.only in {None, channel}:
            plan.unclear.setdefault(channel, []).append(name)
    return plan


def _fate(notice: Notice, channel: str, log: Notified, asked: Asked) -> str:
    state = log.states.get((notice.notice_id, channel))
    if state is None or (state.outcome == "skipped" and asked.since is not None):
        if asked.since is not None:
            return FIRST if notice.day >= asked.since else DONE
        return FIRST if notice.day >= log.first_use.get(channel, asked.now).date() - FRESH else TOO_OLD
    if state.outcome != "failed":
        return DONE
    return NO_MORE if asked.now - state.first_at > FRESH else AGAIN


def _channels(settings: NotifyFile, notice: Notice) -> Sequence[str]:
    if notice.kind == "digest":
        return (settings.send.digest.channels if settings.send.digest else ()) or settings.default
    return settings.channels_of([notice.owner])


def _parcels(channel: str, fresh: Sequence[Notice], again: Sequence[Notice]) -> list[Parcel]:
    """The parcels of a channel; of a flood the newest come alone, the dearest of a day first, and the rest as one message."""
    order = [*fresh, *again]
    ranked = sorted(order, key=lambda one: (one.kind != "digest", -one.day.toordinal(), -abs(one.usd), one.notice_id))
    alone = {one.notice_id for one in (ranked if len(ranked) <= ALONE else ranked[: ALONE - 1])}
    parcels = [Parcel(channel, one, (one.notice_id,)) for one in order if one.notice_id in alone]
    if rest := [one for one in order if one.notice_id not in alone]:
        parcels.append(Parcel(channel, gathered(rest, rest[0].owner), tuple(one.notice_id for one in rest)))
    return parcels


class Teller:
    """Tells what a book has to say.

    Args:
        folder: the book.

    Raises:
        BookError: the book is wrong, or its notified.jsonl.
    """

    def __init__(self, folder: Path) -> None:
        self.workspace = Workspace(folder)
        self.settings = self.workspace.book.notify

    def plan(self, asked: Asked) -> tuple[Plan, Notified]:
        """What is to be sent, and what was told before.

        Raises:
            BookError: notified.jsonl is not what was written, or the lake is not what the models make.
        """
        try:
            log = Notified(self.workspace.folder / FILE)
        except NotifyError as error:
            raise BookError(str(error)) from error
        today = today_of(self.workspace.book.settings.time_zone, asked.now)
        try:
            notices = notices_of(self.workspace, today)
        except duckdb.BinderException as error:
            raise BookError(f"the lake of {self.workspace.folder} was made by other models; `meterbook run` first") from error
        return plan_of(self.settings, notices, log, asked), log

    def message(self, notice: Notice) -> Message:
        """A notice as it is sent."""
        return message_of(notice, self.settings.base_url)

    def tell(self, asked: Asked) -> Told:
        """Send what is to be sent.

        Raises:
            BookError: notified.jsonl is not what was written.
            NotifyError: apprise is not installed, another command sends, or notified.jsonl cannot be written.
        """
        told = Told()
        if not self.settings.channels:
            return told
        refuse_without_apprise()
        with one_teller(self.workspace.folder):
            plan, log = self.plan(asked)
            for channel, notices in plan.skipped.items():
                log.note(notices, channel, "skipped", "older than a week when the channel was first used")
                told.skipped += len(notices)
            _told_of(told, log, plan.unclear, "unclear", "the command ended while it was sent; it is not sent again")
            _told_of(told, log, plan.given_up, "given up", f"it was not taken for {FRESH.days} days")
            for channel, parcels in plan.parcels.items():
                self._deliver(channel, parcels, log, told)
        return told

    def _deliver(self, channel: str, parcels: Sequence[Parcel], log: Notified, told: Told) -> None:
        try:
            sender = Sender(channel, self.settings.channels[channel])
        except NotifyError as error:
            told.trouble.append(f"{error}; {_waiting(len(parcels))}")
            return
        failed = 0
        for number, parcel in enumerate(parcels):
            if failed == DOWN:
                told.trouble.append(f"channel {channel}: {_waiting(len(parcels) - number)} for the next time")
                return
            # On disk before it is sent: a crash from here on is told, and nothing comes twice.
            log.note(parcel.told, channel, "sending")
            sent = self._tried(sender, self.message(parcel.notice))
            log.note(parcel.told, channel, sent.outcome, sent.why)
            failed = failed + 1 if sent.outcome == "failed" else 0
            if sent.outcome == "sent":
                told.sent += 1
            else:
                again = "tried again next time" if sent.outcome == "failed" else "it may have arrived, and is not sent again"
                told.trouble.append(f"channel {channel}: {cut(parcel.notice.notice_id, TITLE)}: {sent.why}; {again}")

    def _tried(self, sender: Sender, message: Message) -> Sent:
        sent = sender.send(message)
        for seconds in WAITS:
            if sent.outcome != "failed":
                break
            time.sleep(seconds)
            sent = sender.send(message)
        return sent


def _waiting(count: int) -> str:
    return f"{count} wait{'s' if count == 1 else ''}"


def _told_of(told: Told, log: Notified, notices: Mapping[str, Sequence[str]], outcome: Outcome, why: str) -> None:
    for channel, names in notices.items():
        log.note(names, channel, outcome, why)
        told.trouble += [f"channel {channel}: {cut(name, TITLE)}: {why}" for name in names]


def tell_after_run(folder: Path) -> Told:
    """Send what a run of a book found; whatever goes wrong is a line of trouble, never an error of the run."""
    try:
        return Teller(folder).tell(Asked(datetime.now(UTC)))
    except Exception as error:  # noqa: BLE001 -- a notice never fails a run
        known = isinstance(error, (BookError, NotifyError))
        return Told(trouble=[str(error) if known else f"{type(error).__name__} (meterbook notify --dry-run shows more)"])
