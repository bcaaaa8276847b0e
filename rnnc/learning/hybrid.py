"""Real-time recurrent learning in blocks of steps: Schmidhuber (1992), "A fixed size storage O(n^3) time complexity
learning algorithm for fully recurrent continually running networks", Neural Computation 4, exact for every network that
learns forward in time.

Within a block errors go back as by back-propagation through time; what they come to at the states that the block starts
from meets the influences known there, which gives the rest of the gradient. At the block's end those influences are
carried over by one product, and what the block's steps add to them is another (`rnnc.autodiff.ending`): for n units
that see each other O(n^3) multiply-adds a step instead of O(n^4), while what is held does not grow with the sequence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rnnc.autodiff.adjoint import active_values, adjoint
from rnnc.autodiff.blocks import columns_of
from rnnc.autodiff.ending import Across, Ending
from rnnc.autodiff.rules import moves
from rnnc.autodiff.sums import sums
from rnnc.autodiff.tangent import COLUMNS, Held
from rnnc.learning.forms import Blockwise, Rowwise
from rnnc.learning.gradients import learned_parameters, whole
from rnnc.learning.rowwise import rowwise
from rnnc.system.cut import Step, cut
from rnnc.system.extension import Extension
from rnnc.system.forms import FROM_BORDER, Access, Border, Equation, System, Value
from rnnc.system.hoist import hoist
from rnnc.system.needed import needed
from rnnc.system.piecewise import piecewise
from rnnc.system.prune import prune
from rnnc.system.reach import downstream, reached, upstream
from rnnc.system.refine import Refined, refined
from rnnc.system.stepping import stepped


def hybrid(system: System, most: int | None = None) -> Blockwise | Rowwise:
    """The system of one block, with the gradient of its loss through the whole past and the influences at its end;
    where steps go along several axes, a block is of rows (`rnnc.learning.rowwise`).

    Where the loss needs the whole sequence, which is then the only block, that is back-propagation through time.
    Raises `rnnc.autodiff.passing.NotWithinStep` for a network of one axis that it cannot follow;
    `TooMany` where there are more than `most` influences;
    one that reads ahead (`rnnc.system.ahead`) or has no loss must not come here. `rnnc.learning.follow` asks first.
    """
    several = len(stepped(system)) > 1
    rows = rowwise(system) if several else None
    if rows is not None:
        return rows
    blocks = refined(system)
    system, loss = blocks.system, system.loss
    assert loss is not None
    if several:
        return _only(blocks)
    step = cut(system, one_axis=True)
    parameters = learned_parameters(system)
    given = piecewise(system)
    if given is None:
        return _only(blocks)
    lags = _lags(cut(_needed(system, loss)))
    opened, starts = _opened(system, lags)
    reaching = active_values(opened, (*parameters, *starts))
    direct = adjoint(opened, tuple(n for n in (*parameters, *starts) if n in reaching))
    adjoints = dict(direct.gradients)
    x = _extension(system, step, direct, starts)
    active = downstream(step.system, (*parameters, *(c.name for c in step.carried)))
    ending = Ending(x, step, {b.name: b for b in system.borders}, parameters, active, most)
    across = ending.across(_heard(system, loss, lags))
    before = {a.held: a.before for a in across}

    def pairs(h: Held) -> Iterator[tuple[Access, Access]]:
        rows = columns_of(x.values[h.state].shape)
        for start, (state, back) in starts.items():
            if state == h.state and start in adjoints and back <= len(before[h]):
                influence = Access(before[h][back - 1], (), (*rows, COLUMNS))
                yield x.here(adjoints[start], rows), influence

    added = sums(x, (a.held for a in across), pairs, ending.shapes)
    every = whole(system, step, ending, adjoints, added)
    passed = tuple(piece for one in ending.passed.values() for piece in one.names())
    return Blockwise(_block(every, across, given), _opening(every, across, given), across, passed, blocks.names)


def _only(blocks: Refined) -> Blockwise:
    """The whole sequence as the only block."""
    parameters = learned_parameters(blocks.system)
    active = active_values(blocks.system, parameters)
    only = adjoint(blocks.system, tuple(n for n in parameters if n in active))
    return Blockwise(prune(hoist(prune(only))), None, (), (), blocks.names)


def _block(every: System, across: tuple[Across, ...], given: tuple[str, ...]) -> System:
    """What each block computes; `given` are sums over the whole sequence."""
    values = tuple(replace(v, role="given") if v.name in given else v for v in every.values)
    equations = tuple(e for e in every.equations if e.out not in given)
    after = tuple(n for a in across for n in a.after)
    return prune(hoist(prune(replace(every, values=values, equations=equations, kept=after))))


def _opening(every: System, across: tuple[Across, ...], given: tuple[str, ...]) -> System:
    """What is computed before the first block: influences of the starts, and sums over the whole sequence."""
    wanted = (*dict.fromkeys(n for a in across for n in a.starts if n is not None), *given)
    by_out = {e.out: e for e in every.equations}
    inside = needed(by_out, {b.name: b.reads() for b in every.borders}, wanted)
    equations = tuple(e for e in every.equations if e.out in inside)
    read = {*inside, *(r.name for e in equations for r in e.reads)}
    borders = tuple(b for b in every.borders if b.name in read)
    read |= {n for b in borders for n in b.reads()}
    values = tuple(v for v in every.values if v.name in read)
    stacks = tuple(s for s in every.stacks if s.name in read)
    return replace(
        every,
        values=values,
        equations=equations,
        borders=borders,
        stacks=stacks,
        outputs=(),
        loss=None,
        gradients=(),
        kept=wanted,
    )


def _needed(system: System, loss: str) -> System:
    """What the loss needs of the system: influences on what others read of a state are never asked for."""
    inside = upstream(system, (loss,))
    return replace(system, equations=tuple(e for e in system.equations if e.out in inside))


def _lags(step: Step) -> dict[str, int]:
    """How many steps of every state later ones read."""
    found: dict[str, int] = {}
    for c in step.carried:
        found[c.source] = max(found.get(c.source, 0), c.delay)
    return dict(sorted(found.items()))


def _heard(system: System, loss: str, lags: dict[str, int]) -> dict[str, int]:
    """How many steps of every state later ones read so that they move the loss: an influence on what flat functions
    alone read later is never asked for."""
    reads = [(e.out, r) for e in system.equations for k, r in enumerate(e.reads) if moves(e, k)]
    moving = reached((loss,), ((out, r.name) for out, r in reads))
    found: dict[str, int] = {}
    for out, r in reads:
        steps = max((abs(o) for a in r.at for o in (a.low, a.high or 0)), default=0)
        if out in moving and steps and r.name in lags:
            found[r.name] = max(found.get(r.name, 0), steps)
    return dict(sorted(found.items()))


def _opened(system: System, lags: dict[str, int]) -> tuple[System, dict[str, tuple[str, int]]]:
    """The system whose states are given before the first step, and by name which of them how many steps before."""
    x = Extension(system)
    starts: dict[str, tuple[str, int]] = {}
    borders = [b for b in system.borders if b.name not in lags]
    for state, lag in lags.items():
        early = []
        for back in range(1, lag + 1):
            name = x.fresh(f"{state}:before")
            v = x.values[state]
            x.values[name] = Value(name, "input", (), v.batched, v.shape, v.kind)
            starts[name] = (state, back)
            early.append((back, name))
        borders.append(Border(state, ("low",), None, tuple(early)))
    return replace(system, values=tuple(x.values.values()), borders=tuple(borders)), starts


def _extension(system: System, step: Step, direct: System, starts: dict[str, tuple[str, int]]) -> Extension:
    """The step with the adjoints of its block."""
    made = {e.out for e in system.equations}
    x = Extension(step.system)
    x.values |= {v.name: v for v in direct.values if v.name not in x.values and v.name not in starts}
    for e in direct.equations:
        if e.out not in made:
            x.equations[e.out] = _always(e)
    return x


def _always(e: Equation) -> Equation:
    """What a block's first steps pass back counts wherever the block begins."""
    return replace(e, about="") if e.about == FROM_BORDER else e
