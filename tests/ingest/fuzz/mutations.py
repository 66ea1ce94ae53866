"""Ways to spoil a file: what real exports, broken disks and ill-meant senders do to one."""

import random
import re
from collections.abc import Callable, Sequence

DEEP = 3_000
VALUES: Sequence[bytes] = (
    b"-1",
    b"9.7",
    b"1e400",
    b"1e-400",
    b"-0",
    b"99999999999999999999999999999999999999999",
    b"0.1234567890123456789012345678901234567890",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"true",
    b"null",
    b"[]",
    b"{}",
    b'""',
    b'"x"',
    b'"NaN"',
    b'"-5"',
    b'"1e999"',
    b'"\\u0000"',
    b'"\\ud800"',
    b'"../../../etc/passwd"',
    b'"=HYPERLINK(1)"',
    b'"1969-12-31T23:59:59Z"',
    b'"2101-01-01T00:00:00Z"',
    b'"9999-12-31T23:59:59.999999Z"',
    b'"0000-00-00"',
    b'"24:61:61"',
    b"-62135596801",
    b"253402300800",
    b"4102444800000",
    b"99999999999999999",
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b"[[{}]]",
    b'{"value": {"value": []}}',
    "\N{COLLISION SYMBOL}".encode(),
)
_TOKEN = re.compile(rb'"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null')
Mutation = Callable[[bytes, random.Random], bytes]


def _value(text: bytes, rng: random.Random) -> bytes:
    found = list(_TOKEN.finditer(text))
    if not found:
        return text
    one = rng.choice(found)
    return text[: one.start()] + rng.choice(VALUES) + text[one.end() :]


def _unquoted(text: bytes, rng: random.Random) -> bytes:
    found = list(re.finditer(rb"[^,|;\s\n]+", text))
    if not found:
        return text
    one = rng.choice(found)
    return text[: one.start()] + rng.choice(VALUES).strip(b'"') + text[one.end() :]


def _twice(text: bytes, rng: random.Random) -> bytes:
    keys = list(re.finditer(rb'"[^"\\\n]+"\s*:', text))
    if not keys:
        return text
    one = rng.choice(keys)
    return text[: one.start()] + one.group() + rng.choice(VALUES) + b"," + text[one.start() :]


def _without_a_key(text: bytes, rng: random.Random) -> bytes:
    pairs = list(re.finditer(rb'"[^"\\\n]+"\s*:\s*("(?:[^"\\\n]|\\.)*"|-?[\d.]+|true|false|null),', text))
    if not pairs:
        return text
    one = rng.choice(pairs)
    return text[: one.start()] + text[one.end() :]


def _bytes(text: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(text) + 1)
    return (
        text[:at]
        + rng.choice((b"\x00", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b'"', b"\\", b"{", b"]", b"\n", b"\r", b",", b"\x1a"))
        + text[at:]
    )


def _flip(text: bytes, rng: random.Random) -> bytes:
    if not text:
        return text
    at = rng.randrange(len(text))
    return text[:at] + bytes([text[at] ^ (1 << rng.randrange(8))]) + text[at + 1 :]


def _cut(text: bytes, rng: random.Random) -> bytes:
    return text[: rng.randrange(len(text) + 1)]


def _lines(text: bytes, rng: random.Random) -> bytes:
    lines = text.split(b"\n")
    at = rng.randrange(len(lines))
    done: Sequence[bytes] = rng.choice(
        (
            lines[:at] + lines[at + 1 :],
            [*lines[:at], lines[at], *lines[at:]],
            rng.sample(lines, len(lines)),
            [*lines, lines[at][: len(lines[at]) // 2]],
        )
    )
    return b"\n".join(done)


MUTATIONS: dict[str, Mutation] = {
    "value": _value,
    "unquoted": _unquoted,
    "key twice": _twice,
    "key gone": _without_a_key,
    "bytes": _bytes,
    "bit": _flip,
    "cut": _cut,
    "lines": _lines,
    "carriage returns": lambda text, _rng: text.replace(b"\n", b"\r\n"),
    "byte order mark": lambda text, _rng: b"\xef\xbb\xbf" + text,
    "utf-16": lambda text, _rng: text.decode("utf-8", "replace").encode("utf-16"),
    "blank lines": lambda text, _rng: text.replace(b"\n", b"\n\n \n"),
    "nothing": lambda _text, _rng: b"",
}


def mutated(text: bytes, names: Sequence[str], seed: int) -> bytes:
    """A sample with some mutations, one after the other."""
    rng = random.Random(seed)  # noqa: S311 -- reproducible, not secret
    for name in names:
        text = MUTATIONS[name](text, rng)
    return text
