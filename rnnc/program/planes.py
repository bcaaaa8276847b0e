"""Which stacks lie in planes: each part whole in memory at every position, one part behind the other.

side by side   f f f o o o g g g     in planes   f f f
               f f f o o o g g g                 f f f
                                                 o o o
                                                 o o o
                                                 g g g
                                                 g g g

A product leaves the parts side by side, a row of all for each sequence. Whatever runs over one part alone then goes
from row to row, which costs NumPy two to five times what memory that is whole does: so a step copies them once, from
rows to planes ahead of the gates, and back to rows behind their adjoints.
"""

from __future__ import annotations

from collections.abc import Mapping

from rnnc.program.lifetimes import Lifetimes, Moment
from rnnc.sizes import Size
from rnnc.system.forms import Concat, Equation, Pointwise, Slice, System, Value


def in_planes(system: System, life: Lifetimes, cleared: tuple[str, ...]) -> dict[str, Size]:
    """The elementwise results of the forward part that a scan makes and reads part by part, and what alone leads to
    them; each with the size of a part. None of the `cleared` is among them."""
    values = {v.name: v for v in system.values}
    outside = {b.name for b in system.borders} | {*life.bordering, *cleared}
    found = {
        name: size
        for name, moment in life.made.items()
        if moment.loops and name not in outside and (size := _part(name, moment, values, life)) is not None
    }
    waiting = list(found)
    while waiting:
        name = waiting.pop()
        for r in life.made[name].equation.reads:
            made = life.made.get(r.name)
            if made is None or r.name in found or r.name in outside or not _stack(made, values):
                continue
            readers = life.readings[r.name]
            if values[r.name].shape == values[name].shape and all(
                x.moment.equation.out in found and x.in_place and x.access.dims == x.moment.equation.dims
                for x in readers
            ):
                found[r.name] = found[name]
                waiting.append(r.name)
    return found


def _stack(moment: Moment, values: Mapping[str, Value]) -> bool:
    """Whether an equation may make planes: entry by entry, a vector for each sequence."""
    v = values[moment.equation.out]
    plain = v.role == "part" and v.kind == "real" and v.batched and len(v.shape) == 1
    own = isinstance(moment.equation.op, Pointwise) and moment.section == "forward" and not moment.conditional
    return plain and own and all(_splits(moment.equation, k, values) for k in range(len(moment.equation.reads)))


def _splits(e: Equation, k: int, values: Mapping[str, Value]) -> bool:
    """Whether a read of `e` can be seen in the planes of what `e` makes."""
    r = e.reads[k]
    if any(at.anchor != "here" or at.high is not None for at in r.at) or values[r.name].role == "position":
        return False
    return r.dims in ((), e.dims)


def _part(name: str, moment: Moment, values: Mapping[str, Value], life: Lifetimes) -> Size | None:
    """The size of the parts that all readers of a stack cut out of it."""
    readings = life.readings.get(name, ())
    if not readings or not _stack(moment, values):
        return None
    whole, sizes = values[name].shape[0], set()
    for r in readings:
        op = r.moment.equation.op
        if not isinstance(op, Slice) or not r.in_place:
            return None
        sizes.add(op.stop - op.start)
    (size, *others) = sizes
    ends = [x for r in readings if isinstance(op := r.moment.equation.op, Slice) for x in (op.start, op.stop)]
    if others or whole == size or any(number_of(x, size) is None for x in (whole, *ends)):
        return None
    return size


def rows_of_planes(moment: Moment, values: Mapping[str, Value]) -> Size | None:
    """The size of the parts, where adjoints that a scan makes one by one are joined there for a product."""
    e = moment.equation
    v = values[e.out]
    if not isinstance(e.op, Concat) or not moment.loops or moment.section != "backward" or moment.conditional:
        return None
    sizes = {size for size, index in e.op.parts if index is not None}
    alone = all(index is not None for _, index in e.op.parts) and len({r.name for r in e.reads}) == len(e.op.parts)
    here = all(r.in_place for r in e.reads)
    if len(sizes) != 1 or len(e.op.parts) < 2 or not alone or not here or not v.batched or len(v.shape) != 1:
        return None
    return sizes.pop()


def number_of(whole: Size, part: Size) -> int | None:
    """How many parts make a size; None where they do not, whatever the sizes are."""
    return 0 if not whole.terms else (whole / part).constant
