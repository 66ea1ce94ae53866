"""Tags of every format in which callers may speak of themselves: the names of the book, and nothing else."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from examples import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from tagged import WRITERS, observation, spans, spend_log, trace

from meterbook.assets.content import Content
from meterbook.assets.ingest import formats
from meterbook.assets.sources import Options, Reading

pytestmark = pytest.mark.long

HERON = "the heron waits beneath the third bridge"
SAID: Mapping[str, Any] = {
    "cost-center": "CC-7",
    "app.name": "bot",
    "app.tier": 3,
    "app.live": True,
    "app.deep": {"app.note": HERON},
    "app.list": [HERON],
    "app.long": HERON * 6,
    "apple": HERON,
    "note": HERON,
}
NAMED = ["cost-center", "app.*", "absent"]
TAKEN = {"app.live": "true", "app.name": "bot", "app.tier": "3", "cost-center": "CC-7"}
HEEDING = sorted(name for name, one in formats().items() if re.search(r"\btags\b", one.about.options))
WORDY = {
    "litellm_spendlogs": lambda said, tags: spend_log(said, request_tags=tags),
    "langfuse_observations": lambda said, tags: observation(said, tags=tags),
    "langfuse_traces": lambda said, tags: trace(said, tags=tags),
}


def dropped(desk: Any, name: str, text: str, tags: Sequence[str] = NAMED) -> dict[str, Any]:
    """The one row of a file, read as the book says."""
    done = desk.take({"a": text}, [{"name": "s", "path": "*", "format": name, "options": {"tags": tags}}])
    assert (done.rows_typed, done.quarantined) == (1, 0)
    [row] = desk.raw(name).iter_rows(named=True)
    return {**row, "tags": row["tags"] and json.loads(row["tags"])}


def test_every_format_that_heeds_tags_is_tried() -> None:
    assert {name for name, _ in WRITERS.values()} == set(HEEDING)


@pytest.mark.parametrize("where", list(WRITERS))
def test_what_the_book_names_is_kept_and_nothing_else(desk: Any, where: str) -> None:
    name, writer = WRITERS[where]
    row = dropped(desk, name, writer(SAID))
    assert row["tags"] == TAKEN
    assert "heron" not in str(row)


@pytest.mark.parametrize("where", list(WRITERS))
def test_a_book_that_names_nothing_keeps_nothing(desk: Any, where: str) -> None:
    name, writer = WRITERS[where]
    assert dropped(desk, name, writer(SAID), [])["tags"] is None


@pytest.mark.parametrize("where", list(WRITERS))
def test_of_a_file_no_source_names_nothing_is_kept(desk: Any, where: str) -> None:
    name, writer = WRITERS[where]
    assert desk.take({"a": writer(SAID)}).rows_typed == 1
    assert desk.raw(name)["tags"].to_list() == [None]


@pytest.mark.parametrize("name", [name for name in HEEDING if name != "langfuse_traces"])
def test_tags_reach_the_common_shape(desk: Any, name: str) -> None:
    writer = next(writer for one, writer in WRITERS.values() if one == name)
    dropped(desk, name, writer(SAID))
    assert [json.loads(tags) for tags in desk.staged(name)["tags"]] == [TAKEN]


@pytest.mark.parametrize("where", list(WRITERS))
def test_just_what_is_listed_plain_and_short_survives(where: str, tmp_path: Path) -> None:
    name, writer = WRITERS[where]
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=210).filter(lambda text: text != "-")
    values = texts | st.integers(-(10**15), 10**15) | st.booleans()

    @examples(15, suppress_health_check=list(HealthCheck), database=None)
    @given(
        st.lists(st.from_regex(r"q[ab.]{0,2}[*]?", fullmatch=True), max_size=3, unique=True),
        st.dictionaries(st.from_regex(r"[qr][ab.]{0,3}", fullmatch=True), values | st.lists(values, max_size=2), max_size=5),
    )
    def read(names: list[str], said: dict[str, Any]) -> None:
        (tmp_path / "a").write_text(writer(said), "utf-8")
        rows = formats()[name].read(Content(tmp_path / "a"), Reading(options=Options(tags=tuple(names)), folder=tmp_path))
        listed = {key for key in said for one in names if key == one or (one.endswith("*") and key.startswith(one[:-1]))}
        labels = {key: json.dumps(value) if isinstance(value, int) else value for key, value in said.items() if key in listed}
        taken = {key: label for key, label in labels.items() if isinstance(label, str) and 0 < len(label) <= 200}
        [tags] = pl.read_parquet(rows.typed)["tags"] if rows.typed else [tags for frame in rows.frames(["tags"]) for tags in frame["tags"]]
        assert (tags and json.loads(tags)) == (taken or None)

    read()


@pytest.mark.parametrize("name", list(WORDY))
def test_tags_that_are_words_are_pairs_or_true_and_metadata_counts_before_them(desk: Any, name: str) -> None:
    given = ["unit:search", "app=bot", "beta", "gamma", HERON, f"note={HERON}", "cost-center:CC-1", 7]
    row = dropped(desk, name, WORDY[name]({"cost-center": "CC-7"}, given), ["unit", "app", "beta", "cost-center"])
    assert row["tags"] == {"unit": "search", "app": "bot", "beta": "true", "cost-center": "CC-7"}


def test_what_litellm_was_told_counts_in_the_order_in_which_owners_do(desk: Any) -> None:
    metadata = {"requester_metadata": {"a": "asked", "b": "asked", "c": "asked"}, "spend_logs_metadata": {"a": "own"}}
    times = {"startTime": 1793779200.5, "endTime": 1793779202.5, "completionStartTime": 1793779202.5}
    log = {"id": "r1", "custom_llm_provider": "openai", "model": "m", "response_cost": 0, "prompt_tokens": 1, "completion_tokens": 1}
    text = json.dumps({**log, **times, "metadata": metadata, "request_tags": ["a:word", "b:word"]})
    assert dropped(desk, "litellm_standard_logging", text, ["a", "b", "c"])["tags"] == {"a": "own", "b": "word", "c": "asked"}


def test_a_dump_of_spend_logs_gives_the_tags_of_its_lines(desk: Any) -> None:
    metadata = json.dumps({"spend_logs_metadata": {"unit": "search", "note": HERON}}).replace('"', '""')
    head = "request_id,startTime,spend,custom_llm_provider,model,prompt_tokens,completion_tokens,metadata,request_tags"
    text = f'{head}\nr1,2026-11-05T10:00:00Z,0.1,openai,m,1,1,"{metadata}","[""app=bot""]"\n'
    assert dropped(desk, "litellm_spendlogs", text, ["unit", "app"])["tags"] == {"unit": "search", "app": "bot"}


def test_owners_of_spend_logs_stay_what_they_are_where_tags_are_asked_for(desk: Any, tmp_path_factory: Any) -> None:
    text = spend_log({"tenant": "acme", "feature": 7, "note": HERON}, request_tags=["environment:production"])
    asked, other = dropped(desk, "litellm_spendlogs", text, ["x"]), type(desk)(tmp_path_factory.mktemp("plain"))
    assert other.take({"a": text}).rows_typed == 1
    [plain] = other.raw("litellm_spendlogs").iter_rows(named=True)
    same = set(plain) - {"source", "tags"}
    assert {name: asked[name] for name in same} == {name: plain[name] for name in same}
    assert (plain["tenant"], plain["feature"], plain["environment"]) == ("acme", "7", "production")


def test_a_span_counts_before_its_resource(desk: Any) -> None:
    text = spans({"app.name": "own"}, {"app.name": "shared", "cost-center": "CC-7"})
    assert dropped(desk, "otlp_spans", text)["tags"] == {"app.name": "own", "cost-center": "CC-7"}


def test_messages_of_a_span_are_no_tags_even_where_the_book_asks_for_them(desk: Any) -> None:
    names = [
        *("gen_ai.prompt", "gen_ai.prompt.0.content", "gen_ai.completion.0.content", "gen_ai.input.messages", "gen_ai.output.messages"),
        *("gen_ai.system_instructions", "gen_ai.tool.call.arguments", "input.value", "output.value", "traceloop.entity.input"),
        *("llm.prompts.0.content", "llm.input_messages.0.message.content"),
    ]
    row = dropped(desk, "otlp_spans", spans({**dict.fromkeys(names, HERON), "gen_ai.agent.name": "bot"}, {}), ["gen_ai.*", "llm.*", *names])
    assert set(row["tags"]) == {"gen_ai.agent.name", "gen_ai.operation.name", "gen_ai.request.model"} | {
        f"gen_ai.usage.{name}_tokens" for name in ("input", "output")
    }


def test_a_key_of_envoy_without_a_value_is_no_tag(desk: Any) -> None:
    writer = WRITERS["envoy_ai_gateway"][1]
    assert dropped(desk, "envoy_ai_gateway", writer({"app.name": "-", "cost-center": "CC-7"}))["tags"] == {"cost-center": "CC-7"}


def test_a_trace_gives_its_calls_the_tags_they_lack(desk: Any) -> None:
    options = {"options": {"tags": ["unit", "app", "beta"]}}
    sources = [{"name": n, "path": f"{n}*", "format": f"langfuse_{n}", **options} for n in ("observations", "traces")]
    calls = observation({"app": "bot"}) + observation({}, id="o2", trace_id="t2") + observation({"unit": "own"}, id="o3", trace_id="t3")
    traces = trace({"app": "other", "unit": "search"}) + trace({}, id="t2", tags=["beta"])
    desk.take({"observations": calls, "traces": traces}, sources)
    found = {row["request_id"]: json.loads(row["tags"]) for row in desk.staged("langfuse_observations").iter_rows(named=True)}
    assert found == {"o1": {"app": "bot", "unit": "search"}, "o2": {"beta": "true"}, "o3": {"unit": "own"}}


ACCOUNTS: Mapping[str, tuple[str, Callable[[], str]]] = {
    "a column of spend logs": ("litellm_spendlogs", lambda: spend_log({}, organization_id="org-1")),
    "metadata of spend logs": ("litellm_spendlogs", lambda: spend_log({}, organization_id="", metadata={"user_api_key_org_id": "org-1"})),
    "a span": ("otlp_spans", lambda: spans({"cloud.account.id": "org-1"}, {})),
    "a resource": ("otlp_spans", lambda: spans({}, {"cloud.account.id": "org-1"})),
    "the metric store of Portkey": (
        "portkey_logs",
        lambda: json.dumps({**json.loads(WRITERS["portkey_logs"][1]({})), "organisation_id": "org-1"}) + "\n",
    ),
    "a payload of LiteLLM": (
        "litellm_standard_logging",
        lambda: json.dumps({**json.loads(WRITERS["litellm_standard_logging"][1]({})), "metadata": {"user_api_key_org_id": "org-1"}}) + "\n",
    ),
}


@pytest.mark.parametrize("where", list(ACCOUNTS))
def test_an_account_is_taken_where_the_format_has_one(desk: Any, where: str) -> None:
    name, text = ACCOUNTS[where]
    desk.take({"a": text()}, [{"name": "s", "path": "*", "format": name}])
    assert desk.staged(name)["account_id"].to_list() == ["org-1"]
