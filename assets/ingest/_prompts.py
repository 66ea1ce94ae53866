"""What is known of a request by its body: how it was asked, and hashes that tell repeated prompts and repeated beginnings apart.

Of the parameters (a cap on the answer, temperature, streaming, whether tools were offered) only these four are read. Hashes are keyed
BLAKE2b of 16 bytes over the prompt's JSON in one spelling, so that not a word is kept; the key keeps anybody who has the lake, but not the
book, from trying likely prompts. Without a key in the book nothing is hashed or measured, and nothing of a prompt is read.

The beginning (`prefix`) is what a provider's prompt cache may hold for all callers of a feature: tools, system prompt, instructions, and
the messages of role system or developer before the first of another role. The context lies between it and the last message: history, and
what was retrieved where that has messages of its own. Sizes are characters of JSON, not tokens. A prompt that is bare text, or that its
gateway cut short, cannot be told apart like this.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from meterbook.assets.ingest._records import Count
from meterbook.assets.ingest.format import LARGEST
from meterbook.assets.sources import Reading

_ENCODER = msgspec.json.Encoder(order="deterministic")
_SYSTEM = ("system", "instructions", "systemInstruction", "system_instruction")
_CONVERSATION = ("messages", "input", "prompt", "contents")
_BESIDE = ("inputText", "texts", "inputs", "message", "chat_history", "query", "documents", "content", "instances")
"""What is embedded, ranked, or asked in shapes without messages: Titan and Cohere on Bedrock, Hugging Face, Google."""
_TOLD = (*_CONVERSATION, *_BESIDE)
_PARTS = frozenset({*_SYSTEM, *_TOLD})
"""Where the request bodies of providers hold what is asked; a body with none of these asks nothing."""
_TOOLS = ("tools", "toolConfig", "tool_config", "functions")
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_INSTRUCTING = frozenset({"system", "developer"})
"""Roles of messages that the application writes, and not its user."""
_CUT = b"litellm_truncated"
"""Stands where LiteLLM left out the middle of a text of more than MAX_STRING_LENGTH_PROMPT_IN_DB characters (2,048): two such prompts
that look alike need not be the same."""
_MILLIONTHS = Decimal("0.000001")
_TENTHS_OF_THOUSANDTHS = Decimal("0.0001")
_HOTTEST = 100
"""No provider takes a temperature of more than 2; what is far beyond is none."""
PROMPT = ("prompt_hash", "prefix_hash", "prefix_ratio", "context_ratio")
PARAMETERS = ("max_output_tokens", "temperature", "is_streaming", "has_tools")
ASKED = (*PROMPT, *PARAMETERS)
"""Columns that a request body fills."""
_Body = bytes | str | msgspec.Raw | None
_CAPS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "maxOutputTokens", "maxTokens")
_INNER = ("generationConfig", "generation_config", "inferenceConfig")
_READ = frozenset({*_CAPS, *_INNER, *_TOOLS, "temperature", "stream"})
"""What is read of a body without a key; all else stays as it lies there."""


def asked_of(body: _Body, reading: Reading, prompt: _Body = None) -> dict[str, Any]:
    """What a request body says, by the columns `ASKED`; None for what it does not say.

    Args:
        body: JSON, or its text: the body of a request to a provider, or one that holds it under `body`.
        reading: has the key.
        prompt: where a log has the prompt beside the body; it counts where the body has none.
    """
    text, beside = _bytes(body), _bytes(prompt)
    if reading.prompt_key is None:
        return {**dict.fromkeys(PROMPT), **parameters_of(_unread(text))}
    whole = _request(_parsed(text))
    given = whole if isinstance(whole, dict) else {}
    is_told = _says(whole) and (not given or _first(given, _TOLD) is not None)
    held = whole if is_told or not beside else {**given, **_named(_request(_parsed(beside)))}
    return {**_measured(held, reading, is_cut=_CUT in text or _CUT in beside), **parameters_of(given)}


def prompt_of(prompt: _Body, reading: Reading) -> dict[str, Any]:
    """The columns `PROMPT` of a prompt; None where the book has no key, or there is no prompt.

    Args:
        prompt: JSON: messages, a request body that holds them, or text; text that is no JSON is taken as it is.
        reading: has the key.
    """
    if reading.prompt_key is None or not prompt:
        return dict.fromkeys(PROMPT)
    text = _bytes(prompt)
    held = _request(_parsed(text))
    # What an application gives in a shape of its own is its prompt as a whole.
    is_own = isinstance(held, dict) and _first(held, _PARTS) is None
    return _measured({"prompt": held} if is_own else held, reading, is_cut=_CUT in text)


def parameters_of(given: Mapping[str, Any], *, is_whole: bool = True) -> dict[str, Any]:
    """How it was asked, by the columns `PARAMETERS`; what is no count, temperature or yes and no is None.

    Args:
        given: parameters under the names of OpenAI, Anthropic, Google or Bedrock.
        is_whole: whether a parameter that is not there was not given; a log may hold some of them only.
    """
    inner = _first(given, _INNER)
    values = {**given, **inner} if isinstance(inner, Mapping) else given
    stream, is_body = values.get("stream"), is_whole and bool(given)
    has_tools = _first(given, _TOOLS) is not None
    return {
        "max_output_tokens": next((cap for name in _CAPS if name in values and (cap := _cap(values[name])) is not None), None),
        "temperature": _temperature(values.get("temperature")),
        # A body that does not ask for a stream, or offers no tools, does without them.
        "is_streaming": stream if isinstance(stream, bool) else False if stream is None and is_body else None,
        "has_tools": has_tools or (False if is_body else None),
    }


def _cap(value: object) -> int | None:
    """A whole number of tokens from 1 on, also as text or 1024.0."""
    if type(value) is int and 0 < value <= LARGEST:
        return value
    try:
        found = Decimal(str(value)) if isinstance(value, int | float | str) and not isinstance(value, bool) else Decimal(0)
        is_cap = found.is_finite() and found >= 1 and found == found.to_integral_value()
        return msgspec.convert(int(found), Count) if is_cap else None
    except (ArithmeticError, msgspec.ValidationError):
        return None


def _temperature(value: object) -> Decimal | None:
    try:
        found = Decimal(str(value)) if isinstance(value, int | float | str | Decimal) and not isinstance(value, bool) else None
        return found.quantize(_TENTHS_OF_THOUSANDTHS) if found is not None and found.is_finite() and 0 <= found <= _HOTTEST else None
    except ArithmeticError:
        return None


def _says(value: object) -> bool:
    """Whether a JSON value is more than null or empty."""
    return bool(value) or isinstance(value, int | float)


def _first(given: Mapping[str, Any], names: Iterable[str]) -> Any:  # noqa: ANN401 -- any JSON value
    """The first value that says something; None where none does."""
    for name in names:
        if name in given and _says(given[name]):
            return given[name]
    return None


def _bytes(text: _Body) -> bytes:
    return text.encode("utf-8", "replace") if isinstance(text, str) else bytes(text or b"")


def _parsed(text: bytes) -> Any:  # noqa: ANN401 -- any JSON value
    try:
        found = msgspec.json.decode(text) if text else None
        # Logs often hold a body as the text of JSON.
        return msgspec.json.decode(found) if isinstance(found, str) and found[:1] in {"{", "["} else found
    except _BROKEN:
        return text.decode("utf-8", "replace")


def _unread(text: bytes) -> dict[str, Any]:
    """The parameters of a body, and the rest of it as it lies there."""
    try:
        found = msgspec.json.decode(msgspec.json.decode(text, type=str) if text.lstrip()[:1] == b'"' else text, type=dict[str, msgspec.Raw])
    except _BROKEN:
        return {}
    inner = bytes(found.get("body", b""))
    return _unread(inner) if inner[:1] == b"{" else {name: _parsed(bytes(one)) if name in _READ else one for name, one in found.items()}


def _request(body: Any) -> Any:  # noqa: ANN401 -- any JSON value
    while isinstance(body, dict) and isinstance(body.get("body"), dict):
        body = body["body"]
    return body


def _named(prompt: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON value
    return prompt if isinstance(prompt, dict) else {"messages": prompt} if _says(prompt) else {}


def _measured(held: Any, reading: Reading, *, is_cut: bool) -> dict[str, Any]:  # noqa: ANN401 -- any JSON value
    found: dict[str, Any] = dict.fromkeys(PROMPT)
    # Parameters alone are no prompt: their hash would make calls repeats of each other that are none.
    given = held if isinstance(held, dict) else {"messages": held}
    parts = {name: one for name, one in given.items() if name in _PARTS and _says(one)}
    if is_cut or reading.prompt_key is None or not parts:
        return found
    conversation = _conversation(held)
    messages = [_ENCODER.encode(one) for one in conversation or ()]
    texts = {name: _list(messages) if one is conversation else _ENCODER.encode(one) for name, one in parts.items()}
    found["prompt_hash"] = _hash(next(iter(texts.values())) if len(texts) == 1 else _object(texts), reading.prompt_key)
    if conversation is not None:
        found |= _told_apart(given, conversation, messages, texts, reading.prompt_key)
    return found


def _told_apart(
    given: Mapping[str, Any], conversation: Sequence[Any], messages: Sequence[bytes], texts: Mapping[str, bytes], key: bytes
) -> dict[str, Any]:
    """The beginning's hash, its share and that of the context; messages and parts come as JSON, too."""
    leading = next((n for n, one in enumerate(conversation) if _role(one) not in _INSTRUCTING), len(conversation))
    # What an application asks without a user is asked as its last message.
    leading = min(leading, len(conversation) - 1)
    begin = {name: _ENCODER.encode(one) for name, one in given.items() if name in _TOOLS and _says(one)}
    begin |= {name: texts[name] for name in _SYSTEM if name in texts}
    begin |= {"messages": _list(messages[:leading])} if leading else {}
    prefix = _object(begin) if begin else b""
    sizes = [len(text.decode()) for text in (prefix, _list(messages[leading:-1]), _list(messages[-1:]))]
    total = Decimal(sum(sizes))
    ratios = [(Decimal(size) / total).quantize(_MILLIONTHS) for size in sizes[:2]]
    return {"prefix_hash": _hash(prefix, key) if prefix else None, "prefix_ratio": ratios[0], "context_ratio": ratios[1]}


