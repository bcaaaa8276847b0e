"""Predictions row by row, as a table or JSON lines come in: the network's state is all that is kept."""

from __future__ import annotations

import csv
import inspect
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.fields import DataError, Field, fields_of
from rnnc.runtime.data.read_csv import Cells
from rnnc.runtime.data.read_jsonl import field_value, parsed
from rnnc.runtime.network import UnfitNetwork, why_whole

Array = NDArray[Any]
NAME = "standard input"


class Steps:
    """A network run step by step, from the start again with every new sequence."""

    def __init__(self, module: Any, p: Mapping[str, Array]) -> None:
        if not hasattr(module, "step"):
            raise UnfitNetwork(f"the network {why_whole(module)}, so it cannot run row by row: give a file with --data")
        self._module, self._p = module, p
        self.fields = fields_of(module, targets=False)
        self._shapes = module.data_shapes(**p.sizes)  # type: ignore[attr-defined]
        self._still: dict[str, Any] = {}
        self._state: Any = None

    def check(self, field: Field, value: Array, where: str) -> Array:
        """The value of a field at one step, of the network's units and tokens. DataError names what is wrong."""
        units, vocabulary = self._shapes[field.name]
        if value.shape != tuple(units):
            raise DataError(f"{where}: {field} has units {value.shape}, the network {tuple(units)}")
        if vocabulary and not 0 <= int(value) < vocabulary:
            raise DataError(f"{where}: {field} is {int(value)}, expected a token 0 to {vocabulary - 1}")
        return value

    def begin(self, still: Mapping[str, Array]) -> None:
        """A new sequence; `still` are its inputs without an axis, by keyword."""
        self._still = {name: value[None] for name, value in still.items()}
        takes = inspect.signature(self._module.start).parameters
        given = {name: value for name, value in self._still.items() if name in takes}
        self._state = self._module.start(self._p, batch=1, **given)

    def step(self, moving: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs at one step."""
        given = {name: value[None] for name, value in moving.items()}
        out, self._state = self._module.step(self._p, self._state, **given, **self._still)
        return {name: np.asarray(out[f"{name}_" if name == "state" else name])[0] for name in self._module.OUTPUTS}


def stream(module: Any, p: Mapping[str, Array], source: TextIO, sink: TextIO) -> None:
    """A row out for every row in, at once. The first line says which form: one that begins with `{` is JSON.

    As .csv: a line of names, then rows as in a file. As JSON: an object a step, {"x": [1, 2]}, with "sequence"
    where there are several. DataError names the line of a mistake; rows before it have been answered.
    """
    steps = Steps(module, p)
    lines = _lines(source)
    first = next(lines, None)
    if first is None:
        raise DataError(f"{NAME}: there is nothing")
    if first[1].lstrip().startswith("{"):
        _objects(steps, first, lines, sink)
    else:
        _table(steps, first[1], lines, sink)


def _lines(source: TextIO) -> Iterator[tuple[int, str]]:
    try:
        for number, line in enumerate(source, 1):
            if line.strip():
                yield number, line
    except UnicodeDecodeError as error:
        raise DataError(f"{NAME}: not UTF-8 text: {error.reason}") from None


def _cells(line: str, number: int) -> list[str]:
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise DataError(f"{NAME}:{number}: {error}") from None


def _table(steps: Steps, header: str, lines: Iterator[tuple[int, str]], sink: TextIO) -> None:
    cells = Cells(_cells(header.lstrip("\ufeff"), 1), steps.fields, NAME)
    current, begun, named = "", False, False
    seen: set[str] = set()
    for number, line in lines:
        row = _cells(line, number)
        label = row[cells.sequence].strip() if cells.sequence is not None and cells.sequence < len(row) else ""
        fresh = not begun or label != current
        values: dict[str, Any] = {}
        for field in steps.fields:
            if field.axes or fresh:
                kind = np.int64 if field.token else np.float64
                read = np.array(cells.values(row, field, number), kind)
                value = read if field.units else read[0]
                values[field.keyword] = steps.check(field, np.asarray(value), f"{NAME}:{number}")
        if fresh:
            if label in seen:
                raise DataError(f"{NAME}:{number}: sequence `{label}` goes on after another began")
            seen.add(label)
            steps.begin({f.keyword: values.pop(f.keyword) for f in steps.fields if not f.axes})
            current, begun = label, True
        out = steps.step(values)
        if not named:
            sink.write(_row([*(["sequence"] * (cells.sequence is not None)), *_names(out)]))
            named = True
        sink.write(
            _row([*([label] * (cells.sequence is not None)), *(str(v) for a in out.values() for v in a.ravel())])
        )
        sink.flush()


def _objects(steps: Steps, first: tuple[int, str], lines: Iterator[tuple[int, str]], sink: TextIO) -> None:
    current: Any = None
    begun = False
    for number, line in _chain(first, lines):
        where = f"{NAME}:{number}"
        record = parsed(line, where)
        label = record.get("sequence")
        fresh = not begun or label != current
        values = {}
        for field in steps.fields:
            if field.axes or fresh:
                alone = Field(field.name, field.role, (), field.units, field.token)
                values[field.keyword] = steps.check(field, field_value(record, alone, where), where)
        if fresh:
            steps.begin({f.keyword: values.pop(f.keyword) for f in steps.fields if not f.axes})
            current, begun = label, True
        named = {"sequence": label} if "sequence" in record else {}
        out = {name: json.loads(_numbers(array)) for name, array in steps.step(values).items()}
        sink.write(json.dumps({**named, **out}) + "\n")
        sink.flush()


def _chain(first: tuple[int, str], rest: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from rest


def _numbers(array: Array) -> str:
    """Nested lists with as few digits as tell the numbers apart."""
    if array.ndim:
        return "[" + ", ".join(_numbers(part) for part in array) + "]"
    return str(array)


def _names(out: Mapping[str, Array]) -> list[str]:
    return [f"{name}.{'.'.join(map(str, index))}" for name, array in out.items() for index in np.ndindex(array.shape)]


def _row(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
