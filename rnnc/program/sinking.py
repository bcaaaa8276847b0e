"""Influences, and what only they read, are made position by position in one loop an axis, or one loop in another where
they vary along several, so that no position's outlives its use.

before   D[n] for all n;  scan n: J[n] = D[n] J[n-1] + ...;  sum over n of a[n] J[n-1]
after    loop n: D;  the sum so far;  J[n] = D J[n-1] + ...
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rnnc.system.forms import Access, Ctc, CtcGradient, Dropout, Equation, Products, Signs, System, Value
from rnnc.system.reach import downstream, upstream
from rnnc.system.schedule import Batch, Node, Scan, equations_of

Axes = tuple[str, ...]


@dataclass(frozen=True)
class Loops:
    """Loops inside each other over `axes`, the outermost first; `number` tells those over the same axes apart."""

    axes: Axes
    number: int


def sunk(system: System, nodes: tuple[Node, ...], held: Iterable[str]) -> tuple[Node, ...]:
    """The schedule with the equations of `held`, of sums over them and of matrices that only they read in forward
    scans; a sum is an equation in a scan along an axis that it lacks."""
    values = {v.name: v for v in system.values}
    chosen = _chosen(system, nodes, values, frozenset(held))
    scans: dict[Loops, list[Equation]] = {}
    whole: list[Node] = []
    for node in nodes:
        inside = equations_of((node,))
        loops = chosen.get(inside[0].out)
        if loops is None:
            whole.append(node)
        else:
            scans.setdefault(loops, []).extend(inside)
    for loops, sunken in scans.items():
        sums = [e for e in sunken if not values[e.out].axes]
        body: tuple[Node, ...] = tuple(Batch(e) for e in _within((*sums, *sunken), loops.axes))
        for axis in reversed(loops.axes):
            body = (Scan(axis, 1, body),)
        whole.extend(body)
    return _ordered(system, tuple(whole))


def _scanned(nodes: tuple[Node, ...], values: Mapping[str, Value], held: frozenset[str]) -> dict[Axes, Axes]:
    """For every group of axes along which influences vary, those along which one follows from another."""
    found: dict[Axes, set[str]] = {}

    def visit(inside: tuple[Node, ...], around: frozenset[str]) -> None:
        for node in inside:
            if isinstance(node, Batch):
                if node.equation.out in held:
                    found.setdefault(values[node.equation.out].axes, set()).update(around)
            else:
                visit(node.body, around | {node.axis})

    visit(nodes, frozenset())
    return {axes: tuple(a for a in axes if a in along) or axes[:1] for axes, along in found.items()}


def _looped(
    system: System, values: Mapping[str, Value], held: Iterable[str], scanned: Mapping[Axes, Axes]
) -> dict[str, Loops]:
    """The loops of every influence: one for all that vary along the same axes, and for more of them where nothing that
    has loops of its own lies between."""
    groups: dict[Axes, frozenset[str]] = {}
    for name in held:
        groups[values[name].axes] = groups.get(values[name].axes, frozenset()) | {name}
    found: dict[Loops, frozenset[str]] = {}
    for axes, names in groups.items():
        own = Loops(scanned[axes], len(found))
        for loops, known in found.items():
            both = known | names
            if loops.axes == own.axes and downstream(system, both) & upstream(system, both) <= both:
                own, names = loops, both
                break
        found[own] = names
    return {name: loops for loops, names in found.items() for name in names}


def _chosen(
    system: System, nodes: tuple[Node, ...], values: Mapping[str, Value], held: frozenset[str]
) -> dict[str, Loops]:
    """The equations that go into loops, and which."""
    by_out = {e.out: e for e in equations_of(nodes)}
    scanned = _scanned(nodes, values, held)
    chosen = _looped(system, values, (name for name in by_out if name in held), scanned)
    for e in by_out.values():
        if isinstance(e.op, Products) and not values[e.out].axes:
            around = {chosen[r.name] for r in e.reads if r.name in chosen}
            if len(around) == 1:
                chosen[e.out] = around.pop()
    readers: dict[str, list[tuple[str, Access]]] = {}
    for e in by_out.values():
        for r in e.reads:
            readers.setdefault(r.name, []).append((e.out, r))
    alone = {n.equation.out for n in nodes if isinstance(n, Batch)}
    needed = {v for _, v in system.gradients} | {n for b in system.borders for n in b.reads()}
    for name in reversed(tuple(by_out)):
        v, e = values[name], by_out[name]
        wanted = {chosen.get(out) for out, _ in readers.get(name, ())}
        if name in chosen or name not in alone or name in needed or len(wanted) != 1 or len(v.shape) < 2:
            continue
        (loops,) = wanted
        if loops is None or v.role == "unit" or isinstance(e.op, Dropout | Signs):
            continue
        here = all(a.anchor == "here" for r in e.reads for a in r.at)
        made = all(a.anchor == "here" and a.high is None and a.low <= 0 for _, r in readers[name] for a in r.at)
        if here and made and v.axes and scanned.get(v.axes, v.axes[:1]) == loops.axes:
            chosen[name] = loops
    return chosen


def together(system: System, nodes: tuple[Node, ...], names: Iterable[str]) -> tuple[Node, ...]:
    """The schedule with all scans that make any of `names`, which run backward along one axis, and what lies between
    them, in one; matrices that only they read are made in it, position by position."""
    made = set(names)
    scans = tuple(n for n in nodes if isinstance(n, Scan) and made & {e.out for e in n.equations()})
    if not scans:
        return nodes
    values = {v.name: v for v in system.values}
    (axis,) = {scan.axis for scan in scans}
    inside = {e.out for scan in scans for e in scan.equations()}
    inside |= downstream(system, inside) & upstream(system, inside)
    readers: dict[str, set[str]] = {}
    for e in equations_of(nodes):
        for r in e.reads:
            readers.setdefault(r.name, set()).add(e.out)
    needed = {v for _, v in system.gradients} | {n for b in system.borders for n in (b.name, *b.reads())}
    for node in reversed(nodes):
        if not isinstance(node, Batch) or node.equation.out in needed:
            continue
        e, v, known = node.equation, values[node.equation.out], readers.get(node.equation.out, set())
        here = all(a.anchor == "here" for r in e.reads for a in r.at) and not isinstance(e.op, Dropout)
        if known and known <= inside and here and v.axes == (axis,) and len(v.shape) > 1 and v.role == "part":
            inside.add(e.out)
    body = tuple(e for e in equations_of(nodes) if e.out in inside)
    rest = tuple(n for n in nodes if not inside & {e.out for e in equations_of((n,))})
    return _ordered(system, (*rest, Scan(axis, -1, tuple(Batch(e) for e in _within(body, (axis,))))))


def _within(equations: tuple[Equation, ...], axes: Axes) -> tuple[Equation, ...]:
    """The equations of one position of the loops over `axes`, each after what it reads there, otherwise in the order
    given."""
    outs = {e.out for e in equations}
    done: dict[str, Equation] = {}
    waiting = {e.out: e for e in equations}
    while waiting:
        ready = next(
            e
            for e in waiting.values()
            if all(r.name not in outs or r.name in done or _elsewhere(r, axes) for r in e.reads)
        )
        done[ready.out] = waiting.pop(ready.out)
    return tuple(done.values())


def _elsewhere(access: Access, axes: Axes) -> bool:
    """Whether it is of a position that the loops have been at."""
    return any(a.low for a in access.at if a.axis in axes)


def _ordered(system: System, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """The nodes, each after what it reads, otherwise in the order given."""
    maker = {e.out: k for k, node in enumerate(nodes) for e in equations_of((node,))}
    borders = {b.name: b.reads() for b in system.borders}
    # the gradient of a ctc loss goes on from the sums that the loss has made
    lattices = {e.reads: e.out for e in equations_of(nodes) if isinstance(e.op, Ctc)}
    needs: list[set[int]] = []
    for k, node in enumerate(nodes):
        names = {r.name for e in equations_of((node,)) for r in e.reads} | {e.out for e in equations_of((node,))}
        names |= {n for name in names for n in borders.get(name, ())}
        names |= {lattices[e.reads[:2]] for e in equations_of((node,)) if isinstance(e.op, CtcGradient)}
        needs.append({maker[n] for n in names if n in maker} - {k})
    done: dict[int, Node] = {}
    while len(done) < len(nodes):
        k = next(k for k in range(len(nodes)) if k not in done and needs[k] <= done.keys())
        done[k] = nodes[k]
    return tuple(done.values())
