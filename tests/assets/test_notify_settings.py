"""notify.yaml: who is told what, and that no address is ever written into it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from meterbook.assets.book import Book, BookError
from meterbook.assets.notify import NotifyFile
from meterbook.pipelines.scaffold import scaffold

CHANNELS = {"chat": {"url_env": "CHAT"}, "mail": {"url_env": "MAIL"}}


def test_an_owner_without_a_route_is_told_through_the_default() -> None:
    found = NotifyFile.model_validate({"channels": CHANNELS, "routes": {"support": ["chat"], "quiet": []}, "default": ["mail"]})
    assert found.channels_of(["support"]) == ("chat",)
    assert found.channels_of(["search"]) == ("mail",)
    assert found.channels_of(["quiet"]) == ()
    assert found.channels_of(["support", "search", "support"]) == ("chat", "mail")


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ({"default": ["chta"]}, "default"),
        ({"routes": {"support": ["chta"]}}, "routes.support"),
        ({"send": {"digest": {"channels": ["chta"]}}}, "send.digest"),
    ],
)
def test_a_channel_that_there_is_not_is_named_with_its_place(part: dict[str, object], place: str) -> None:
    with pytest.raises(ValidationError, match=f"{place} names the channel 'chta', which is not among channels: chat, mail"):
        NotifyFile.model_validate({"channels": CHANNELS, **part})


@pytest.mark.parametrize(
    "channel",
    [
        "slack://xoxb-1234/hush",
        {"url": "slack://xoxb-1234/hush"},
        {"url_env": "slack://xoxb-1234/hush"},
        {"url_env": "CHAT", "url": "hush"},
        {"slack://hush": "CHAT"},
    ],
)
def test_an_address_in_the_file_is_refused_and_not_repeated(tmp_path: Path, channel: object) -> None:
    list(scaffold(tmp_path))
    (tmp_path / "notify.yaml").write_text(f"channels:\n  chat: {channel}\n", "utf-8")
    with pytest.raises(BookError, match=r"notify\.yaml:2: channels\.chat: a URL is a secret") as told:
        Book(tmp_path)
    assert "hush" not in str(told.value)


@pytest.mark.parametrize(
    "url", ["https://user:hush@example.com", "ftp://example.com/x", "https://example.com/?key=hush", "example.com", "https://a b"]
)
def test_the_address_of_pages_has_no_user_password_or_query(url: str) -> None:
    with pytest.raises(ValidationError, match="without user, password or query"):
        NotifyFile.model_validate({"base_url": url})


def test_a_new_book_tells_nobody_and_its_example_is_sound(tmp_path: Path) -> None:
    list(scaffold(tmp_path))
    assert not Book(tmp_path).notify.channels
    lines = (tmp_path / "notify.yaml").read_text("utf-8").splitlines()
    # The first says what the file is, the second that there are no channels yet.
    kept = [line.removeprefix("#") for line in lines[2:]]
    (tmp_path / "notify.yaml").write_text("\n".join(kept), "utf-8")
    assert Book(tmp_path).notify.channels
    assert Book(tmp_path).notify.send.anomalies
