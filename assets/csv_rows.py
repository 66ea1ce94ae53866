"""A CSV file of a book, read strictly: each line into a model of settings, each error with file and line."""

import csv
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

Row = TypeVar("Row", bound=BaseModel)


def rows_of(
    path: Path,
    shape: type[Row],
    wrong: type[ValueError],
    *,
    optional: Collection[str] = (),
    clean: Callable[[str], str] = str,
    repair: str = "save it as one",
    remarks: bool = False,
) -> Iterator[tuple[int, Row]]:
    """Every line with its number.

    Args:
        path: the file: CSV by RFC 4180, UTF-8, a header.
        shape: what a line is; its fields are the columns.
        wrong: raised with one line that names file, line and what to do.
        optional: columns the file may lack.
        clean: of each cell, before it is read.
        repair: what to do with a file that is no CSV.
        remarks: whether lines after the header that begin with `#` say nothing.
    """
    columns = list(shape.model_fields)
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            # An empty line is passed over and still counted.
            reader = csv.DictReader(("\n" if remarks and line.startswith("#") else line for line in handle), strict=True)
            names = reader.fieldnames or ()
            if len(set(names)) < len(names) or not set(columns) - set(optional) <= set(names) <= set(columns):
                raise wrong(f"{path}:1: the columns are {','.join(columns)}")
            for row in reader:
                if None in row or None in row.values():
                    raise wrong(f"{path}:{reader.line_num}: has not {len(names)} fields as the header has")
                yield reader.line_num, _read(path, reader.line_num, shape, wrong, {name: clean(cell) for name, cell in row.items()})
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise wrong(f"{path}: is no CSV in UTF-8 ({error}); {repair}") from error


def _read(path: Path, line: int, shape: type[Row], wrong: type[ValueError], row: dict[str, str]) -> Row:
    try:
        return shape.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        raise wrong(f"{path}:{line}: {'.'.join(map(str, first['loc'])) or 'line'}: {first['msg']}") from error
