"""OpenAI organization usage API, all result kinds: saved pages, buckets by group.

`input_tokens` includes cached and cache-write tokens, audio and images; buckets are made exclusive here. `input_cached_tokens` were read
from the cache, whatever they are; `input_audio_tokens` and `input_image_tokens` leave out what was cached of them, in older exports they
do not, which the sum of all parts tells. Exports without `input_text_tokens` and `output_text_tokens` are older still: they count text in
`input_tokens` and `output_tokens`, and audio beside it. Cache writes of 12 hours have a bucket of their own; all others (30 minutes) stand
in cache_write_5m_tokens. Reasoning is inside `output_tokens`, as are audio and images.

Kinds that are not tokens (images, audio, stores, sessions, calls) have a quantity with a unit, and no tokens. `usage_bytes` of vector
stores is what was stored that day: it is not to be added up over days. Requests of web searches are model requests that stand
in the completions too, so they are no requests here. Rows of the `decisions` endpoint are not documented: tokens, or the one known
quantity they have, are taken, others are set aside. Dimensions are null unless the export was grouped by them.
"""

from meterbook.assets.ingest._openai import USAGE_COLUMNS, USAGE_RULES, kind_of, usage_row
from meterbook.assets.ingest._pages import BUCKET, Pages, holds_no_result
from meterbook.assets.ingest.format import About, Format, Sample

_PAGES = Pages(USAGE_COLUMNS, "start_time", "end_time", usage_row, frozenset({"object"}), USAGE_RULES, kind=kind_of)


def _recognises(sample: Sample) -> bool:
    # A page without any usage names no kind; it holds nothing, so it does no harm here.
    return '"organization.usage.' in sample.text or ('"start_time"' in sample.text and holds_no_result(sample.text))


FORMAT = Format(
    name="openai_usage",
    description="OpenAI organization usage API: saved pages",
    columns={**BUCKET, **USAGE_COLUMNS},
    day="starts_at",
    recognises=_recognises,
    read=_PAGES.read,
    about=About(
        obtain="GET `/v1/organization/usage/...` with an admin key, saved page by page, as one list, as JSON lines, or only `data`.",
        taken="Every bucket's result: tokens of completions, embeddings and moderations, and counts of images, characters, seconds, "
        "bytes, sessions, calls and searches. Of `decisions` what looks like one of these; other rows of theirs are set aside.",
        key="bucket, result kind and every dimension; of several exports the one with more counts. Where the same time was exported by "
        "other dimensions or another width, the fullest counts, then the one with most dimensions; by project where all name projects.",
        tokens="input_tokens holds cached and cache-write tokens, audio and images; output_tokens holds reasoning, audio and images; in "
        "exports without counts of text both are text, with audio beside. Cache writes of 30 minutes count as 5 minutes.",
        limits="Group by project, model, batch and service_tier, or prices cannot be told. Sizes of images and context levels of searches "
        "only tell rows apart: they have no column. Rows of `decisions` are not documented, and may stand in the completions too. Recent "
        "buckets still grow. An ungrouped export of some projects only cannot be told from one of all. Bytes stored are not to be added "
        "over days. The dashboard's activity CSV (`openai_activity_csv`) is the same usage again: bring one of the two.",
    ),
)
