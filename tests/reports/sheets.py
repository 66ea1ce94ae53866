"""A workbook read back, from its own XML: what a spreadsheet shows, without one."""

import io
import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree as ET

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
Cell = str | float | None


def sheets_of(content: bytes) -> dict[str, list[list[Cell]]]:
    """Rows of every sheet by its name; numbers as floats, as a spreadsheet keeps them."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        names = [sheet.attrib["name"] for sheet in _elements(packed.read("xl/workbook.xml"), "sheet")]
        return {name: _rows(packed.read(f"xl/worksheets/sheet{place}.xml")) for place, name in enumerate(names, 1)}


def formulas_and_links(content: bytes) -> list[str]:
    """Everything a spreadsheet would run or follow."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        found = b"".join(packed.read(name) for name in packed.namelist() if name.startswith("xl/worksheets/"))
    return re.findall(r"<(?:f|hyperlink)[ >].*?>", found.decode())


def _rows(xml: bytes) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for row in _elements(xml, "row"):
        rows.extend([] for _ in range(int(row.attrib["r"]) - len(rows)))
        rows[-1] = [_value(cell) for cell in row.iter(f"{_MAIN}c")]
    return rows


def _elements(xml: bytes, name: str) -> Iterator[ET.Element]:
    return ET.fromstring(xml).iter(f"{_MAIN}{name}")  # noqa: S314 -- of a workbook the test has just written


def _value(cell: ET.Element) -> Cell:
    if cell.attrib.get("t") == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{_MAIN}t"))
    number = cell.find(f"{_MAIN}v")
    return None if number is None or number.text is None else float(number.text)
