"""The way out: one message to one channel through apprise, of whose address and words nothing gets any further.

Libraries log addresses with their tokens: what they say while a message is sent is caught, looked at for a few known outcomes, and dropped.
Only those outcomes, worded here, and names of channels and variables are ever printed or written.
"""

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from meterbook.assets.notice import Message, marks_escaped
from meterbook.assets.notified import NotifyError, Outcome
from meterbook.assets.notify import Channel

INSTALL = "to send notices takes apprise, which is not installed: pip install 'meterbook[notify]'"
TALKERS = ("apprise", "urllib3", "requests", "asyncio", "markdown", "MARKDOWN", "paho", "slixmpp", "gntp", "smtplib", "httpx", "httpcore")
"""Loggers of apprise and of what it sends with."""
_UNCLEAR = re.compile(
    r"read timed out|connection aborted|connection reset|broken ?pipe|incompleteread|disconnected|closed unexpected",
    re.IGNORECASE,
)
_REASONS: Mapping[str, re.Pattern[str]] = {
    "its host is not found": re.compile(r"nameresolution|name or service|nodename nor|getaddrinfo|no address associated", re.IGNORECASE),
    "no connection": re.compile(r"refused|connecttimeout|timed out|unreachable|newconnectionerror|connection error", re.IGNORECASE),
    "its certificate is not trusted": re.compile(r"certificate", re.IGNORECASE),
}
_STATUS = re.compile(r"\berror\s*[=:]\s*([1-5]\d\d)\b", re.IGNORECASE)


def refuse_without_apprise() -> None:
    """Say in a line what is missing.

    Raises:
        NotifyError: apprise is not installed.
    """
    if find_spec("apprise") is None:
        raise NotifyError(INSTALL)


@dataclass(frozen=True)
class Sent:
    """How a message fared: sent, failed (it was not taken) or unclear (it may have arrived); and why."""

    outcome: Outcome
    why: str = ""


class Sender:
    """One channel, ready to send.

    Args:
        name: of the channel.
        channel: what notify.yaml says of it.

    Raises:
        NotifyError: apprise is not installed, the variable is not set, or what it holds is no address that apprise knows.
    """

    def __init__(self, name: str, channel: Channel) -> None:
        refuse_without_apprise()
        url = os.environ.get(channel.url_env, "").strip()
        if not url:
            raise NotifyError(f"channel {name}: the environment variable {channel.url_env} is not set")
        self._service, self._several = _service(name, channel.url_env, url)

    def send(self, message: Message) -> Sent:
        """Send a message once, however it ends."""
        with _silence() as said:
            try:
                done = _notify(self._service, message)
            except Exception as error:  # noqa: BLE001 -- of a hundred services; what the error says may hold the address
                return Sent("unclear", f"apprise failed ({type(error).__name__})")
        if done:
            return Sent("sent")
        text = "\n".join(said)
        if getattr(getattr(done, "status", None), "name", "") == "TIMEOUT" or _UNCLEAR.search(text):
            return Sent("unclear", "no answer came")
        why = _why(text)
        # Of several addresses some may have taken it.
        return Sent("unclear", f"one of its addresses did not take it: {why}") if self._several else Sent("failed", why)


def _why(text: str) -> str:
    if status := _STATUS.search(text):
        return f"it answered {status[1]}"
    return next((why for why, pattern in _REASONS.items() if pattern.search(text)), "it did not take it")


def _service(name: str, variable: str, url: str) -> tuple[Any, bool]:
    with _silence():
        import apprise  # noqa: PLC0415 -- an extra, and slow to load

        # What services keep between messages, such as tokens, lies on no disk.
        asset = apprise.AppriseAsset(app_id="meterbook", app_desc="meterbook", app_url="", async_mode=False, storage_mode="memory")
        asset.image_url_mask = asset.image_url_logo = ""
        asset.pgp_autogen = asset.pem_autogen = False
        found = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
        if found is None:
            raise NotifyError(f"channel {name}: what {variable} holds is no address that apprise knows; `apprise --details` lists them")
        # What was tried again by apprise itself could arrive twice.
        found.retry = 0
        return found, len(found) > 1


def _notify(service: Any, message: Message) -> Any:  # noqa: ANN401 -- apprise is untyped
    import apprise  # noqa: PLC0415 -- an extra, and slow to load

    sender = apprise.Apprise(asset=service.asset)
    sender.add(service)
    is_plain = service.resolve_format(apprise.NotifyFormat.MARKDOWN) == apprise.NotifyFormat.TEXT
    # A service without titles has them put into the body, in the body's format.
    title = message.title if is_plain or service.title_maxlen > 0 else marks_escaped(message.title)
    body, form = (message.plain, apprise.NotifyFormat.TEXT) if is_plain else (message.markdown, apprise.NotifyFormat.MARKDOWN)
    return sender.notify(body=body, title=title, body_format=form)


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextmanager
def _silence() -> Iterator[list[str]]:
    """Catch what is logged about sending; nothing of it reaches a log, a console or Dagster."""
    ear, loggers = _Ear(), [logging.getLogger(name) for name in TALKERS]
    loggers += [
        logging.getLogger(name) for name in list(logging.root.manager.loggerDict) if name.startswith(tuple(f"{one}." for one in TALKERS))
    ]
    before = [(one, one.handlers, one.propagate, one.level) for one in loggers]
    for one in loggers:
        one.handlers, one.propagate = [ear], False
        one.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield ear.said
    finally:
        for one, handlers, propagates, level in before:
            one.handlers, one.propagate = handlers, propagates
            one.setLevel(level)
