import csv
import io
import json
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from small_book import SmallBook

from meterbook.pipelines import cli

TODAY = datetime.now(UTC).date()
GPT = {"litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 4e-06, "source": "https://x.example"}
CARD = """\
provider: openai
models:
  gpt-x:
    rates:
    - {starts_on: 2026-01-01, input: 1, output: 4, source: "https://old.example", checked_on: 2026-11-01}  # as agreed
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line as a user calls it: exit code, what it printed, what it warned of; without a network."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a command of prices reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    def call(*args: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["meterbook", *map(str, args)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        printed = capsys.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    return call


def _map(folder: Path, **models: dict[str, Any]) -> Path:
    path = folder / "map.json"
    path.write_text(json.dumps(models), "utf-8")
    return path


def _card(folder: Path, text: str = CARD) -> Path:
    cards = folder / "cards"
    cards.mkdir()
    (cards / "openai.yaml").write_text(text, "utf-8")
    return cards


def test_seeding_writes_a_card_for_each_provider_from_the_installed_package(tmp_path: Path, run: Run) -> None:
    code, out, _ = run("prices", "seed", "--provider", "deepseek", "--provider", "azure", "--folder", tmp_path)
    assert code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["azure.ai.openai.yaml", "deepseek.yaml", "schema.json"]
    assert "models added" in out
    code, out, _ = run("prices", "seed", "--folder", tmp_path)
    assert (code, out.count("nothing new")) == (0, 2)


def test_seeding_appends_to_the_card_that_is_there(tmp_path: Path, run: Run) -> None:
    cards = _card(tmp_path)
    code, out, _ = run(
        "prices",
        "seed",
        "--litellm",
        _map(tmp_path, **{"gpt-x": {**GPT, "input_cost_per_token": 1.2e-06}, "gpt-y": GPT}),
        "--folder",
        cards,
    )
    assert (code, "1 models added, 1 changed" in out) == (0, True)
    text = (cards / "openai.yaml").read_text("utf-8")
    assert f"{{starts_on: 2026-01-01, ends_on: {TODAY}, input: 1, output: 4" in text
    assert "# as agreed" in text


def test_a_refused_movement_is_exit_code_one_and_says_how_far(tmp_path: Path, run: Run) -> None:
    cards = _card(tmp_path)
    feed = _map(tmp_path, **{"gpt-x": {**GPT, "input_cost_per_token": 2e-06}})
    code, _, err = run("prices", "seed", "--litellm", feed, "--folder", cards)
    assert code == 1
    assert "refused: openai/gpt-x: standard input 1 -> 2 (+100 %)" in err
    assert (cards / "openai.yaml").read_text("utf-8") == CARD
    assert run("prices", "seed", "--litellm", feed, "--folder", cards, "--threshold", 200)[0] == 0


def test_an_accepted_movement_is_written(tmp_path: Path, run: Run) -> None:
    cards = _card(tmp_path)
    feed = _map(tmp_path, **{"gpt-x": {**GPT, "input_cost_per_token": 2e-06}})
    assert run("prices", "seed", "--litellm", feed, "--folder", cards, "--accept", "gpt-x")[0] == 0


@pytest.mark.parametrize("text", ['{"gpt-x": ', '{"gpt-x": {"litellm_provider": "openai", "input_cost_per_token": -1}}'])
def test_a_corrupt_feed_is_exit_code_one_with_a_warning_and_the_card_as_it_was(tmp_path: Path, run: Run, text: str) -> None:
    cards = _card(tmp_path)
    (tmp_path / "map.json").write_text(text, "utf-8")
    code, _, err = run("prices", "seed", "--litellm", tmp_path / "map.json", "--folder", cards)
    assert (code, "warning: " in err) == (1, True)
    assert (cards / "openai.yaml").read_bytes() == CARD.encode()


@pytest.mark.parametrize(
    "args",
    [
        ("seed", "--provider", "opneai", "--folder", "FOLDER"),
        ("seed", "--litellm", "gone.json", "--folder", "FOLDER"),
        ("diff", "--folder", "gone"),
        ("check", "--folder", "gone"),
    ],
)
def test_a_wrong_argument_is_exit_code_two_and_one_line(tmp_path: Path, run: Run, args: tuple[str, ...]) -> None:
    code, _, err = run("prices", *(str(tmp_path) if arg == "FOLDER" else arg for arg in args))
    assert code == 2
    assert err.count("\n") == 1


def test_a_card_that_is_wrong_is_exit_code_two_for_every_verb(tmp_path: Path, run: Run) -> None:
    cards = _card(tmp_path, CARD.replace("input", "imput"))
    for verb in ("seed", "diff", "check"):
        code, _, err = run("prices", verb, "--folder", cards)
        assert (code, "did you mean input" in err) == (2, True)


def test_the_difference_is_a_table_csv_or_json_and_exit_code_zero(tmp_path: Path, run: Run) -> None:
    cards = _card(tmp_path)
    base = ("prices", "diff", "--folder", cards, "--litellm", _map(tmp_path, **{"gpt-x": {**GPT, "input_cost_per_token": 1.5e-06}}))
    code, out, err = run(*base)
    assert (code, "change %" in out, "1 prices differ" in err) == (0, True, True)
    code, out, _ = run(*base, "--format", "csv")
    [row] = csv.DictReader(io.StringIO(out))
    assert code == 0
    expected = {
        "provider": "openai",
        "model": "gpt-x",
        "tier": "standard",
        "meter": "input",
        "card": "1",
        "source": "1.5",
        "change_percent": "50",
    }
    assert row == {**expected, "starts_on": str(TODAY)}
    code, out, _ = run(*base, "--format", "json")
    assert (code, json.loads(out)) == (0, [{**expected, "starts_on": str(TODAY)}])


def test_the_shipped_cards_of_openai_and_anthropic_agree_with_the_package_in_the_lock(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("prices", "diff", "--provider", "openai", "--provider", "anthropic", "--format", "json")
    assert (code, json.loads(out)) == (0, [])


def test_sound_cards_are_counted_and_old_prices_warned_of(tmp_path: Path, run: Run) -> None:
    cards = _card(tmp_path, CARD.replace("2026-11-01", str(TODAY - timedelta(days=181))))
    code, out, err = run("prices", "check", "--folder", cards)
    assert (code, out.strip()) == (0, "1 models of 1 providers, 1 rates")
    assert "warning: " in err
    assert run("prices", "check", "--folder", cards, "--older-than", 200)[2] == ""


def test_two_models_of_one_name_are_exit_code_two(tmp_path: Path, run: Run) -> None:
    rate = CARD.splitlines()[-1].partition("#")[0]
    cards = _card(tmp_path, f"{CARD}  gpt-y:\n    aliases: [gpt-x]\n    rates:\n{rate}\n")
    code, _, err = run("prices", "check", "--folder", cards)
    assert (code, "gpt-x and gpt-y of openai both go by gpt-x" in err) == (2, True)


def test_in_a_book_the_models_its_last_run_had_no_price_for_are_named(tmp_path: Path, run: Run) -> None:
    book = SmallBook(tmp_path / "book")
    book.price(SmallBook.card.replace("source: x, checked_on: 2026-01-01", f"source: 'https://x.example', checked_on: {TODAY}"))
    book.log("2026-10-04", "2026-10-05", model="tuned")
    book.log("2026-10-05", model="small")
    book.run()
    code, _, err = run("--book", book.folder, "prices", "check")
    assert (code, err.strip()) == (0, "warning: acme/tuned (standard): no price on 2 days, last on 2026-10-05: no model")


@pytest.mark.parametrize("verb", ["seed", "diff", "check"])
def test_help_shows_an_example(run: Run, verb: str) -> None:
    code, out, _ = run("prices", verb, "--help")
    assert (code, f"meterbook prices {verb}" in out) == (0, True)
