"""A block of a derivative at the entries of its diagonal alone, without the rest of it being formed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnc.autodiff.blocks import Block
from rnnc.autodiff.restructured import TABLE, TAKEN
from rnnc.ops.formula import UNIT, Formula, Operand, Operation, product_of
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Contract, Pointwise, Products, Term


def at_rows(x: Extension, block: Block, mapped: Mapping[str, str]) -> Block:
    """The block with each column label of `mapped` standing for the row that it names."""
    if block.table is not None:
        return _own_entries(x, block, block.table, mapped[TAKEN])
    columns = tuple(mapped.get(c, c) for c in block.columns)
    return replace(block, columns=columns, reads=tuple(_diagonal(x, r, mapped) for r in block.reads))


def _diagonal(x: Extension, read: Access, mapped: Mapping[str, str]) -> Access:
    """What is read, where labels agree that stand for one row."""
    renamed = replace(read, dims=tuple(mapped.get(d, d) if isinstance(d, str) else d for d in read.dims))
    labels = tuple(dict.fromkeys(d for d in renamed.dims if isinstance(d, str)))
    if len(labels) == sum(isinstance(d, str) for d in renamed.dims):
        return renamed
    sizes = {mapped.get(d, d): z for d, z in x.sizes((read,)).items()}
    shape = tuple(sizes[label] for label in labels)
    name = x.make(f"diagonal({read.name})", shape, Contract(), (renamed,), labels)
    return x.here(name, labels)


def _own_entries(x: Extension, block: Block, table: Access, row: str) -> Block:
    """A block that is read by a table of columns, where the table names the row itself. What has no columns stays a
    factor, so that of a sparse weight the matrix is formed once and not for every step."""
    factors = [part for read in block.reads for part in _factors(x, read)]
    rest = tuple(f for f in factors if TABLE not in f.dims)
    named = tuple(f for f in factors if TABLE in f.dims)
    size = x.sizes((table,))[row]
    ones = x.add("ones", (), False, (size,), Pointwise(UNIT), (), (row,))
    same, labels = (Term(1, (row, row)),), (row, TAKEN)
    unit = x.add("identity", (), False, (size, size), Products(same), (x.here(ones, (row,)),), labels)
    terms = (Term(len(named) + 2, (row, ".c"), taken=TAKEN),)
    spread = x.make("spread", (size, size), Products(terms), (*named, table, x.here(unit, (TAKEN, ".c"))), (row, ".c"))
    reads = (*rest, _diagonal(x, x.here(spread, (row, ".c")), {".c": row}))
    return Block((row,), product_of(len(reads)), reads)


def _factors(x: Extension, read: Access) -> tuple[Access, ...]:
    """What a value that is a plain product is the product of; else the value."""
    e = x.equations.get(read.name)
    if e is None or not isinstance(e.op, Pointwise) or not _product(e.op.formula, len(e.reads)):
        return (read,)
    names: dict[str | int, str | int] = dict(zip(e.dims, read.dims, strict=True))
    return tuple(replace(r, dims=tuple(names.get(d, d) for d in r.dims)) for r in e.reads)


def _product(formula: Formula, count: int) -> bool:
    """Whether a formula multiplies its operands, each once."""
    waiting: list[Formula] = [formula]
    found: list[int] = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Operation) and node.op == "*":
            waiting.extend(node.args)
        elif isinstance(node, Operand):
            found.append(node.index)
        else:
            return False
    return sorted(found) == list(range(count))
