"""Real-time recurrent learning in blocks: Schmidhuber (1992), "A fixed size storage O(n^3) time complexity learning
algorithm for fully recurrent continually running networks", Neural Computation 4, for any network along one axis.

Within a block of steps a+1, ..., b errors are passed back as by back-propagation through time; what they come to at the
states that the block starts from meets the influences known there. At the end of the block the new influences are found
in the same way, with each state of the last step in place of the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.backward import backward
from rnnc.derive.bound import by_depth, moved
from rnnc.derive.carried import Carrying, carrying, elsewhere, refs
from rnnc.derive.derivation import Line, Section
from rnnc.derive.expand import Expansion
from rnnc.derive.influence import Influence
from rnnc.derive.keep import Keep
from rnnc.derive.kronecker import kronecker
from rnnc.derive.names import influence, ratio
from rnnc.derive.online import at_once, changed
from rnnc.derive.rewrite import exchange_ref, rebuild, through
from rnnc.derive.tidy import tidy
from rnnc.system.forms import System
from rnnc.system.reach import reached

START, TARGET = ":start", ":target"
"""The bases of positions: the step before a block, and a step whose states the next block reads."""


@dataclass(frozen=True)
class State:
    """A value that later steps read, the oldest of them `delay` steps on."""

    name: str
    left: x.Ref
    delay: int


def hybrid(system: System, keep: Keep, wanted: tuple[str, ...]) -> tuple[Section, ...]:
    """The deltas within a block, the derivatives of its last states, and for each weight its gradient and its new
    influences. Raises `ValueError` where a state is not of one axis, or is read at the first step from any other."""
    expansion = Expansion(system, keep.names)
    carried = carrying(system, keep, expansion, wanted)
    states = _states(carried, {v.name: v.axes for v in system.values})
    given = tuple(s.name for s in states if s.name not in {e.out for e in system.equations})
    # what a block starts from is no start of the network's
    open_ended = replace(system, borders=tuple(b for b in system.borders if b.name not in carried.names))
    deltas, last = backward(open_ended, keep, (*wanted, *(s.name for s in states)))
    gradients = {line.left.name[2:-1]: line for line in last}
    inside = {line.left.name[2:-1]: line for line in (*deltas, *(gradients[n] for n in given))}
    sections = [Section("Backward, within a block", deltas)]
    sections.append(Section("Into the block", _entering(states, inside)))
    for s in states:
        if s.name in inside and s.name not in given:
            sections.append(_last(s, states, inside, carried))
    for name in wanted:
        weight = Influence(system, expansion, carried, name, gradients.get(name), whole=True)
        sections.append(_weight(name, weight, states, gradients.get(name), given))
    return tuple(s for s in sections if s.lines)


def _states(carried: Carrying, axes: dict[str, tuple[str, ...]]) -> tuple[State, ...]:
    delay: dict[str, int] = {}
    for left, right in carried.lines:
        for r in refs(right):
            if left.name not in carried.names or r.name not in carried.names or not elsewhere(r):
                continue
            if len(axes[r.name]) != 1 or any(p.base == "first" for p in r.at):
                raise ValueError(
                    f"hybrid goes in blocks of steps of one axis, and `{_author(left)}` reads `{_author(r)}` "
                    f"{'at its first step' if len(axes[r.name]) == 1 else 'along several'}"
                )
            delay[r.name] = max(delay.get(r.name, 0), -min(p.offset for p in r.at))
    return tuple(State(n, carried.line(n)[0], delay[n]) for n in carried.names if n in delay)


def _author(ref: x.Ref) -> str:
    return ref.name.split(":")[0]


# ---- derivatives at the start of a block


def _entering(states: tuple[State, ...], inside: dict[str, Line]) -> tuple[Line, ...]:
    """What the block's steps pass back to the states before it, an equation for each step that they still read."""
    found = []
    for s in states:
        for back in range(s.delay):
            line = inside.get(s.name)
            if line is None:
                continue
            e = _only(line.right, partial(_later, back))
            place = x.Place(line.left.at[0].axis, START, -back)
            if e != x.ZERO:
                found.append(_moved(replace(line, right=e), place))
    return tuple(found)


def _only(e: x.Expr, kept: Callable[[x.Ref], bool]) -> x.Expr:
    """The part of a derivative that reads derivatives which are `kept`; it is linear in them."""
    if isinstance(e, x.Ref):
        return e if e.name.startswith("d(") and kept(e) else x.ZERO
    if isinstance(e, x.Add):
        return algebra.add(_only(t, kept) for t in e.terms)
    if isinstance(e, x.Mul):
        parts = [(k, f) for k, f in enumerate(e.factors) if any(r.name.startswith("d(") for r in refs(f))]
        if len(parts) != 1:
            return x.ZERO
        ((k, f),) = parts
        return algebra.mul((*e.factors[:k], _only(f, kept), *e.factors[k + 1 :]))
    if isinstance(e, x.Choice):
        return replace(e, yes=_only(e.yes, kept), no=_only(e.no, kept))
    if isinstance(e, x.Reduce | x.Join | x.Call):
        return through(e, lambda part: _only(part, kept) if not isinstance(part, x.Extent) else part)
    return x.ZERO


def _later(back: int, r: x.Ref) -> bool:
    """Whether a derivative is of a step of the block, seen from `back` steps before the one it starts from."""
    return max((p.offset for p in r.at), default=0) > back


def _moved(line: Line, place: x.Place) -> Line:
    """The equation at one position, its windows as they are."""
    left = moved(line.left, place.axis, place)
    assert isinstance(left, x.Ref)
    return Line(left, moved(line.right, place.axis, place))


# ---- derivatives of the states at the end of a block


