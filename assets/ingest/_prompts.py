"""The prompt hash: tells repeated prompts apart from new ones without keeping a word of them.

A keyed BLAKE2b of 16 bytes over the prompt's JSON in one spelling. Without a key in the book nothing is hashed, and nothing of a prompt
is read. The key keeps anybody who has the lake, but not the book, from trying likely prompts.
"""

import hashlib
from typing import Any

import msgspec

from meterbook.assets.sources import Reading

_ENCODER = msgspec.json.Encoder(order="deterministic")
_PARTS = ("system", "instructions", "messages", "input", "prompt", "contents")
"""Where the request bodies of providers hold what is asked."""
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def prompt_hash(prompt: bytes | str | msgspec.Raw | None, reading: Reading) -> str | None:
    """The hash of a prompt; None where the book has no key, or there is no prompt.

    Args:
        prompt: JSON: messages, a request body that holds them, or text; text that is no JSON is taken as it is.
        reading: has the key.
    """
    if reading.prompt_key is None or not prompt:
        return None
    text = prompt.encode() if isinstance(prompt, str) else bytes(prompt)
    asked = _asked(_parsed(text))
    if asked in (None, "", [], {}):
        return None
    key = hashlib.blake2b(reading.prompt_key).digest()
    return hashlib.blake2b(_ENCODER.encode(asked), key=key, digest_size=16).hexdigest()


def _parsed(text: bytes) -> Any:  # noqa: ANN401 -- any JSON value
    try:
        found = msgspec.json.decode(text)
        # Logs often hold a body as the text of JSON.
        return msgspec.json.decode(found) if isinstance(found, str) and found[:1] in {"{", "["} else found
    except _BROKEN:
        return text.decode("utf-8", "replace")


def _asked(body: Any) -> Any:  # noqa: ANN401 -- any JSON value
    while isinstance(body, dict) and isinstance(body.get("body"), dict):
        body = body["body"]
    if not isinstance(body, dict):
        return body
    parts = {name: body[name] for name in _PARTS if body.get(name) not in (None, "", [], {})}
    return next(iter(parts.values())) if len(parts) == 1 else parts or body
