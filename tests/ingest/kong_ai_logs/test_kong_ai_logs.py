"""Kong AI Gateway log entries."""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from meterbook.assets.content import Content
from meterbook.assets.ingest.kong_ai_logs import FORMAT
from meterbook.assets.sources import Reading

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/kong_ai_log"
BUCKETS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens")
HERON = "the heron waits beneath the third bridge"
META = {"request_model": "gpt-5-mini", "provider_name": "openai", "llm_latency": 90}
USAGE = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12, "cost": 0.5}
ENTRY: dict[str, Any] = {"started_at": 1793610900250, "latencies": {"request": 100}, "request": {"id": "k1"}, "response": {"status": 200}}


def entry(usage: dict[str, Any] | None = None, meta: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    proxy = {"usage": USAGE if usage is None else usage, "meta": {**META, **(meta or {})}}
    return {**ENTRY, "ai": {"proxy": proxy}, **fields}


def lines(*entries: dict[str, Any]) -> str:
    return "".join(json.dumps(one) + "\n" for one in entries)


def rows(desk: Any, *entries: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    sources = [{"name": "kong", "path": "*", "format": "kong_ai_logs", "options": options}] if options else []
    desk.take({"a.jsonl": lines(*entries)}, sources)
    return list(desk.staged("kong_ai_logs").iter_rows(named=True))


def one(desk: Any, *entries: dict[str, Any], **options: Any) -> dict[str, Any]:
    [row] = rows(desk, *entries, **options)
    return row


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    done = desk.take({"kong.log": sample("sample.jsonl")})
    assert (done.rows_in, done.rows_typed, done.filtered, done.quarantined) == (9, 7, 2, 0)
    return {row["request_id"]: row for row in desk.staged("kong_ai_logs").iter_rows(named=True)}


def test_an_answer_keeps_its_figures_and_who_asked(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["kg-1"]
    assert tuple(row[name] for name in BUCKETS) == (400, 600, 0, 200)
    assert (row["reasoning_tokens"], row["reported_cost_usd"], row["is_cache_hit"]) == (128, Decimal("0.00075"), False)
    assert (row["started_at"], row["latency_ms"], row["time_to_first_token_ms"]) == (datetime(2026, 11, 2, 9, 15, 0, 250000), 2280, 431)
    assert (row["model"], row["requested_model"], row["provider"]) == ("gpt-5-mini-2025-08-07", "gpt-5-mini", "openai")
    assert (row["key_id"], row["key_alias"], row["project_id"], row["feature"]) == ("cred-9", "search-svc", "retail", "answers")


def test_embeddings_of_a_retrieval_are_a_call_of_their_own(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["kg-1/rag-inject"]
    assert (row["model"], row["input_tokens"], row["output_tokens"], row["latency_ms"]) == ("text-embedding-3-small", 62, 0, 37)
    assert (row["operation_id"], row["reported_cost_usd"], row["key_alias"]) == ("kg-1", None, "search-svc")


def test_a_judge_is_a_call_whose_tokens_nobody_knows(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["kg-1/ai-llm-as-judge"]
    assert (row["model"], row["input_tokens"], row["output_tokens"], row["status"]) == ("gpt-5", None, None, "success")


def test_a_hit_of_the_gateways_cache_costs_nothing_and_keeps_its_tokens(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["kg-2"]
    assert (row["is_cache_hit"], row["reported_cost_usd"], row["input_tokens"], row["latency_ms"]) == (True, Decimal(0), 1000, 15)


def test_a_refused_call_had_no_tokens_and_no_cost_is_made_up(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["kg-3"]
    assert (row["status"], row["error_class"], row["input_tokens"], row["output_tokens"]) == ("failure", "429", 0, 0)
    assert (row["reported_cost_usd"], row["key_alias"], row["feature"], row["project_id"]) == (None, "batch-7", "llm", "ws-1")


def test_a_call_that_broke_off_may_have_been_billed(desk: Any) -> None:
    row = one(desk, {**entry(), "ai": {"proxy": {"meta": META}}, "response": {"status": 504}})
    assert (row["status"], row["error_class"], row["input_tokens"], row["output_tokens"]) == ("failure", "504", None, None)


def test_every_plugin_of_the_older_layout_is_a_call(staged: dict[str, dict[str, Any]]) -> None:
    [name] = [one for one in staged if "ai-request-transformer" in one]
    base = name.removesuffix("/ai-request-transformer")
    answer, before = staged[base], staged[name]
    assert (answer["input_tokens"], answer["output_tokens"], answer["reported_cost_usd"], answer["provider"]) == (28, 20, None, "cohere")
    assert (before["input_tokens"], before["output_tokens"], before["provider"]) == (89, 56, "azure.ai.openai")
    assert (before["reported_cost_usd"], before["operation_id"]) == (Decimal("0.0012"), answer["operation_id"])


def test_an_answer_logged_in_both_layouts_is_one_call(desk: Any) -> None:
    both = entry()
    both["ai"] = {"ai-proxy": {"usage": {"prompt_token": 10, "completion_token": 2}, "meta": META}, **both["ai"]}
    assert one(desk, both)["request_id"] == "k1"


INCLUSIVE = {"prompt_tokens": 1300, "completion_tokens": 200, "prompt_tokens_details": {"cached_tokens": 600}}
EXCLUSIVE = {"prompt_tokens": 700, "completion_tokens": 200, "prompt_tokens_details": {"cached_tokens": 600}, "total_tokens": 1500}


@pytest.mark.parametrize(
    "usage",
    [
        INCLUSIVE,
        {**INCLUSIVE, "total_tokens": 1500},
        {"input_tokens": 1300, "output_tokens": 200, "input_tokens_details": {"cached_tokens": 600}},
        EXCLUSIVE,
        {"input_tokens": 700, "output_tokens": 200, "cache_read_input_tokens": 600},
    ],
    ids=["inclusive", "inclusive with total", "input names", "exclusive by its total", "anthropic names"],
)
def test_one_call_has_the_same_buckets_in_every_encoding(desk: Any, usage: dict[str, Any]) -> None:
    assert tuple(one(desk, entry(usage))[name] for name in BUCKETS) == (700, 600, 0, 200)


@pytest.mark.parametrize(("tokens", "expected"), [("inclusive", 700), ("exclusive", 1300)])
def test_the_book_decides_what_the_input_holds(desk: Any, tokens: str, expected: int) -> None:
    row = one(desk, entry(INCLUSIVE, {"provider_name": "anthropic"}), tokens=tokens, money_unit="usd")
    assert (row["input_tokens"], row["cache_read_tokens"]) == (expected, 600)
    assert desk.inbox.file_flags().height == 0


def test_what_the_figures_leave_open_is_said_of_the_file(desk: Any) -> None:
    odd = entry({**INCLUSIVE, "cost": 0.01}, {"provider_name": "bedrock"})
    odd["ai"]["proxy"]["cache"] = {"cache_status": "Miss", "embeddings_model": "text-embedding-3-small"}
    rows(desk, odd)
    assert desk.inbox.file_flags()["flag"].to_list() == [
        "holds cached tokens of Anthropic or Bedrock, taken as part of prompt_tokens; say `tokens: inclusive` or `exclusive`",
        "holds costs without a currency, taken as USD; say `money_unit: usd` if they are",
        "holds look-ups of a semantic cache, whose embeddings are spend without a count of tokens",
    ]


def test_cost_is_exact_and_in_the_unit_the_book_says(desk: Any, tmp_path_factory: Any) -> None:
    priced = entry({**USAGE, "cost": 0.000000000001})
    assert one(desk, priced)["reported_cost_usd"] == Decimal("0.000000000001")
    other = type(desk)(tmp_path_factory.mktemp("cents"))
    assert one(other, entry({**USAGE, "cost": 0.255}), money_unit="cents")["reported_cost_usd"] == Decimal("0.00255")


def test_no_configured_price_is_no_cost_and_nothing_counted_is_unknown(desk: Any) -> None:
    row = one(desk, entry({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "cost": 0}))
    assert (row["input_tokens"], row["output_tokens"], row["reported_cost_usd"]) == (None, None, None)


@pytest.mark.parametrize(
    "wrap",
    [
        json.dumps,
        lambda entries: json.dumps(entries, indent=1),
        lambda entries: "".join(json.dumps([one]) + "\n" for one in entries),
        lambda entries: lines(entries[0]) + json.dumps(entries[1:]) + "\n",
    ],
    ids=["array", "pretty array", "arrays in lines", "lines and a batch"],
)
def test_batches_give_the_same_rows_as_json_lines(desk: Any, sample: Callable[[str], str], wrap: Any) -> None:
    entries = [json.loads(line) for line in sample("sample.jsonl").splitlines()]
    desk.take({"a.json": wrap(entries), "b.jsonl": sample("sample.jsonl")})
    assert desk.staged("kong_ai_logs")["copies"].to_list() == [2] * 7


def test_an_entry_delivered_twice_counts_once_with_or_without_an_id(desk: Any) -> None:
    nameless = entry(request={})
    found = rows(desk, entry(), entry({**USAGE, "completion_tokens": 5}), nameless, nameless, entry(request={}, started_at=1793610900251))
    assert sorted((row["output_tokens"], row["copies"]) for row in found) == [(2, 1), (2, 2), (5, 2)]


def test_a_late_entry_touches_its_own_day_only(desk: Any) -> None:
    rows(desk, entry(), entry(request={"id": "k2"}, started_at=1793491199999))
    assert desk.staged("kong_ai_logs").select("request_id", "day").rows() == [("k1", date(2026, 11, 2)), ("k2", date(2026, 10, 31))]


def test_one_absurd_entry_is_data(desk: Any) -> None:
    assert one(desk, entry({"prompt_tokens": 10**15, "completion_tokens": 1}))["input_tokens"] == 10**15


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (entry({"prompt_tokens": 9.7}), "not a record: Expected `int | null`, got `float` - at `$.ai[...].usage.prompt_tokens`"),
        (entry({"prompt_tokens": -1}), "prompt_tokens is negative (-1)"),
        (entry({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}}), "cached tokens (6) exceed input tokens (5)"),
        (entry({"completion_tokens_details": {"reasoning_tokens": -2}}), "reasoning_tokens is negative (-2)"),
        (entry({**USAGE, "cost": -0.5}), "cost is negative (-0.5)"),
        (entry({**USAGE, "cost": 1e20}), "cost 1E+20 is too large"),
        (entry(started_at=None), "started_at is missing"),
        (entry(started_at="yesterday"), "started_at 'yesterday' is not an instant"),
        (entry(started_at=0), "day 1970-01-01 is outside 2015 to 2099"),
        (entry(ai=["proxy"]), "not a record: Expected `object | null`, got `array` - at `$.ai`"),
        ({**entry(), "ai": {"proxy": {"rag-inject": {"embeddings_tokens": -3}}}}, "embeddings_tokens is negative (-3)"),
    ],
)
def test_a_wrong_entry_is_set_aside_and_its_neighbours_stay(desk: Any, wrong: dict[str, Any], reason: str) -> None:
    before, after = entry(request={"id": "before"}), entry(request={"id": "after"})
    done = desk.take({"a.jsonl": lines(before, wrong, after)})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]
    assert desk.raw("kong_ai_logs")["request_id"].to_list() == ["before", "after"]


def payloads(where: str) -> dict[str, Any]:
    logged = {"payload": {"request": json.dumps({"messages": [HERON]}), "response": HERON}}
    proxy = {"usage": {**USAGE, "cost": -1}, "meta": META}
    layouts: dict[str, dict[str, Any]] = {
        "plugin": {"proxy": {**proxy, **logged}},
        "entry": {"proxy": proxy, **logged},
        "inner": {"proxy": {**proxy, "rag-inject": logged, "ai-llm-as-judge": logged}},
        "text": {"proxy": {**proxy, "payload": HERON}},
        "request": {"proxy": {**proxy, "request": {"messages": HERON}}},
    }
    return entry(ai=layouts[where])


@pytest.mark.parametrize("where", ["plugin", "entry", "inner", "text", "request"])
def test_no_payload_reaches_the_lake_with_an_entry_that_is_set_aside(desk: Any, where: str) -> None:
    wrong = payloads(where)
    done = desk.take({"a.jsonl": lines(entry(), wrong, {**wrong, "started_at": []}) + lines(wrong)[:-40]})
    kept = desk.inbox.quarantine()
    assert (done.quarantined, kept["reason"][0]) == (3, "cost is negative (-1)")
    assert '"prompt_tokens":10' in kept["raw_text"][0]
    assert not any(word in text for text in [*kept["raw_text"], *kept["reason"]] for word in ("heron", "bridge"))


def test_the_prompt_is_hashed_wherever_it_was_logged_and_only_with_a_key(tmp_path: Path) -> None:
    asked = json.dumps({"model": "m", "messages": [{"role": "user", "content": HERON}]})
    places = [
        {"payload": {"request": asked}, "proxy": {"usage": USAGE}},
        {"proxy": {"usage": USAGE, "payload": {"request": asked, "response": HERON}}},
        {"proxy": {"usage": USAGE, "payload": {"request": json.loads(asked)}}},
        {"proxy": {"usage": USAGE}},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text(lines(*({**ENTRY, "ai": ai} for ai in places)), "utf-8")
    [with_key] = FORMAT.read(Content(path), Reading(prompt_key=b"key")).frames(["prompt_hash"])
    [without] = FORMAT.read(Content(path), Reading()).frames(["prompt_hash"])
    first, second, third, none = with_key["prompt_hash"].to_list()
    assert first == second == third
    assert len(first) == 32
    assert none is None
    assert without["prompt_hash"].null_count() == 4


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_documented_examples_give_their_figures(desk: Any) -> None:
    assert desk.take({"kong.jsonl": (EXAMPLES / "http-log.jsonl").read_bytes()}).quarantined == 0
    found = desk.staged("kong_ai_logs").sort("input_tokens").select(*BUCKETS, "reported_cost_usd", "is_cache_hit", "model").rows()
    assert found == [
        (9, 0, 0, 89, None, False, "gpt-4o-mini"),
        (14, 0, 0, 21, Decimal(0), True, "command"),
        (3000, 0, 0, 900, Decimal("0.00255"), False, "gpt-5-mini-2025-08-07"),
    ]