@lru_cache(maxsize=1)
def _hasher(key: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(key=hashlib.blake2b(key).digest(), digest_size=16)


def _hash(text: bytes, key: bytes) -> str:
    hasher = _hasher(key).copy()
    hasher.update(text)
    return hasher.hexdigest()


def _list(texts: Sequence[bytes]) -> bytes:
    """JSON of a list, nothing where it is empty."""
    return b"[" + b",".join(texts) + b"]" if texts else b""


def _object(texts: Mapping[str, bytes]) -> bytes:
    """JSON of an object, in the spelling of the encoder."""
    return b"{" + b",".join(b'"%b":%b' % (name.encode(), text) for name, text in sorted(texts.items())) + b"}"


def _conversation(held: Any) -> Sequence[Any] | None:  # noqa: ANN401 -- any JSON value
    """The messages in their order; None where the prompt is not told apart into any."""
    if not isinstance(held, dict):
        return held if isinstance(held, list) and held and all(map(_role, held)) else None
    found = _first(held, _CONVERSATION)
    if isinstance(found, str):
        # Bare text behind instructions of its own is the one message there is.
        return [found] if _first(held, _SYSTEM) is not None else None
    return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else None


def _role(message: Any) -> str | None:  # noqa: ANN401 -- any JSON value
    role = message.get("role") if isinstance(message, dict) else None
    return role if isinstance(role, str) else None
