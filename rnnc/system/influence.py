"""Which influences exist: the derivatives of every state by every parameter that can differ from zero, and their form.

Read off the graph alone. A state is influenced by what its step reads of parameters, and by whatever influences a state
that the step carries on. A dimension of a parameter is *aligned* with a row of the state where every path to it stays
entry by entry, as in an elementwise recurrence: the influence is then zero off that diagonal for ever, and a vector is
held for a weight instead of a matrix (the simplified augmented network; Mozer 1989).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from rnnc.sizes import Shape, Size, number

NONE = Size.of(0)

Aligned = tuple[int | None, ...]
"""For every dimension of a value the row of the state it is aligned with, or None."""


@dataclass(frozen=True)
class Dependence:
    """One step of `state` depends on `on` (a parameter, or a state `delay` steps before), `aligned` dimension by
    dimension; `sparse`: on entries that a table names."""

    state: str
    on: str
    aligned: Aligned
    sparse: bool = False
    delay: int = 0


@dataclass(frozen=True)
class Influence:
    """d state / d parameter can differ from zero, `aligned` as it says; `rest` are the parameter's other dimensions."""

    state: str
    parameter: str
    aligned: Aligned

    @property
    def rest(self) -> tuple[int, ...]:
        return tuple(k for k, row in enumerate(self.aligned) if row is None)


@dataclass(frozen=True)
class Columns:
    """Where the columns of one parameter lie in an array of influences: from `start` on, of `shape`. With `width`, the
    first dimension of `shape` numbers rows of that many columns, of which the parameter has those from `offset` on."""

    parameter: str
    start: Size
    shape: Shape
    width: Size | None = None
    offset: Size = NONE


@dataclass(frozen=True)
class Panel:
    """Influences on one set of states that are held side by side: for each state an array of its rows and the columns
    of all parameters. Those of one bundle lie row by row beside each other, a row being an entry of their first
    dimension, which is aligned in all of them or in none: what a step adds to them is one product."""

    bundles: tuple[tuple[str, ...], ...]
    influences: tuple[Influence, ...]

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return tuple(name for bundle in self.bundles for name in bundle)

    def states(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(i.state for i in self.influences))

    @cached_property
    def _by_names(self) -> dict[tuple[str, str], Influence]:
        return {(i.state, i.parameter): i for i in self.influences}

    @cached_property
    def _columns(self) -> dict[str, tuple[Columns, ...]]:
        return {}

    def of(self, state: str, parameter: str) -> Influence:
        return self._by_names[state, parameter]

    def columns(self, state: str, shapes: Mapping[str, Shape]) -> tuple[Columns, ...]:
        """The columns of every parameter in the array of a state; `shapes` are the parameters'."""
        if state not in self._columns:
            self._columns[state] = self._placed(state, shapes)
        return self._columns[state]

    def _placed(self, state: str, shapes: Mapping[str, Shape]) -> tuple[Columns, ...]:
        found: list[Columns] = []
        at = NONE
        for bundle in self.bundles:
            start, rests = at, [tuple(shapes[n][k] for k in self.of(state, n).rest) for n in bundle]
            for rest in rests:
                at = at + number(rest)
            aligned = 0 not in self.of(state, bundle[0]).rest
            if len(bundle) == 1 or aligned:
                for name, rest in zip(bundle, rests, strict=True):
                    found.append(Columns(name, start, rest))
                    start = start + number(rest)
                continue
            width, offset = NONE, NONE
            for rest in rests:
                width = width + number(rest[1:])
            for name, rest in zip(bundle, rests, strict=True):
                found.append(Columns(name, start, rest, width, offset))
                offset = offset + number(rest[1:])
        return tuple(found)

    def width(self, state: str, shapes: Mapping[str, Shape]) -> Size:
        """How many columns the array of a state has."""
        total = NONE
        for c in self.columns(state, shapes):
            total = total + number(c.shape)
        return total


class TooMany(Exception):
    """There are more influences than were asked for."""


def influences(
    dependences: tuple[Dependence, ...], parameters: Iterable[str], most: int | None = None, steps: int | None = None
) -> tuple[Influence, ...]:
    """Every influence that can differ from zero, sorted by state and parameter; with `steps`, within so many steps of
    the one that reads the parameter. Raises `TooMany` where there are more than `most`."""
    own = frozenset(parameters)
    reads = tuple(d for d in dependences if d.on in own)
    links = tuple(d for d in dependences if d.on not in own)
    reach = _Reach(links, most)
    if steps is None:
        reach.add(reads)
        reach.spread()
    else:
        reach.within(reads, steps)
        reach.widen()
    found = reach.found
    plain = reach.sparse | {p for (_, p), aligned in found.items() if not _side_by_side(aligned)}
    return tuple(
        Influence(state, p, (None,) * len(aligned) if p in plain else aligned)
        for (state, p), aligned in sorted(found.items())
    )


