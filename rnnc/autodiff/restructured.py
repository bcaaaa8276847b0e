"""Blocks behind operations that only move entries: slices, concatenations, reshapes and tables of columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rnnc.autodiff.blocks import Block, columns_of
from rnnc.ops.formula import Operand
from rnnc.sizes import Size
from rnnc.system import forms as s

if TYPE_CHECKING:
    from rnnc.autodiff.jacobian import Jacobian

TABLE, TAKEN = ".k", ".t"
"""The label of a table's columns, and of the entries that it names."""

Passed = Iterator[tuple[str, Block]]


def _behind(jac: Jacobian, e: s.Equation, read: s.Access, op: s.Op, laid: tuple[s.Access, ...]) -> tuple[str, Block]:
    """The block of `read` that one operation on the laid out block of the result gives."""
    shape = jac.x.values[read.name].shape
    dims = (*columns_of(shape), *jac.rows)
    name = jac.x.make(f"d({jac.root})/d({read.name})", (*shape, *jac.shape), op, laid, dims)
    return read.name, Block(columns_of(shape), Operand(0), (jac.x.here(name, dims),))


def sliced(jac: Jacobian, e: s.Equation, op: s.Slice, block: Block) -> Passed:
    read = e.reads[0]
    if not jac.reached(read.name):
        return
    whole = jac.x.values[read.name].shape[0]
    parts: list[tuple[Size, int | None]] = [(op.stop - op.start, 0)]
    if op.start != Size.of(0):
        parts.insert(0, (op.start, None))
    if op.stop != whole:
        parts.append((whole - op.stop, None))
    yield _behind(jac, e, read, s.Concat(tuple(parts)), (jac.laid(block, e.out),))


def concat(jac: Jacobian, e: s.Equation, op: s.Concat, block: Block) -> Passed:
    laid = jac.laid(block, e.out)
    start = Size.of(0)
    for size, index in op.parts:
        if index is not None and jac.reached(e.reads[index].name):
            read = e.reads[index]
            if jac.x.values[read.name].shape:
                yield _behind(jac, e, read, s.Slice(start, start + size), (laid,))
            else:
                shape = (Size.of(1), *jac.shape)
                dims = (".c0", *jac.rows)
                base = f"d({jac.root})/d({read.name})"
                name = jac.x.make(base, shape, s.Slice(start, start + size), (laid,), dims)
                yield read.name, Block((), Operand(0), (jac.x.here(name, (0, *jac.rows)),))
        start = start + size


def reshape(jac: Jacobian, e: s.Equation, block: Block) -> Passed:
    if jac.reached(e.reads[0].name):
        yield _behind(jac, e, e.reads[0], s.Reshape(), (jac.laid(block, e.out),))


def untaken(jac: Jacobian, e: s.Equation, block: Block) -> Passed:
    vector, table = e.reads
    if not jac.reached(vector.name):
        return
    row, column = block.columns
    if vector.name in jac.leaves and row in jac.rows and column not in jac.rows:
        named = s.Access(table.name, table.at, (row, TABLE))
        reads = tuple(_taken(r, column) for r in jac.coefficient(block, e.out))
        yield vector.name, replace(block, columns=(TAKEN,), formula=Operand(0), reads=reads, table=named)
        return
    laid = jac.laid(block, e.out)
    columns = s.Access(table.name, table.at, laid.dims[:2])
    yield _behind(jac, e, vector, s.Untake(), (laid, columns))


def _taken(read: s.Access, column: str) -> s.Access:
    return replace(read, dims=tuple(TABLE if d == column else d for d in read.dims))
