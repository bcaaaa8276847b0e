"""A derivative of one value by another as blocks, in labels."""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.ops.formula import Formula, Operand, operands, substitute
from rnnc.sizes import Shape
from rnnc.system.forms import Access


@dataclass(frozen=True)
class Block:
    """d s / d v at the labels `columns` of v and the rows of s: `formula` over `reads`. `factors` are multiplied to it;
    they are kept apart where the block belongs to a leaf.

    With `table`, v is read by a table of columns (a sparse connection): the block is in the labels of what was taken,
    those of `table`, which says the entry of v at each."""

    columns: tuple[str, ...]
    formula: Formula
    reads: tuple[Access, ...]
    factors: tuple[Access, ...] = ()
    table: Access | None = None


Blocks = dict[str, tuple[Block, ...]]


def rows_of(shape: Shape) -> tuple[str, ...]:
    """The labels of the rows of a derivative."""
    return tuple(f".r{k}" for k in range(len(shape)))


def columns_of(shape: Shape) -> tuple[str, ...]:
    """A leaf's own labels."""
    return tuple(f".c{k}" for k in range(len(shape)))


def renumbered(formula: Formula, reads: tuple[Access, ...]) -> tuple[Formula, tuple[Access, ...]]:
    """The formula and only the reads that it has."""
    used = operands(formula)
    return substitute(formula, {k: Operand(i) for i, k in enumerate(used)}), tuple(reads[k] for k in used)
