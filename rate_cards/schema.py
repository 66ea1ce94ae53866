"""The JSON schemas of a card and of commitments.yaml, so that editors complete and check them while they are written."""

import json

from pydantic import BaseModel

from meterbook.rate_cards.card import Card
from meterbook.rate_cards.commitments import CommitmentsFile
from meterbook.rate_cards.compile import SHIPPED

PATH = SHIPPED / "schema.json"
COMMITMENTS_PATH = SHIPPED / "commitments.schema.json"


def schema() -> str:
    """The schema of a card as text; `python -m meterbook.rate_cards.schema` writes it beside the cards."""
    return _text(PATH.name, Card)


def commitments_schema() -> str:
    """The schema of commitments.yaml as text; it is written with that of a card."""
    return _text(COMMITMENTS_PATH.name, CommitmentsFile)


def _text(name: str, shape: type[BaseModel]) -> str:
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"meterbook/rate_cards/{name}",
        **shape.model_json_schema(),
    }
    return json.dumps(described, indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(schema(), "utf-8")
    COMMITMENTS_PATH.write_text(commitments_schema(), "utf-8")
