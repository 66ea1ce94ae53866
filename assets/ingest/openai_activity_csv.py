"""OpenAI dashboard, Usage page, activity view: the downloaded CSV, one row per day and group.

The columns are those of the usage API: `input_tokens` includes cached tokens, `output_tokens` includes reasoning; buckets are made
exclusive here. Counts are written 59200.0. Days without usage are rows with empty cells and are left out. Rows of one day and group
add up. Seen of completions (October 2025); downloads of other activities are read by the same columns as the API names them.
"""

from collections.abc import Mapping

from meterbook.assets.ingest._calls import count
from meterbook.assets.ingest._openai import QUANTITIES, TOKEN_FIGURES, USAGE_COLUMNS, USAGE_RULES, dashboard_pages, kind_of, usage_row
from meterbook.assets.ingest._page_values import Row
from meterbook.assets.ingest._pages import BUCKET, Pages
from meterbook.assets.ingest.format import About, Format, Sample

_FIGURES = ("num_model_requests", *TOKEN_FIGURES, *dict.fromkeys(key for key, _ in QUANTITIES.values()))
_NAMES = (
    "project_id",
    "user_id",
    "api_key_id",
    "model",
    "service_tier",
    "api_source",
    "size",
    "source",
    "context_level",
    "vector_store_id",
)
_YES_NO = {"true": True, "false": False}


def _result(row: Mapping[str, str]) -> Row:
    """The cells that count, under the keys of the API; the kind is not written in the file, but its figures tell it."""
    counted = () if row.get("input_tokens") else (kind for kind, (key, _) in QUANTITIES.items() if row.get(key))
    kind = next(iter(counted), "completions")
    if kind == "file_searches" and "context_level" in row:
        kind = "web_searches"
    given = {name: row[name] for name in (*_FIGURES, *_NAMES, "batch") if row.get(name)}
    return {**given, "object": kind, "batch": _YES_NO.get(given.get("batch", "").lower(), given.get("batch"))}


def _usage_row(result: Row) -> Row:
    return usage_row({**result, **{name: count(result.get(name), name) for name in _FIGURES}})


_PAGES = Pages(
    USAGE_COLUMNS,
    "start_time",
    "end_time",
    _usage_row,
    frozenset({"object", *_FIGURES}),
    USAGE_RULES,
    kind=kind_of,
    pages=dashboard_pages(_FIGURES, _result),
)


def _recognises(sample: Sample) -> bool:
    is_csv = not sample.content.is_parquet and sample.text.lstrip()[:1] not in {"{", "["}
    is_download = is_csv and {"start_time", "end_time", "start_time_iso"} <= sample.keys
    return is_download and "amount_value" not in sample.keys and not sample.keys.isdisjoint(_FIGURES)


FORMAT = Format(
    name="openai_activity_csv",
    description="OpenAI dashboard: activity CSV of the Usage page",
    columns={**BUCKET, **USAGE_COLUMNS},
    day="starts_at",
    recognises=_recognises,
    read=_PAGES.read,
    about=About(
        obtain="Usage page of the dashboard, activity view, export; at most 60 days at once.",
        taken="Every row with a count; days without usage are left out and counted. Names of people and organisations are not read.",
        key="day and every dimension; rows of one file with the same ones add up. Of several downloads the fuller row counts; where a day "
        "was downloaded by other dimensions, the fullest counts, then the one with most dimensions; by project where all name projects.",
        tokens="input_tokens holds cached and cache-write tokens, audio and images; output_tokens holds reasoning, audio and images. Cache "
        "writes of 30 minutes count as 5 minutes.",
        limits="The dashboard shows what the usage API (`openai_usage`) exports, and lags: bring one of the two for the same days, else it "
        "is counted twice. `marts.same_money` names days where two sources seem to be one; `counts: false` on a source keeps it from being "
        "added. Headers other than that of completions are not verified.",
    ),
    names=frozenset({"start_time", "end_time", "start_time_iso", "end_time_iso", *_FIGURES, *_NAMES}),
)
