"""Runs taken apart into what a thread computes: one value of one element, or a clear of it, on some rows of a stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rnnc.emit.section import SectionWriter
from rnnc.emit.views import Names
from rnnc.ops.formula import ZERO, Formula, Operand, product_of
from rnnc.program.forms import Clear, Kernel, Step
from rnnc.sizes import Shape, Size
from rnnc.system.forms import Access, Concat, Equation, Pointwise, Slice

NONE = Size.of(0)
MOST_ROWS = 8
"""Blocks of rows that one thread computes: the gates of a cell, the parts of a stack."""


@dataclass(frozen=True)
class Piece:
    """`formula` of `reads` into `out` (labelled `dims`), or what a clear puts there, on `rows` rows of the first unit
    dimension from `first` on (None: there is no such dimension). A read has its row `shift` further on.
    `equation` is where it comes from."""

    out: str
    dims: tuple[str, ...]
    formula: Formula
    reads: tuple[Access, ...]
    equation: Equation | None = None
    first: Size = NONE
    rows: Size | None = None
    shift: Size = NONE

    @property
    def clears(self) -> bool:
        """Whether it only clears what is past a sequence's end."""
        return self.equation is None


Space = tuple[tuple[str, ...], bool, Shape]


def space(names: Names, piece: Piece) -> Space:
    """What a launch has an element for: axes, batch, unit shape with the rows that are meant."""
    v = names.values[piece.out]
    return (v.axes, v.batched, v.shape if piece.rows is None else (piece.rows, *v.shape[1:]))


def pieces(section: SectionWriter, statement: Kernel | Clear | Step) -> Iterator[Piece]:
    """A statement of a run, in order; rows that lie where they belong already take none."""
    if isinstance(statement, Clear):
        v = section.names.values[statement.value]
        if v.batched:
            labels = tuple(f".i{k}" for k in range(len(v.shape)))
            yield _whole(section.names, Piece(v.name, labels, ZERO, ()))
    elif isinstance(statement, Kernel):
        for e in statement.equations:
            assert isinstance(e.op, Pointwise)
            yield _whole(section.names, Piece(e.out, e.dims, e.op.formula, e.reads, e))
    else:
        yield from _moved(section, statement.equation)


def _whole(names: Names, piece: Piece) -> Piece:
    shape = names.values[piece.out].shape
    return replace(piece, rows=shape[0]) if shape else piece


def _moved(section: SectionWriter, e: Equation) -> Iterator[Piece]:
    if isinstance(e.op, Concat):
        at = NONE
        for size, index in e.op.parts:
            if index is None:
                yield Piece(e.out, e.dims, ZERO, (), e, at, size)
            elif not section.steps.in_place(e, index, at, size):
                read = _relabelled(e.reads[index], e.dims)
                yield Piece(e.out, e.dims, Operand(0), (read,), e, at, size, NONE - at)
            at = at + size
    elif isinstance(e.op, Slice):
        if not section.steps.rows_of(e, e.reads[0].name):
            piece = Piece(e.out, e.dims, Operand(0), (_relabelled(e.reads[0], e.dims),), e, shift=e.op.start)
            yield _whole(section.names, piece)
    else:
        yield _whole(section.names, Piece(e.out, e.dims, product_of(len(e.reads)), e.reads, e))


def _relabelled(r: Access, labels: tuple[str, ...]) -> Access:
    """The read with the output's labels on its dimensions, first to first."""
    own = iter(labels)
    return Access(r.name, r.at, tuple(next(own) if isinstance(d, str) else d for d in r.dims))


def unit_rows(a: Size | None, b: Size | None) -> Size | None:
    """The rows of which both are whole numbers, one of them once; None where there are none such."""
    if a is None or b is None:
        return None
    for k in range(1, MOST_ROWS + 1):
        if a == b * Size.of(k):
            return b
        if b == a * Size.of(k):
            return a
    return None


def split(piece: Piece, rows: Size) -> tuple[Piece, ...]:
    """The piece a block of `rows` at a time."""
    blocks = next(k for k in range(1, MOST_ROWS + 1) if piece.rows == rows * Size.of(k))
    return tuple(replace(piece, first=piece.first + rows * Size.of(k), rows=rows) for k in range(blocks))
