"""A block of a derivative at the entries of its diagonal alone, without the rest of it being formed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnc.autodiff.blocks import Block
from rnnc.autodiff.restructured import TAKEN
from rnnc.ops.formula import UNIT, Operand
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Contract, Pointwise, Products, Term


def at_rows(x: Extension, block: Block, mapped: Mapping[str, str]) -> Block:
    """The block with each column label of `mapped` standing for the row that it names."""
    if block.table is not None:
        return at_rows(x, _spread(x, block), {".c0": mapped[TAKEN]})
    columns = tuple(mapped.get(c, c) for c in block.columns)
    return replace(block, columns=columns, reads=tuple(_diagonal(x, r, mapped) for r in block.reads))


def _diagonal(x: Extension, read: Access, mapped: Mapping[str, str]) -> Access:
    """What is read, where labels agree that stand for one row."""
    renamed = replace(read, dims=tuple(mapped.get(d, d) if isinstance(d, str) else d for d in read.dims))
    labels = tuple(dict.fromkeys(d for d in renamed.dims if isinstance(d, str)))
    if len(labels) == sum(isinstance(d, str) for d in renamed.dims):
        return renamed
    sizes = x.sizes((read,))
    shape = tuple(next(z for d, z in sizes.items() if mapped.get(d, d) == label) for label in labels)
    name = x.make(f"diagonal({read.name})", shape, Contract(), (renamed,), labels)
    return x.here(name, labels)


def _spread(x: Extension, block: Block) -> Block:
    """A block that is read by a table of columns, as a matrix."""
    assert block.table is not None
    row, _ = block.table.dims
    sizes = x.sizes(block.reads)
    size = sizes[str(row)]
    ones = x.add("ones", (), False, (size,), Pointwise(UNIT), (), (".r0",))
    same = (Term(1, (".r0", ".r0")),)
    unit = x.add("identity", (), False, (size, size), Products(same), (x.here(ones, (".r0",)),), (".r0", ".c0"))
    terms = (Term(len(block.reads) + 2, (str(row), ".c0"), taken=TAKEN),)
    reads = (*block.reads, block.table, x.here(unit, (TAKEN, ".c0")))
    name = x.make("d(spread)", (size, size), Products(terms), reads, (str(row), ".c0"))
    return Block((".c0",), Operand(0), (x.here(name, (str(row), ".c0")),))
