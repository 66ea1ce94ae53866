"""`meterbook notify`, and what happens after a run: shown, sent, and never the end of anything else."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import dagster as dg
import pytest
from running import run, typed

from meterbook.assets import channels, telling
from meterbook.assets.notice import Notice
from meterbook.assets.resources import BookResource
from meterbook.pipelines import runner
from meterbook.pipelines.definitions import build_definitions
from meterbook.pipelines.forgetful import forgetful_instance

pytest.importorskip("apprise", reason="the extra notify is not installed")
TODAY = datetime.now(UTC).date()
MODELS = ("core.request", "staging.litellm_spendlogs", "marts.spend")
NOTICES = [
    Notice("budget", "new", "support", TODAY, Decimal(80), "Budget support: 80 % of $100 is used", (), [("Owner", "support")]),
    Notice("budget", "old", "support", TODAY - timedelta(days=9), Decimal(50), "Budget support: 50 % of $100 is used"),
]


@pytest.fixture
def taken() -> Iterator[list[str]]:
    """Titles of what came to a server, after its port."""
    found: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["title"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    found.append(str(server.server_address[1]))
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def book(tmp_path: Path, taken: list[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A book without data, one channel, and two notices that are not asked of its lake."""
    folder = tmp_path / "book"
    (folder / "inbox").mkdir(parents=True)
    (folder / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    (folder / "notify.yaml").write_text("channels: {chat: {url_env: CHAT}}\ndefault: [chat]\n", "utf-8")
    monkeypatch.setenv("CHAT", f"json://hush:hush@127.0.0.1:{taken.pop()}/hush")
    monkeypatch.setattr(telling, "notices_of", lambda _workspace, _today: list(NOTICES))
    monkeypatch.setattr(telling, "WAITS", (0.0, 0.0))
    return folder


def test_a_dry_run_says_what_would_go_where_and_sends_and_writes_nothing(book: Path, taken: list[str]) -> None:
    before = sorted(book.rglob("*"))
    said = typed(book, "notify", "--dry-run")
    assert said.code == 0
    assert said.out == "chat: 1 to send, 1 older passed over\n  Budget support: 80 % of $100 is used\n    Owner: support\n"
    [found] = json.loads(typed(book, "notify", "--dry-run", "--json").out)
    assert (found["channel"], found["notices"], found["body"]) == ("chat", ["budget new"], "- Owner: support")
    older = typed(book, "notify", "--dry-run", "--since", str(TODAY - timedelta(days=30)))
    assert older.out.startswith("chat: 2 to send\n")
    assert not taken
    assert sorted(book.rglob("*")) == before


def test_what_is_sent_is_said_and_what_is_not_sent_has_its_own_exit_code(
    book: Path, taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert typed(book, "notify") == (0, "sent 1 message\npassed over 1 notice older than a week: --since DATE sends them\n", "")
    assert typed(book, "notify") == (0, "nothing new to tell\n", "")
    assert taken == ["Budget support: 80 % of $100 is used"]
    monkeypatch.setenv("CHAT", "json://hush:hush@127.0.0.1:1/hush")
    assert typed(book, "notify", "--since", "2026-01-01") == (
        1,
        "nothing new to tell\n",
        "channel chat: budget old: no connection; tried again next time\n",
    )


def test_a_test_message_comes_and_is_not_noted(book: Path, taken: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed(book, "notify", "test", "chat") == (0, "sent to chat\n", "")
    assert taken == ["meterbook: a test"]
    assert not (book / "notified.jsonl").exists()
    monkeypatch.setenv("CHAT", "json://hush:hush@127.0.0.1:1/hush")
    assert typed(book, "notify", "test", "chat") == (1, "", "channel chat: no connection\n")
    monkeypatch.delenv("CHAT")
    assert typed(book, "notify", "test", "chat") == (2, "", "meterbook: channel chat: the environment variable CHAT is not set\n")


def test_without_the_extra_one_line_says_what_to_install(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "find_spec", lambda _name: None)
    for words in (["notify"], ["notify", "test", "chat"]):
        said = typed(book, *words)
        assert (said.code, said.out) == (2, "")
        assert said.err.count("\n") == 1
        assert "pip install 'meterbook[notify]'" in said.err
    assert typed(book, "notify", "--dry-run").code == 0


def test_a_channel_that_there_is_not_is_said_in_a_line(book: Path) -> None:
    said = typed(book, "notify", "--channel", "chta")
    assert (said.code, said.err) == (2, "meterbook: there is no channel 'chta' in notify.yaml: chat\n")
    (book / "notify.yaml").unlink()
    assert typed(book, "notify").code == 2


def test_after_a_run_notices_are_sent_and_no_trouble_of_theirs_fails_it(
    book: Path, taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a run does before is not asked here.
    monkeypatch.setattr(runner, "_Run", lambda *_args, **_more: SimpleNamespace(go=lambda *_days: runner.Outcome(), publisher=None))
    monkeypatch.setattr(runner, "summarise", lambda *_: None)
    monkeypatch.setenv("CHAT", "json://hush:hush@127.0.0.1:1/hush")
    code, said = run(book)
    assert code == 0
    assert "notify: channel chat: budget new: no connection; tried again next time" in said
    assert "hush" not in said
    log = book / "notified.jsonl"
    log.write_text("broken\n", "utf-8")
    code, said = run(book)
    assert code == 0
    assert f"notify: {log}:1: is not what was written" in said
    (book / "notify.yaml").unlink()
    assert "notify" not in run(book)[1]
    assert not taken


def test_dagster_has_a_job_that_sends_and_succeeds_whatever_comes_of_it(
    book: Path, taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = build_definitions(BookResource(folder=str(book)), MODELS)
    assert "after_runs_notify" in {one.name for one in definitions.get_repository_def().sensor_defs}
    job = definitions.resolve_job_def("notify")
    with forgetful_instance() as instance:
        assert job.execute_in_process(instance=instance).success
        assert taken == ["Budget support: 80 % of $100 is used"]
        monkeypatch.delenv("CHAT")
        assert job.execute_in_process(instance=instance).success
    (book / "notify.yaml").unlink()
    silent = build_definitions(BookResource(folder=str(book)), MODELS)
    assert "after_runs_notify" not in {one.name for one in silent.get_repository_def().sensor_defs}
    with pytest.raises(dg.DagsterInvariantViolationError):
        silent.resolve_job_def("notify")
