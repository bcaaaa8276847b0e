"""How many rows the blocks of `hybrid` have along several axes where nobody says: so many that taking influences over
from block to block needs a fifth of all multiply-adds."""

from __future__ import annotations

from rnnc.autodiff.widened import EACH
from rnnc.learning.forms import Rowwise
from rnnc.learning.rowwise import ENTRIES
from rnnc.sizes import Size, number
from rnnc.system.extension import Extension
from rnnc.system.forms import Contract

SHARE = 4
"""Multiply-adds of a block's rows for one that takes influences over."""

LEAST = 8
"""Rows of a block whose work is small beside that of calling for it."""

MOST = 256
"""Rows of a block where nothing is handed on but states."""


def along(axis: str) -> Size:
    """The positions of an axis."""
    return Size.named(f"|{axis}|")


def entries(found: Rowwise) -> Size:
    """How many entries of states a block hands on."""
    values = {v.name: v for v in found.block.values}
    states = (values[e.state] for e in found.edges)
    return sum((number((*(along(a) for a in v.axes[1:]), *v.shape)) for v in states), Size.of(0))


def parameters(found: Rowwise) -> Size:
    """How many parameters move them."""
    values = {v.name: v for v in found.block.values}
    return sum((number(values[n].shape) for n, _ in found.own), Size.of(0))


def work(found: Rowwise) -> tuple[Size, Size]:
    """Multiply-adds of one sequence that carry the entries handed on back: over a block's start, whatever its length,
    and over each of its rows; both divided by how many entries there are."""
    if found.ending is None:
        return Size.of(0), Size.of(0)
    x = Extension(found.ending)
    row = Size.of(0)
    for e in found.ending.equations:
        axes = {a.axis for r in e.reads for a in r.at if a.anchor == "here"} | {*x.values[e.out].axes}
        if isinstance(e.op, Contract) and EACH in e.dims and found.axis in axes:
            positions = (along(axis) for axis in axes - {found.axis})
            row = row + number((*x.sizes(e.reads).values(), *positions)) / Size.named(ENTRIES)
    return entries(found) * parameters(found), row
