"""Which influences exist: the derivatives of every state by every parameter that can differ from zero, and their form.

Read off the graph alone. A state is influenced by what its step reads of parameters, and by whatever influences a state
that the step carries on. A dimension of a parameter is *aligned* with a row of the state where every path to it stays
entry by entry, as in an elementwise recurrence: the influence is then zero off that diagonal for ever, and a vector is
held for a weight instead of a matrix (the simplified augmented network; Mozer 1989).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rnnc.sizes import ONE, Shape, Size

Aligned = tuple[int | None, ...]
"""For every dimension of a value the row of the state it is aligned with, or None."""


@dataclass(frozen=True)
class Dependence:
    """One step of `state` depends on `on` (a parameter, or a state of an earlier step), `aligned` dimension by
    dimension."""

    state: str
    on: str
    aligned: Aligned


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
class Panel:
    """Influences on one set of states that are held side by side: for each state an array of its rows and
    `columns(state)`; the parameters follow one another in the order of `parameters`."""

    parameters: tuple[str, ...]
    influences: tuple[Influence, ...]

    def states(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(i.state for i in self.influences))

    def of(self, state: str, parameter: str) -> Influence:
        return next(i for i in self.influences if (i.state, i.parameter) == (state, parameter))

    def starts(self, state: str, shapes: Mapping[str, Shape]) -> tuple[tuple[str, Size, Shape], ...]:
        """Every parameter, where its columns start and the shape they have."""
        found, at = [], Size.of(0)
        for name in self.parameters:
            rest = tuple(shapes[name][k] for k in self.of(state, name).rest)
            found.append((name, at, rest))
            at = at + number(rest)
        return tuple(found)

    def columns(self, state: str, shapes: Mapping[str, Shape]) -> Size:
        """How many columns the array of a state has."""
        total = Size.of(0)
        for _, _, rest in self.starts(state, shapes):
            total = total + number(rest)
        return total


def number(shape: Shape) -> Size:
    """How many entries a shape has."""
    result = ONE
    for z in shape:
        result = result * z
    return result


class TooMany(Exception):
    """There are more influences than were asked for."""


def influences(
    dependences: Iterable[Dependence], parameters: Iterable[str], most: int | None = None
) -> tuple[Influence, ...]:
    """Every influence that can differ from zero, sorted by state and parameter. Raises `TooMany` where there are more
    than `most`."""
    own = frozenset(parameters)
    found: dict[tuple[str, str], Aligned] = {}
    readers: dict[str, list[Dependence]] = {}
    waiting: list[tuple[str, str]] = []

    def meet(state: str, parameter: str, aligned: Aligned) -> None:
        known = found.get((state, parameter))
        new = aligned if known is None else tuple(a if a == b else None for a, b in zip(known, aligned, strict=True))
        if new != known:
            found[state, parameter] = new
            waiting.append((state, parameter))

    for link in dependences:
        if link.on in own:
            meet(link.state, link.on, link.aligned)
        else:
            readers.setdefault(link.on, []).append(link)
    while waiting:
        if most is not None and len(found) > most:
            raise TooMany
        state, parameter = waiting.pop()
        for link in readers.get(state, ()):
            aligned = found[state, parameter]
            meet(link.state, parameter, tuple(None if row is None else link.aligned[row] for row in aligned))
    plain = {p for (_, p), aligned in found.items() if not _side_by_side(aligned)}
    return tuple(
        Influence(state, p, (None,) * len(aligned) if p in plain else aligned)
        for (state, p), aligned in sorted(found.items())
    )


def _side_by_side(aligned: Aligned) -> bool:
    """Whether the dimensions that are not aligned follow one another, so that they can be held as one."""
    rest = [k for k, row in enumerate(aligned) if row is None]
    rows = [row for row in aligned if row is not None]
    return len(set(rows)) == len(rows) and (not rest or rest == list(range(rest[0], rest[-1] + 1)))


def panels(found: tuple[Influence, ...]) -> tuple[Panel, ...]:
    """The influences in panels: parameters that are nowhere aligned and influence the same states share one."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for name in sorted({i.parameter for i in found}):
        own = tuple(i for i in found if i.parameter == name)
        aligned = any(row is not None for i in own for row in i.aligned)
        key: tuple[object, ...] = (name,) if aligned else tuple(i.state for i in own)
        groups.setdefault(("aligned", *key) if aligned else ("states", *key), []).append(name)
    return tuple(Panel(tuple(names), tuple(i for i in found if i.parameter in names)) for names in groups.values())
