"""Short hashes: what a file was made from is told by them."""

import hashlib
import json


def digest(value: object) -> str:
    """Short hash of a JSON value."""
    return digest_of(json.dumps(value, separators=(",", ":")))


def digest_of(text: str) -> str:
    """The same of a JSON value that is text already."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