def _last(s: State, states: tuple[State, ...], inside: dict[str, Line], carried: Carrying) -> Section:
    """d v_l / d u_k(n) for every carrying value u on the way to the state v, in place of the loss's derivatives."""
    reaching = _reaching(s.name, inside, carried)
    lines = {n: line for n, line in inside.items() if n in reaching}
    kept = {n: _of_state(s, line, reaching) for n, line in lines.items()}
    found = [kept[n] for n in inside if n in kept]
    others = tuple(t for t in states if t.name in reaching)
    entering = _entering(others, lines)
    found.extend(
        _renamed(s, replace(line, right=_only(line.right, lambda r: _owner(r) in reaching))) for line in entering
    )
    return Section(f"Derivatives of {s.name} at the end of the block", tuple(f for f in found if f.right != x.ZERO))


def _reaching(name: str, inside: dict[str, Line], carried: Carrying) -> frozenset[str]:
    """The carrying values whose derivative of a state is made of its own."""
    lines = ((n, line) for n, line in inside.items() if n in carried.names)
    return reached((name,), [(_owner(r), n) for n, line in lines for r in refs(line.right)])


def _owner(r: x.Ref) -> str:
    return r.name[2:-1] if r.name.startswith("d(") else ""


def _of_state(s: State, line: Line, reaching: frozenset[str]) -> Line:
    own = line.left.name[2:-1]
    made = _renamed(s, replace(line, right=_only(line.right, lambda r: _owner(r) in reaching)))
    if own != s.name:
        return made
    (place,) = line.left.at
    ends = x.Bracket(x.Compare("==", x.Position(place), x.Position(_target(s))))
    pairs = zip(made.left.indices[len(s.left.indices) :], made.left.indices, strict=False)
    deltas = [kronecker(k, target) for k, target in pairs]
    return replace(made, right=algebra.add((made.right, algebra.mul((ends, *deltas)))))


def _target(s: State) -> x.Place:
    """The step whose state it is: the block's last, or any that a later block reads."""
    return x.Place(s.left.at[0].axis, TARGET)


def _renamed(s: State, line: Line) -> Line:
    """Derivatives of the loss as those of the state, whose indices come first and whose step is the block's last."""
    rank = len(line.left.indices)
    target = tuple(i if i == x.ONLY else x.Index.symbol(f"@{rank + k}") for k, i in enumerate(s.left.indices))
    names = iter(range(10**6))

    def change(e: x.Expr) -> x.Expr:
        if isinstance(e, x.Ref) and e.name.startswith("d("):
            return x.Ref(ratio(s.name, e.name[2:-1]), (_target(s), *e.at), (*target, *e.indices))
        return e

    left = change(line.left)
    assert isinstance(left, x.Ref)
    right = by_depth(line.right, 500, lambda: f"@{10**6 + next(names)}")
    right = by_depth(rebuild(right, change), rank + len(target), lambda: f"@{10**6 + next(names)}")
    return Line(left, right)


# ---- weights


def _weight(
    name: str, weight: Influence, states: tuple[State, ...], direct: Line | None, given: tuple[str, ...]
) -> Section:
    left = x.Ref(f"d({name})", (), weight.indices)
    known = tuple(s for s in states if s.name in weight.active)
    terms = [
        _met(weight, s, back, lambda u: x.Ref(f"d({u.name})", u.at, u.indices))
        for s in known
        for back in range(s.delay)
    ]
    immediate = x.ZERO if direct is None else at_once(weight, direct)
    gradient = weight.line(left, algebra.add((immediate, *terms)))
    lines = [gradient, changed(gradient, whole=True)]
    for s in known:
        if s.name not in given:
            lines.append(_carried(weight, s, known, immediate))
    started = [line for line in weight.lines() if line.outside or not line.left.at or _is_start(line)]
    return Section(f"Weight {name}", (*started, *lines))


def _is_start(line: Line) -> bool:
    return any(p.base in ("first", "last") for p in line.left.at)


def _met(weight: Influence, s: State, back: int, of: Callable[[x.Ref], x.Ref]) -> x.Expr:
    """sum_k d./du_k(a - r) p^k_ij(a - r)."""
    symbols = {t: weight.fresh() for t in x.symbols(s.left) if t.startswith("@")}
    unit = exchange_ref(s.left, {t: x.Index.symbol(new) for t, new in symbols.items()})
    unit = replace(unit, at=(x.Place(s.left.at[0].axis, START, -back),))
    met = x.Ref(influence(s.name, weight.name), unit.at, (*unit.indices, *weight.indices))
    return algebra.total(tuple(symbols.values()), algebra.mul((of(unit), met)))


def _carried(weight: Influence, s: State, known: tuple[State, ...], immediate: x.Expr) -> Line:
    """p^l_ij at the end of the block: what the block's steps add, and what was there before it."""
    left = x.Ref(influence(s.name, weight.name), (_target(s),), (*s.left.indices, *weight.indices))

    def of(r: x.Ref) -> x.Ref:
        owner = r.name[2:-1] if r.name.startswith("d(") else r.name
        return x.Ref(ratio(s.name, owner), (_target(s), *r.at), (*s.left.indices, *r.indices))

    rank = len(s.left.indices)
    apart = by_depth(immediate, rank, weight.fresh)
    own = rebuild(
        _only(apart, lambda r: _owner(r) in weight.carrying.names),
        lambda e: of(e) if isinstance(e, x.Ref) and e.name.startswith("d(") else e,
    )
    before = [_met(weight, u, back, of) for u in known for back in range(u.delay)]
    e = by_depth(algebra.add((own, *before)), rank, weight.fresh)
    return Line(left, tidy(e, lambda ref: (), True))
