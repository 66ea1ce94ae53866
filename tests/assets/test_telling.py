"""What is told arrives once and no more, whatever happens in between; and no address gets out."""

import json
import os
import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import pytest

from meterbook.assets import telling
from meterbook.assets.channels import Sender
from meterbook.assets.notice import Notice
from meterbook.assets.notified import Notified, NotifyError, one_teller
from meterbook.assets.notify import NotifyFile
from meterbook.assets.telling import ALONE, Asked, Teller, Told, plan_of, tell_after_run

pytest.importorskip("apprise", reason="the extra notify is not installed")
NOW = datetime.now(UTC)
SECRETS = ("hush-user", "hush-word", "hush-path")
SETTINGS = {
    "channels": {"chat": {"url_env": "CHAT"}, "mail": {"url_env": "MAIL"}},
    "routes": {"support": ["chat"], "both": ["chat", "mail"]},
    "default": ["mail"],
}


def _notice(number: int, owner: str = "support", age: int = 0, usd: int = 10) -> Notice:
    return Notice("anomaly", f"{number}", owner, NOW.date() - timedelta(days=age), Decimal(usd), f"notice {number}")


class Tell(Protocol):
    """Tells notices."""

    def __call__(self, *notices: Notice, **asked: Any) -> Told:
        """Tell some."""


