"""How long the blocks of `hybrid` are where nobody says: so long that carrying influences over from block to block
takes a fifth of all multiply-adds, not many more than if the whole sequence were one block, while what a block holds is
of the order of the influences themselves."""

from __future__ import annotations

from collections.abc import Mapping

from rnnc.learning.forms import Blockwise
from rnnc.sizes import Size, number
from rnnc.system.extension import Extension
from rnnc.system.forms import Products

SHARE = 4
"""Multiply-adds of a block's steps for one that carries influences over its start."""

LEAST = 32
"""Steps of a block whose work is small beside that of calling for it."""

MOST = 256
"""Steps of a block where nothing is carried over but states."""


def steps_of(found: Blockwise, sizes: Mapping[str, int]) -> int:
    """How many steps a block has for these sizes."""
    block, step = work(found)
    return max(LEAST, -(-SHARE * int(block.value(sizes)) // int(step.value(sizes)))) if step.terms else MOST


def work(found: Blockwise) -> tuple[Size, Size]:
    """Multiply-adds of one sequence: of a block whatever its length, and of each of its steps."""
    x = Extension(found.system)
    before = {name for a in found.across for name in a.before}
    block = step = Size.of(0)
    for e in found.system.equations:
        first = 0
        for term in e.op.terms if isinstance(e.op, Products) else ():
            reads = e.reads[first : first + term.reads]
            first += term.reads
            product = number(x.sizes(reads).values())
            if any(r.name in before for r in reads):
                block = block + product
            elif any(a.anchor == "here" for r in reads for a in r.at):
                step = step + product
    return block, step
