"""The JSON schema of a card, so that editors complete and check one while it is written."""

import json

from meterbook.rate_cards.card import Card
from meterbook.rate_cards.compile import SHIPPED

PATH = SHIPPED / "schema.json"


def schema() -> str:
    """The schema as text; `python -m meterbook.rate_cards.schema` writes it beside the cards."""
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "meterbook/rate_cards/schema.json",
        **Card.model_json_schema(),
    }
    return json.dumps(described, indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(schema(), "utf-8")
