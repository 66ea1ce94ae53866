"""How the call of an OpenTelemetry span was asked: parameters, and what its messages are, where an instrumentation writes them.

Names are those of the GenAI semantic conventions; messages, instructions and tools are opt-in there.
"""

import re
from decimal import Decimal
from typing import Any

import msgspec

from meterbook.assets.ingest import _calls
from meterbook.assets.ingest._calls import Row
from meterbook.assets.ingest._prompts import parameters_of, prompt_of
from meterbook.assets.ingest._rows import BROKEN
from meterbook.assets.ingest._spans import Span
from meterbook.assets.sources import Reading

_MESSAGES = ("gen_ai.input.messages", "gen_ai.prompt")
_BESIDE = {"system": "gen_ai.system_instructions", "tools": "gen_ai.tool.definitions"}
PROMPTS = frozenset({*_MESSAGES, *_BESIDE.values()})
"""Attributes with messages: they are there to be measured and hashed, and not kept."""
PARAMETERS = {
    "max_tokens": ("gen_ai.request.max_tokens",),
    "temperature": ("gen_ai.request.temperature",),
    "stream": ("gen_ai.request.stream",),
}
"""What was asked for -> the attributes that say it."""
SPOKEN = re.compile(
    r"gen_ai[.](prompt|completion|input|output|system_instructions|tool)\b|llm[.](prompts|completions|input_messages|output_messages)\b"
    r"|(input|output)[.]value$|traceloop[.]entity[.](input|output)$"
)
"""Attributes of the conventions and of common instrumentations that hold what was said: never a tag, whatever the book asks for."""


def asked(span: Span, found: Row, reading: Reading) -> Row:
    """How it was asked; a parameter that is not there need not have been left out, as instrumentations need not write any."""
    prompt = next((one for name in _MESSAGES if (one := span.texts.get(name)) not in (None, "")), None)
    told = {name: _plain(value) for name, key in _BESIDE.items() if (value := span.texts.get(key)) not in (None, "")}
    parameters = {name: found[name] for name in PARAMETERS}
    given = parameters_of({**parameters, "tools": told.get("tools")}, is_whole=False)
    if prompt is None or reading.prompt_key is None:
        return given
    held = {**told, "messages": _plain(prompt)} if told else prompt
    return {**given, **prompt_of(held if isinstance(held, str) else msgspec.json.encode(held), reading)}


def _plain(text: Any) -> Any:  # noqa: ANN401 -- an attribute's value, which holds JSON or its text
    try:
        return msgspec.json.decode(text) if isinstance(text, str) else text
    except BROKEN:
        return text


def first_chunk(seconds: object) -> int | None:
    """Milliseconds; None where it is no time."""
    try:
        found = Decimal(str(seconds)) * 1000 if isinstance(seconds, int | float) and not isinstance(seconds, bool) else None
        return None if found is None else _calls.milliseconds(found, "time to first chunk")
    except (ArithmeticError, ValueError):
        return None
