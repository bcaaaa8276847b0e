"""Says, in the author's terms, why a recurrent block has no order."""

from __future__ import annotations

import re

from rnnc.diagnostics import Diagnostic, Reporter, Span
from rnnc.system.errors import BothDirections, CancellingDelays, NoDelay, WholeAxis
from rnnc.system.forms import System
from rnnc.system.graph import cycle
from rnnc.system.schedule import Edge, Reach, Unschedulable, schedule


def check(system: System, reporter: Reporter) -> None:
    """Reports the first block of the system that no order computes, if there is one."""
    try:
        schedule(system)
    except Unschedulable as problem:
        reporter.report(_diagnosis(system, problem))


def _diagnosis(system: System, problem: Unschedulable) -> Diagnostic:
    edges = tuple(sorted(problem.edges, key=_place))
    here = tuple(e for e in edges if all(r == Reach() for _, r in e.reach))
    loop = cycle(problem.names, tuple((e.source, e.reader) for e in here))
    if loop:
        return _no_delay(system, here, loop)
    whole = next((e for e in edges if any(r.everywhere for _, r in e.reach)), None)
    if whole is not None:
        source = _author(whole.source, system)
        return WholeAxis(span=_span(whole, system), name=_author(whole.reader, system), source=source)
    return _directions(system, edges)


def _no_delay(system: System, edges: tuple[Edge, ...], loop: tuple[str, ...]) -> Diagnostic:
    steps = list(zip(loop, (*loop[1:], loop[0]), strict=True))
    used = [next(e for e in edges if (e.source, e.reader) == step) for step in steps]
    spans = [s for e in used if (s := e.access.span if e.access else None) is not None]
    authors: list[str] = []
    for name in loop:
        author = _author(name, system)
        if author not in authors:
            authors.append(author)
    first = spans[0] if spans else _span(used[0], system)
    delayed = None
    axes = next(v.axes for v in system.values if v.name == authors[0])
    if len(authors) == 1 and len(axes) == 1:
        base = re.match(r"[A-Za-z][A-Za-z0-9_.]*", first.text)
        delayed = f"{base.group(0)}[{axes[0]}-1]" if base else None
    others = tuple(dict.fromkeys(spans[1:]))
    return NoDelay(span=first, cycle=tuple(authors), places=others if len(authors) > 1 else (), delayed=delayed)


def _directions(system: System, edges: tuple[Edge, ...]) -> Diagnostic:
    """References that move both ways along some axis: inside one cycle they cancel, in two they disagree."""
    for axis in system.axes:
        ahead = [e for e in edges if dict(e.reach).get(axis, Reach()).high > 0]
        back = [e for e in edges if dict(e.reach).get(axis, Reach()).low < 0]
        if not ahead or not back:
            continue
        loop = _cancelling(edges, axis)
        if loop:
            loop = tuple(e for e in loop if e.access is not None and e.access.span is not None)
            offsets = tuple(f"{_author(e.source, system)}[{axis}{_signed(e, axis)}]" for e in loop)
            spans = tuple(dict.fromkeys(_span(e, system) for e in loop if _moved(e, axis)))
            authors = tuple(_author(e.source, system) for e in loop)
            return CancellingDelays(span=spans[-1], cycle=authors, offsets=offsets, places=spans[:-1])
        other = _span(back[0], system)
        return BothDirections(
            span=_span(ahead[0], system),
            name=_author(ahead[0].reader, system),
            other=other,
            reads="reads a later position",
            against="and this an earlier one",
        )
    return BothDirections(
        span=_span(edges[0], system),
        name=_author(edges[0].reader, system),
        other=None,
        reads="reads neighbours on several axes at once",
        against="",
    )


def _cancelling(edges: tuple[Edge, ...], axis: str) -> tuple[Edge, ...]:
    """A cycle that moves along the axis and comes back to the position it started from; empty where there is none."""
    reach = max(abs(x) for e in edges for x in (dict(e.reach).get(axis, Reach()).low, 1))
    for start in sorted({e.source for e in edges}):
        came: dict[tuple[str, int], tuple[tuple[str, int], Edge]] = {}
        waiting = [(start, 0)]
        for name, total in waiting:
            for e in edges:
                step = dict(e.reach).get(axis, Reach()).low
                state = (e.reader, total + step)
                if e.source != name or abs(state[1]) > reach or state in came:
                    continue
                came[state] = ((name, total), e)
                if state != (start, 0):
                    waiting.append(state)
                    continue
                path = _path(came, state)
                simple = len({x.source for x in path}) == len(path)
                if simple and any(_moved(x, axis) for x in path):
                    return path
                del came[state]
    return ()


def _path(came: dict[tuple[str, int], tuple[tuple[str, int], Edge]], end: tuple[str, int]) -> tuple[Edge, ...]:
    path = []
    state, edge = came[end]
    path.append(edge)
    while state != end:
        state, edge = came[state]
        path.append(edge)
    return tuple(reversed(path))


def _moved(edge: Edge, axis: str) -> bool:
    return dict(edge.reach).get(axis, Reach()).low != 0


def _signed(edge: Edge, axis: str) -> str:
    low = dict(edge.reach)[axis].low
    return f"{low:+d}" if low else ""


def _author(name: str, system: System) -> str:
    return name.split(":", 1)[0]


def _place(edge: Edge) -> tuple[str, int]:
    span = edge.access.span if edge.access else None
    return (span.source.name, span.start) if span else ("", 0)


def _span(edge: Edge, system: System) -> Span:
    if edge.access is not None and edge.access.span is not None:
        return edge.access.span
    author = _author(edge.reader, system)
    for e in system.equations:
        if e.span is not None and e.out in (edge.reader, author):
            return e.span
    return next(e.span for e in system.equations if e.span is not None)