class Post:
    """A server that takes messages, and answers as it is told."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.answers: dict[str, int | None] = {}
        post = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                found = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                post.taken.append(found["title"])
                answer = post.answers.get(found["title"], post.answers.get("", 200))
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Be quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """Its address as apprise has it, with all that must not get out."""
        return f"json://{SECRETS[0]}:{SECRETS[1]}@127.0.0.1:{self.server.server_address[1]}/{SECRETS[2]}"


@pytest.fixture
def post() -> Iterator[Post]:
    found = Post()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def book(tmp_path: Path, post: Post, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A book with two channels to one server, and the notices that a test gives it."""
    (tmp_path / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    (tmp_path / "notify.yaml").write_text(json.dumps(SETTINGS), "utf-8")
    monkeypatch.setattr(telling, "WAITS", (0.0, 0.0))
    for name in ("CHAT", "MAIL"):
        monkeypatch.setenv(name, post.url)
    return tmp_path


@pytest.fixture
def tell(book: Path, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Tell some notices, as the command does."""

    def told(*notices: Notice, **asked: Any) -> Told:
        monkeypatch.setattr(telling, "notices_of", lambda _workspace, _today: list(notices))
        return Teller(book).tell(Asked(datetime.now(UTC), **asked))

    return told


def _outcomes(book: Path) -> list[tuple[str, str, str]]:
    lines = [json.loads(line) for line in (book / "notified.jsonl").read_text("utf-8").splitlines()]
    return [(line["notice"], line["channel"], line["outcome"]) for line in lines]


def test_each_notice_comes_once_to_each_channel_of_its_owner_however_often_it_is_told(tell: Tell, post: Post) -> None:
    notices = [_notice(1), _notice(2, "both"), _notice(3, "nobody in particular")]
    assert tell(*notices).sent == 4
    for _ in range(3):
        random.shuffle(notices)
        assert tell(*notices) == Told()
    assert sorted(post.taken) == ["notice 1", "notice 2", "notice 2", "notice 3"]
    tell(*notices, _notice(4))
    assert post.taken[4:] == ["notice 4"]


def test_a_crash_between_sending_and_noting_is_told_and_nothing_comes_twice(
    tell: Tell, post: Post, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        send = Sender.send

        def crash(self: Sender, message: Any) -> None:
            send(self, message)
            raise KeyboardInterrupt

        patch.setattr(Sender, "send", crash)
        with pytest.raises(KeyboardInterrupt):
            tell(_notice(1), _notice(2))
    told = tell(_notice(1), _notice(2))
    assert post.taken == ["notice 1", "notice 2"]
    assert told.trouble == ["channel chat: anomaly 1: the command ended while it was sent; it is not sent again"]
    assert tell(_notice(1), _notice(2)) == Told()
    assert _outcomes(book)[-1] == ("anomaly 2", "chat", "sent")


def test_an_answer_that_never_came_is_not_asked_for_again(tell: Tell, post: Post) -> None:
    post.answers["notice 1"] = None
    assert tell(_notice(1)).trouble == ["channel chat: anomaly 1: no answer came; it may have arrived, and is not sent again"]
    assert tell(_notice(1)) == Told()
    assert post.taken == ["notice 1"]


def test_what_a_channel_does_not_take_is_tried_three_times_then_next_time_and_blocks_no_other(
    tell: Tell, post: Post, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT", "json://127.0.0.1:1/nobody-listens")
    post.answers["notice 2"] = 503
    told = tell(_notice(1), _notice(2, "mail owner"), _notice(3, "mail owner"))
    assert told.sent == 1
    assert told.trouble == [
        "channel chat: anomaly 1: no connection; tried again next time",
        "channel mail: anomaly 2: it answered 503; tried again next time",
    ]
    assert post.taken == ["notice 2"] * 3 + ["notice 3"]
    post.answers.clear()
    monkeypatch.setenv("CHAT", post.url)
    assert tell(_notice(1), _notice(2, "mail owner"), _notice(3, "mail owner")).sent == 2
    assert sorted(post.taken[4:]) == ["notice 1", "notice 2"]
    assert {outcome for _, _, outcome in _outcomes(book)} == {"sending", "failed", "sent"}


def test_a_channel_that_takes_nothing_is_left_alone_until_the_next_time(tell: Tell, post: Post) -> None:
    post.answers[""] = 500
    told = tell(*map(_notice, range(6)))
    assert len(post.taken) == 6
    assert told.trouble[-1] == "channel chat: 4 wait for the next time"
    post.answers.clear()
    assert tell(*map(_notice, range(6))).sent == 6


def test_what_is_not_taken_for_a_week_is_given_up(book: Path) -> None:
    log = Notified(book / "notified.jsonl")
    log.note(["anomaly 1"], "chat", "failed", "no connection")
    settings = NotifyFile.model_validate(SETTINGS)
    soon, late = (plan_of(settings, [_notice(1)], log, Asked(NOW + timedelta(days=days))) for days in (6, 8))
    assert [parcel.told for parcel in soon.parcels["chat"]] == [("anomaly 1",)]
    assert late.given_up == {"chat": ["anomaly 1"]}
    assert not late.parcels


def test_a_first_use_passes_over_what_is_older_than_a_week_and_a_date_brings_it_back(tell: Tell, post: Post, book: Path) -> None:
    notices = [_notice(number, age=number) for number in range(6, 10)]
    told = tell(*notices)
    assert (told.sent, told.skipped) == (2, 2)
    assert [name for name, _, outcome in _outcomes(book) if outcome == "skipped"] == ["anomaly 9", "anomaly 8"]
    assert tell(*notices) == Told()
    # Found later, of a day before the first use: as old as what was passed over.
    assert tell(*notices, _notice(10, age=10)).skipped == 1
    assert tell(*notices, since=NOW.date() - timedelta(days=8)).sent == 1
    assert sorted(post.taken) == ["notice 6", "notice 7", "notice 8"]


def test_a_flood_is_a_few_messages_and_each_notice_in_it_is_told_once(tell: Tell, post: Post) -> None:
    notices = [_notice(number, usd=number) for number in range(50)]
    assert tell(*notices).sent == ALONE
    assert "31 more notices" in post.taken
    assert "notice 49" in post.taken
    assert tell(*notices) == Told()


def test_the_plan_is_the_same_in_whatever_order_notices_come(book: Path) -> None:
    # One of them is there twice, which is told once too.
    notices = [_notice(number, ("support", "both")[number % 2], usd=number % 7) for number in (*range(30), 7)]
    settings, log = NotifyFile.model_validate(SETTINGS), Notified(book / "none.jsonl")
    plans = [plan_of(settings, random.sample(notices, len(notices)), log, Asked(NOW)) for _ in range(3)]
    assert plans[0] == plans[1] == plans[2]
    assert sum(len(parcel.told) for parcel in plans[0].parcels["chat"]) == 30


@pytest.fixture
def heard(book: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """All that was written, printed and logged."""
    caplog.set_level("DEBUG")

    def texts() -> list[str]:
        said = capfd.readouterr()
        written = [path.read_bytes().decode("utf-8", "replace") for path in book.rglob("*") if path.is_file()]
        return [*written, said.out, said.err, caplog.text]

    return texts


def test_no_part_of_an_address_is_written_printed_or_logged(
    tell: Tell, post: Post, heard: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    post.answers |= {"notice 1": 401, "notice 2": None}
    told = [*tell(_notice(1), _notice(2), _notice(3, "both")).trouble]
    monkeypatch.setenv("CHAT", f"json://{SECRETS[0]}:{SECRETS[1]}@127.0.0.1:1/{SECRETS[2]}")
    told += tell(_notice(1), _notice(4)).trouble
    monkeypatch.setenv("CHAT", f"nosuch://{SECRETS[0]}:{SECRETS[1]}@{SECRETS[2]}")
    told += tell(_notice(5)).trouble
    assert len(told) == 5
    assert "what CHAT holds is no address that apprise knows" in told[-1]
    for text in (*told, *heard()):
        assert not any(secret in text for secret in (*SECRETS, str(post.server.server_address[1])))


def test_a_channel_without_its_variable_loses_nothing(tell: Tell, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    url = os.environ["CHAT"]
    monkeypatch.delenv("CHAT")
    assert tell(_notice(1)).trouble == ["channel chat: the environment variable CHAT is not set; 1 waits"]
    monkeypatch.setenv("CHAT", url)
    assert tell(_notice(1)).sent == 1
    assert post.taken == ["notice 1"]


def test_only_one_command_tells_at_a_time(tell: Tell, book: Path) -> None:
    with one_teller(book), pytest.raises(NotifyError, match="another command sends notices"):
        tell(_notice(1))


def test_a_line_that_was_cut_off_is_dropped_and_one_that_was_changed_is_an_error(tell: Tell, book: Path, post: Post) -> None:
    tell(_notice(1))
    log = book / "notified.jsonl"
    log.write_bytes(log.read_bytes() + b'{"at":"2026-1')
    assert tell(_notice(1), _notice(2)).sent == 1
    assert _outcomes(book)[-1] == ("anomaly 2", "chat", "sent")
    log.write_bytes(b"nothing\n" + log.read_bytes())
    assert tell_after_run(book).trouble == [f"{log}:1: is not what was written; restore it from a backup, or notices may be sent twice"]
    assert post.taken == ["notice 1", "notice 2"]


def test_nothing_is_sent_of_what_cannot_be_noted(tell: Tell, book: Path, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    (book / "notified.jsonl").mkdir()
    with pytest.raises(NotifyError, match="cannot be written"):
        tell(_notice(1))
    (book / "notified.jsonl").rmdir()
    monkeypatch.setattr("os.write", lambda _handle, content: len(content) - 1)
    with pytest.raises(NotifyError, match=r"cannot be written \(No space left on device\), so nothing is sent"):
        tell(_notice(1))
    assert not post.taken


def test_a_name_with_control_characters_does_nothing_to_a_terminal(tell: Tell, post: Post) -> None:
    post.answers[""] = 500
    [line] = tell(Notice("anomaly", "a\x1b[2Jb\nc", "support", NOW.date(), Decimal(1), "t")).trouble
    assert line.startswith("channel chat: anomaly a [2Jb c: it answered 500")


def test_whatever_goes_wrong_after_a_run_is_a_line_and_no_error(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(SECRETS[0])

    monkeypatch.setattr(telling, "notices_of", broken)
    assert tell_after_run(book).trouble == ["RuntimeError (meterbook notify --dry-run shows more)"]