def _through(link: Dependence, aligned: Aligned) -> Aligned:
    """The form of an influence behind a link."""
    return tuple(None if row is None else link.aligned[row] for row in aligned)


class _Reach:
    """What influences what, while it is found."""

    def __init__(self, links: tuple[Dependence, ...], most: int | None) -> None:
        self.links = links
        self.most = most
        self.found: dict[tuple[str, str], Aligned] = {}
        self.sparse: set[str] = set()
        self.waiting: list[tuple[str, str]] = []
        self.readers: dict[str, list[Dependence]] = {}
        for link in links:
            self.readers.setdefault(link.on, []).append(link)

    def add(self, reads: Iterable[Dependence]) -> None:
        for read in reads:
            self._meet(read.state, read.on, read.aligned)

    def _meet(self, state: str, parameter: str, aligned: Aligned) -> None:
        known = self.found.get((state, parameter))
        new = aligned if known is None else tuple(a if a == b else None for a, b in zip(known, aligned, strict=True))
        if new != known:
            self.found[state, parameter] = new
            self.waiting.append((state, parameter))

    def _pass(self, link: Dependence, parameter: str, aligned: Aligned) -> None:
        if link.sparse and any(row is not None for row in aligned):
            self.sparse.add(parameter)
        self._meet(link.state, parameter, _through(link, aligned))

    def spread(self) -> None:
        """Whatever the links reach."""
        while self.waiting:
            self._count()
            state, parameter = self.waiting.pop()
            for link in self.readers.get(state, ()):
                self._pass(link, parameter, self.found[state, parameter])

    def _count(self) -> None:
        if self.most is not None and len(self.found) > self.most:
            raise TooMany

    def within(self, reads: tuple[Dependence, ...], steps: int) -> None:
        """What is reached within so many steps, the first being that of `reads`; every link takes one or more."""
        far = max((link.delay for link in self.links), default=0)
        times: list[dict[tuple[str, str], Aligned]] = [{}]
        while len(times) <= steps:
            if not times[-1]:
                self.add(reads)
            for link in self.links:
                before = times[-link.delay] if link.delay < len(times) else {}
                for (state, parameter), aligned in before.items():
                    if state == link.on:
                        self._pass(link, parameter, aligned)
            self._count()
            times.append(dict(self.found))
            if len(times) > far + 1 and all(known == self.found for known in times[-far - 1 :]):
                return

    def widen(self) -> None:
        """An influence that a wider one goes into has the width of that one, which is held whole."""
        self.waiting = list(self.found)
        while self.waiting:
            state, parameter = self.waiting.pop()
            aligned = self.found[state, parameter]
            for link in self.readers.get(state, ()):
                new = self.found.get((link.state, parameter))
                if new is None:
                    continue
                through = zip(new, aligned, _through(link, aligned), strict=True)
                kept = tuple(None if old is None or (row is not None and row != b) else b for b, old, row in through)
                if kept != new:
                    self.found[link.state, parameter] = kept
                    self.waiting.append((link.state, parameter))


def _side_by_side(aligned: Aligned) -> bool:
    """Whether the dimensions that are not aligned follow one another, so that they can be held as one."""
    rest = [k for k, row in enumerate(aligned) if row is None]
    rows = [row for row in aligned if row is not None]
    return len(set(rows)) == len(rows) and (not rest or rest == list(range(rest[0], rest[-1] + 1)))


def panels(found: tuple[Influence, ...], bundled: Mapping[str, Hashable]) -> tuple[Panel, ...]:
    """The influences in panels. Parameters that are nowhere aligned and influence the same states share one; so do
    those that are aligned alike in their first dimension. `bundled` names the bundle of a parameter, where a step reads
    it beside others."""
    groups: dict[Hashable, list[str]] = {}
    for name in sorted({i.parameter for i in found}):
        own = tuple(
            (i.state, i.aligned[:1], any(row is not None for row in i.aligned[1:]))
            for i in found
            if i.parameter == name
        )
        states = tuple(state for state, _, _ in own)
        rows = {first for _, first, _ in own}
        if any(more for _, _, more in own):
            key: Hashable = ("alone", name)
        elif rows <= {(), (None,)}:
            key = ("states", states)
        else:
            key = ("aligned", states, rows.pop()) if len(rows) == 1 else ("alone", name)
        groups.setdefault(key, []).append(name)
    result = []
    for names in groups.values():
        bundles: dict[Hashable, list[str]] = {}
        for name in names:
            bundles.setdefault(bundled.get(name, name), []).append(name)
        order = tuple(tuple(bundle) for bundle in bundles.values())
        result.append(Panel(order, tuple(i for i in found if i.parameter in names)))
    return tuple(result)
