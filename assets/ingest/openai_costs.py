"""OpenAI organization costs API: saved pages, amounts by day and line item.

`amount.value` is in units of `amount.currency` (dollars), a number or text with up to 30 decimals, negative for credits; it is kept to
twelve decimals. The line item is free text such as `gpt-5-mini-2025-08-07, input`; what stands before the comma is the model where the line
has a quantity or a meter behind the comma. That batches are marked by `batch` on either side of the comma and cached tokens by
`cached input` is not verified; lines worded otherwise keep their money and have no meter.
"""

from meterbook.assets.ingest._openai import COST_COLUMNS, COST_FIGURES, COST_RULES, cost_row
from meterbook.assets.ingest._pages import BUCKET, Pages
from meterbook.assets.ingest.format import About, Format, Sample

_PAGES = Pages(COST_COLUMNS, "start_time", "end_time", cost_row, COST_FIGURES, COST_RULES)


def _recognises(sample: Sample) -> bool:
    return '"organization.costs.result"' in sample.text


FORMAT = Format(
    name="openai_costs",
    description="OpenAI organization costs API: saved pages",
    columns={**BUCKET, **COST_COLUMNS},
    day="starts_at",
    recognises=_recognises,
    read=_PAGES.read,
    about=About(
        obtain="GET `/v1/organization/costs` with an admin key, saved as pages.",
        taken="Every line item of every day, credits and fees among them.",
        key="day, line item and every dimension, credits apart; of several exports the larger amount counts, for costs arrive late. "
        "Where a day was exported by other dimensions, the one with the largest amounts counts (credits count like charges), then the one "
        "with most dimensions; by project where all name projects.",
        money="`amount.value` in `amount.currency`, number or text with up to 30 decimals; what OpenAI bills.",
        limits="Line items are free text whose wording changed over time. An ungrouped export of some projects only cannot be told from "
        "one of all. The dashboard's cost CSV (`openai_cost_csv`) is the same money again: bring one of the two.",
    ),
)
