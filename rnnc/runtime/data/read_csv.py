""".csv: a line of names, then a row a step; `x.0`, `x.1` for the units of `x`, `sequence` where there are several.

Rows of a sequence follow one another and have one value in the column `sequence`. An empty cell of a target is a
missing one. A field without an axis stands in the first row of its sequence; of a network without any axis, every row
is one.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rnnc.runtime.data.columns import Column, EndToEnd
from rnnc.runtime.data.fields import Axes, DataError, Field
from rnnc.runtime.data.mapped import Spool
from rnnc.runtime.data.misnamed import check_unused
from rnnc.runtime.data.sequences import Place, Sequences, all_of

SEQUENCE = "sequence"


class Cells:
    """Where the fields stand in the rows of a file with this first line; reads a row."""

    def __init__(self, header: list[str], fields: tuple[Field, ...], name: str) -> None:
        self.fields, self.name = fields, name
        self.header = [cell.strip() for cell in header]
        for sign, title in ((";", "`;`"), ("\t", "tabs")):
            if len(header) == 1 and sign in header[0]:
                raise DataError(f"{name}:1: the names stand between {title}; cells are separated by commas")
        for cell in self.header:
            if self.header.count(cell) > 1:
                raise DataError(f"{name}:1: two columns are called `{cell}`")
        self.places = {field.name: self._places(field) for field in fields}
        named = any(field.name == SEQUENCE for field in fields)
        self.sequence = self.header.index(SEQUENCE) if SEQUENCE in self.header and not named else None
        used = {place for places in self.places.values() for place in places} | {self.sequence}
        self.unused = tuple(cell for k, cell in enumerate(self.header) if k not in used)
        check_unused(self.unused, (SEQUENCE,), self.header, f"{name}:1")

    def _places(self, field: Field) -> list[int]:
        """The columns of a field: `x`, or `x.0`, `x.1` to its last unit."""
        if len(field.units) > 1:
            raise DataError(f"{self.name}: {field} has {len(field.units)} unit dimensions; a .csv row has one")
        if not field.units or (field.scalar and field.name in self.header):
            numbered = [field.name] if field.name in self.header else []
        else:
            last = [cell[len(field.name) + 1 :] for cell in self.header if cell.startswith(f"{field.name}.")]
            numbers = sorted(int(n) for n in last if n.isascii() and n.isdigit())
            numbered = [f"{field.name}.{k}" for k in range(len(numbers))]
            for cell in numbered:
                if cell not in self.header:
                    raise DataError(f"{self.name}:1: {field} has no column `{cell}`, but `{field.name}.{numbers[-1]}`")
        if not numbered:
            form = f"`{field.name}`" if not field.units or field.scalar else f"`{field.name}.0`, `{field.name}.1`, …"
            have = ", ".join(f"`{cell}`" for cell in self.header)
            raise DataError(f"{self.name}:1: {field} has no column; expected {form}, found {have}")
        return [self.header.index(cell) for cell in numbered]

    def values(self, row: list[str], field: Field, line: int) -> list[float]:
        """The numbers of a field in a row. DataError names line and column of a cell that is none."""
        if len(row) != len(self.header):
            raise DataError(f"{self.name}:{line}: {len(row)} cells, the first line has {len(self.header)}")
        return [self._number(row[place], place, field, line) for place in self.places[field.name]]

    def _number(self, cell: str, place: int, field: Field, line: int) -> float:
        where = f"{self.name}:{line}: column `{self.header[place]}`"
        if not cell.strip():
            if field.target:
                return -1 if field.token else math.nan
            raise DataError(f"{where} is empty; an input is needed at every step")
        try:
            # Python reads 1_000 as a number, tables do not mean it so.
            if "_" in cell:
                raise ValueError
            value = int(cell) if field.token else float(cell)
        except ValueError:
            kind = "no token, a whole number" if field.token else "no number"
            raise DataError(f"{where}: `{cell[:40]}` is {kind}") from None
        if not field.token and (math.isinf(value) or (math.isnan(value) and not field.target)):
            raise DataError(f"{where} is {value}")
        if field.token and not -(2**63) <= value < 2**63:
            raise DataError(f"{where}: `{cell[:40]}` is no token")
        return value


def read_csv(path: Path, fields: tuple[Field, ...], axes: Axes) -> Sequences:
    """The sequences of a file, read once from its first line to its last; DataError names line and column."""
    if axes.several:
        raise DataError(f"{path}: a .csv has one axis, the network several; use .npz or .jsonl")
    rows = rows_of(path)
    header = next(rows, None)
    if header is None:
        raise DataError(f"{path}: the file is empty")
    cells = Cells(header[1], fields, str(path))
    spools = {field.name: Spool(np.int64 if field.token else np.float64) for field in fields}
    lines = Spool(np.int64)
    lengths: list[int] = []
    seen: set[str] = set()
    current: str | None = None
    for line, row in rows:
        label = row[cells.sequence].strip() if cells.sequence is not None and cells.sequence < len(row) else ""
        first = not lengths or label != current or not axes.names
        if first:
            if label in seen and axes.names:
                raise DataError(
                    f"{path}:{line}: sequence `{label}` goes on after another began; keep its rows together"
                )
            seen.add(label)
            current = label
            lengths.append(0)
        lengths[-1] += 1
        lines.add(np.array(line), 1)
        for field in fields:
            values = cells.values(row, field, line) if first or field.axes or _given(cells, row, field) else None
            if values is None:
                continue
            if first or field.axes:
                spools[field.name].add(np.array(values), 1)
            else:
                raise DataError(f"{path}:{line}: {field} has no axis: it stands in the first row of a sequence alone")
    if not lengths:
        raise DataError(f"{path}: there is no row after the names")
    return _sequences(path, cells, spools, lines, lengths, axes)


def rows_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row that is not blank; DataError where the file is no table of text."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            try:
                for row in reader:
                    if row:
                        yield reader.line_num, row
            except csv.Error as error:
                raise DataError(f"{path}:{reader.line_num}: {error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text: {error.reason}") from None


def _given(cells: Cells, row: list[str], field: Field) -> bool:
    return any(place < len(row) and row[place].strip() for place in cells.places[field.name])


def _sequences(
    path: Path, cells: Cells, spools: dict[str, Spool], lines: Spool, counts: list[int], axes: Axes
) -> Sequences:
    lengths = np.array(counts, dtype=np.int64)
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    single = np.arange(len(lengths))
    columns: dict[str, Column] = {}
    for field in cells.fields:
        units = (len(cells.places[field.name]),) if field.units else ()
        mapped = spools[field.name].finish(units)
        if field.axes:
            columns[field.name] = EndToEnd(mapped, begins, lengths[:, None])
        else:
            columns[field.name] = EndToEnd(mapped, single, np.zeros((len(lengths), 0), np.int64))
    line = lines.finish()

    def where(sequence: int, position: Place) -> str:
        return f"line {line.array[int(begins[sequence]) + (position[0][1] if position else 0)]}"

    picks = all_of(len(lengths), str(path))
    return Sequences(
        str(path),
        cells.fields,
        columns,
        picks,
        dict.fromkeys(axes.names, lengths),
        np.zeros_like(picks),
        where,
        cells.unused,
    )
