"""What levers.yaml says of caches."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.lever_cache import MINIMUM_TOKENS, PromptCache, ResponseCache, SemanticCache, cache_tables


def rows(table: str, *, responses: Any = (), semantics: Any = (), prompts: PromptCache | None = None) -> list[dict[str, Any]]:
    return cache_tables(responses, semantics, prompts or PromptCache())[table].to_dicts()


def test_without_a_word_answers_live_an_hour_and_prefixes_five_minutes() -> None:
    [answer] = rows("book.response_cache")
    assert answer == {"place": 1, "feature": "%", "ttl_seconds": 3600, "is_opted_in": False, "is_shared": False, "is_user_specific": False}
    assert rows("book.semantic_cache") == []
    prefixes = rows("book.prompt_cache")
    assert [(row["model"], row["minimum_tokens"]) for row in prefixes[:2]] == [("%gemini-2.5%", 2048), ("%gemini%", 4096)]
    assert {row["ttl_seconds"] for row in prefixes} == {300}
    assert [row["place"] for row in prefixes] == list(range(1, len(MINIMUM_TOKENS) + 1))
    assert (prefixes[-1]["provider"], prefixes[-1]["model"], prefixes[-1]["minimum_tokens"]) == ("%", "%", 1024)


def test_entries_keep_their_order_and_the_last_one_is_for_every_other_feature() -> None:
    told = (
        ResponseCache(feature="help_desk*", ttl_seconds=60, opted_in=True, shared=True),
        ResponseCache(feature="inbox", user_specific=True),
    )
    found = rows("book.response_cache", responses=told)
    assert [(row["place"], row["feature"], row["is_opted_in"], row["is_shared"], row["is_user_specific"]) for row in found] == [
        (1, "help!_desk%", True, True, False),
        (2, "inbox", False, False, True),
        (3, "%", False, False, False),
    ]
    everything = (ResponseCache(feature="*", ttl_seconds=5),)
    assert [row["ttl_seconds"] for row in rows("book.response_cache", responses=everything)] == [5]


def test_an_embedding_model_is_one_of_a_rate_card() -> None:
    told = (SemanticCache(feature="help", lookup_usd=Decimal("0.00002"), embedding_model="openai/text-embedding-3-small"), SemanticCache())
    found = rows("book.semantic_cache", semantics=told)
    assert [(row["lookup_usd"], row["provider"], row["model"]) for row in found] == [
        (Decimal("0.00002"), "openai", "text-embedding-3-small"),
        (Decimal(0), None, None),
    ]


def test_the_book_says_of_a_provider_what_its_cache_takes_and_of_all_others_instead_of_what_is_documented() -> None:
    own = rows("book.prompt_cache", prompts=PromptCache(ttl_seconds=600, minimum_tokens={"openai": 128}))
    assert (own[0]["provider"], own[0]["model"], own[0]["minimum_tokens"], own[0]["ttl_seconds"]) == ("openai", "%", 128, 600)
    assert len(own) == 1 + len(MINIMUM_TOKENS)
    both = rows("book.prompt_cache", prompts=PromptCache(minimum_tokens={"*": 512, "openai": 128}))
    assert [(row["provider"], row["minimum_tokens"]) for row in both] == [("openai", 128), ("%", 512)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("response_cache: [{feature: a}, {feature: a}]", "feature 'a' is given twice"),
        ("response_cache: [{feature: '*'}, {feature: a}]", "feature 'a' is never reached"),
        ("semantic_cache: [{feature: '*'}, {feature: a}]", "feature 'a' is never reached"),
        ("response_cache: [{feature: a, ttl_seconds: 86401}]", "less than or equal to 86400"),
        ("response_cache: [{feature: a, ttl_secnds: 5}]", "ttl_secnds"),
        ("semantic_cache: [{lookup_usd: 0.1, embedding_model: ada}]", "embedding_model"),
        ("prompt_cache: {minimum_tokens: {openai: -1}}", "minimum_tokens"),
    ],
)
def test_what_is_wrong_is_an_error_that_names_file_and_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "meterbook.yaml").write_text("name: A company\n", "utf-8")
    (tmp_path / "levers.yaml").write_text(text, "utf-8")
    with pytest.raises(BookError, match=r"levers\.yaml") as error:
        Book(tmp_path)
    assert said in str(error.value)


def test_a_book_gives_its_caches_to_the_models(tmp_path: Path) -> None:
    (tmp_path / "meterbook.yaml").write_text("name: A company\n", "utf-8")
    (tmp_path / "levers.yaml").write_text("response_cache: [{feature: help, ttl_seconds: 60, opted_in: true}]\n", "utf-8")
    assert tables_of(Book(tmp_path))["book.response_cache"]["feature"].to_list() == ["help", "%"]
