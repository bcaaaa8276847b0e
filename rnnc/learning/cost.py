"""What learning forward in time costs a step: the multiply-adds that carry influences on, symbolic in the sizes."""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.learning.forms import Forward
from rnnc.sizes import Size, number
from rnnc.system.extension import Extension
from rnnc.system.forms import Products

NONE = Size.of(0)


@dataclass(frozen=True)
class Cost:
    """For one sequence: `carried`, the multiply-adds of all D J of a step; `dense`, those of a whole Jacobian of all
    states of all delays times all influences on them; `held`, how many numbers the influences of one step are."""

    carried: Size
    dense: Size
    held: Size


def cost(forward: Forward) -> Cost:
    """The cost of a step of `forward`."""
    x = Extension(forward.system)
    names = {h.name for h in forward.held}
    carried = entries = held = NONE
    for h in forward.held:
        e = x.equations[h.name]
        held = held + number(x.values[h.name].shape)
        assert isinstance(e.op, Products)
        sizes = x.sizes(e.reads) | dict(zip(e.dims, x.values[h.name].shape, strict=True))
        first = 0
        for term in e.op.terms:
            reads = e.reads[first : first + term.reads]
            first += term.reads
            if reads and reads[-1].name in names:
                labels = {d for r in reads for d in r.dims if isinstance(d, str)} - {term.taken}
                carried = carried + number(sizes[label] for label in labels)
    delays: dict[str, int] = {}
    for e in x.equations.values():
        for r in e.reads:
            back = max((-a.low for a in r.at), default=0)
            delays[r.name] = max(delays.get(r.name, 0), back)
    for state in dict.fromkeys(h.state for h in forward.held):
        entries = entries + Size.of(delays[state]) * number(x.values[state].shape)
    parameters = dict.fromkeys(p for h in forward.held for p in h.panel.parameters)
    every = NONE
    for name in parameters:
        every = every + number(x.values[name].shape)
    return Cost(carried, entries * entries * every, held)
