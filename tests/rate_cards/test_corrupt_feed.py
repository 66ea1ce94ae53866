"""A price feed that cannot be trusted changes no card."""

from pathlib import Path

import pytest
from seeding import HAND, TODAY, rate, seeded

from meterbook.rate_cards.from_litellm import read
from meterbook.rate_cards.offers import SourceError
from meterbook.rate_cards.seed import seed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme.yaml").write_text(HAND, "utf-8")
    return tmp_path


BROKEN = {
    "not JSON": '{"m": {"litellm_provider": "acme", "input_cost_per_token": 1e-06',
    "no number": '{"m": {"litellm_provider": "acme", "input_cost_per_token": NaN}}',
    "less than nothing": '{"m": {"litellm_provider": "acme", "input_cost_per_token": -1e-06}, "n": {"litellm_provider": "acme"}}',
    "a text": '{"m": {"litellm_provider": "acme", "input_cost_per_token": "cheap"}, "n": {"litellm_provider": "acme"}}',
    "cut off": '{"z": {"litellm_provider": "acme", "input_cost_per_token": 1e-06}}',
    "a list": "[1, 2, 3]",
    "empty": "",
}


def _why_not(folder: Path, feed: Path) -> str:
    try:
        [done] = seed(folder, read(feed, ["acme"], TODAY), ["acme"], TODAY)
    except SourceError as error:
        return str(error)
    return str(done.failed)


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_corrupt_price_feed_leaves_the_last_good_card_and_is_told(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    feed = tmp_path_factory.mktemp("feed") / "map.json"
    feed.write_text(text, "utf-8")
    assert feed.name in _why_not(folder, feed) or "acme/m" in _why_not(folder, feed)
    assert (folder / "acme.yaml").read_bytes() == HAND.encode()
    assert [path.name for path in folder.iterdir()] == ["acme.yaml"]


def test_a_source_with_fewer_than_half_of_the_models_needs_accept_all(folder: Path) -> None:
    done = seeded(folder, {"z": [rate(input=1)]})
    assert str(done.failed).startswith("the test has 0 of the 2 models of the card, fewer than half")
    assert seeded(folder, {"n": [rate(input=2, output=2)], "z": [rate(input=1)]}).added == ["z"]
    assert seeded(folder, {"y": [rate(input=1)]}, accept=["all"]).added == ["y"]
