"""Manifests: files that say what other files must hold.

Azure Cost Management (`blobs[].blobName`, `dataRowCount`), Langfuse blob exports (`files[].key`, `rowCount`), AWS Data Exports
(`dataFiles[]`; its keys are not verified, so only the names are heeded), and one of meterbook's own for any export:
`{"meterbook_manifest": 1, "files": [{"name": "spend.jsonl", "rows": 120, "sums": {"spend_usd": "12.50"}}]}`.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ledger import Listed

LARGEST = 2**20
_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def listed(content: Content) -> list[Listed] | None:
    """What a manifest lists; None where the file is no manifest.

    Raises:
        FileRefused: a manifest that cannot be read.
    """
    if content.is_parquet or not content.head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") or len(content.head) > LARGEST:
        return None
    try:
        found = _DECODER.decode(content.head.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        return None
    try:
        return _listed(found)
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise FileRefused(f"is a manifest that cannot be read: {type(error).__name__} {error}") from error


def _listed(found: Mapping[str, Any]) -> list[Listed] | None:
    if found.get("meterbook_manifest") == 1:
        return [Listed(one["name"], _count(one.get("rows")), _sums(one.get("sums") or {})) for one in found["files"]]
    if "blobs" in found and "exportConfig" in found:
        return list(_azure(found))
    if "files" in found and "exportSource" in found:
        return [Listed(str(one["key"]), _count(one.get("rowCount"))) for one in found["files"]]
    if "dataFiles" in found and "exportArn" in found:
        return [Listed(str(name)) for name in found["dataFiles"]]
    return None


def _azure(found: Mapping[str, Any]) -> Iterator[Listed]:
    blobs = found["blobs"]
    for one in blobs:
        rows = one.get("dataRowCount")
        # A run of one blob has the count of the run.
        yield Listed(str(one["blobName"]), _count(found.get("dataRowCount") if rows is None and len(blobs) == 1 else rows))


def _count(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError(f"{value} is not a count of rows")


def _sums(sums: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): f"{Decimal(str(total)):f}" for name, total in sums.items()}
