"""One step of a network by itself: what it reads of earlier steps becomes given values.

before   h:matmul2[n] = h.W_h . h[n-1]
after    h:matmul2[n] = h.W_h . h(n-1)[n]          where h(n-1) is given

Only what depends on a trained parameter is cut off; the rest of the past is data. What is left has no recurrence, so
its derivatives are those of one step, and those by the given values say what the step passes on from the past.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from rnnc.model.forms import At
from rnnc.sizes import Size
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Concat, Equation, Reshape, System, Value
from rnnc.system.reach import downstream
from rnnc.system.show import show_at


@dataclass(frozen=True)
class Carried:
    """`name` stands for `source` read at `at`: earlier on at least one of its axes, or by windows of steps that end
    before this one."""

    name: str
    source: str
    at: tuple[At, ...]

    @property
    def axis(self) -> str:
        """The axis of what goes along one."""
        (at,) = self.at
        return at.axis

    @property
    def delay(self) -> int:
        """How many steps back it reads at most, along one axis."""
        (at,) = self.at
        return -at.low

    @property
    def nearest(self) -> int:
        """How many steps back it reads at least, those of all axes together."""
        return -sum(_last(a) for a in self.at)

    @property
    def windows(self) -> int:
        """How many leading dimensions of `name` number taps."""
        return sum(a.high is not None for a in self.at)

    def taps(self) -> Iterator[tuple[tuple[int, ...], tuple[At, ...]]]:
        """The entries of the windows' dimensions, and the step of `source` that lies there."""
        spans = (range(a.low, (a.low if a.high is None else a.high) + 1) for a in self.at)
        for steps in product(*spans):
            pairs = tuple(zip(self.at, steps, strict=True))
            taps = tuple(step - a.low for a, step in pairs if a.high is not None)
            yield taps, tuple(At(a.axis, step) for a, step in pairs)


@dataclass(frozen=True)
class Step:
    """A system without recurrence; `carried` are its given values, `seen` all that stand for another read (windows
    that reach up to the current step among them)."""

    system: System
    carried: tuple[Carried, ...]
    seen: tuple[Carried, ...]

    def states(self) -> tuple[str, ...]:
        """What is carried from step to step, sorted by name."""
        return tuple(sorted({c.source for c in self.carried}))

    def now(self) -> tuple[Carried, ...]:
        """Every state at the current step."""
        axes = {c.source: tuple(At(a.axis) for a in c.at) for c in self.carried}
        return tuple(Carried(s, s, axes[s]) for s in self.states())

    def restored(self, equation: Equation) -> Equation:
        """The equation reading earlier steps again where it reads what stands for them."""
        known = {c.name: c for c in self.seen}
        return replace(equation, reads=tuple(_restored(r, known.get(r.name)) for r in equation.reads))


@dataclass(frozen=True)
class Readout:
    """A step whose states are given values as well: `given` says which stands for which state."""

    system: System
    given: tuple[tuple[str, str], ...]

    def restored(self, equation: Equation) -> Equation:
        """The equation reading the states themselves."""
        states = dict(self.given)
        return replace(equation, reads=tuple(replace(r, name=states.get(r.name, r.name)) for r in equation.reads))


def readout(step: Step) -> Readout:
    """What a step makes of its states, without what they are made of."""
    x = Extension(step.system)
    names = {}
    for c in step.now():
        v = x.values[c.source]
        names[c.source] = x.fresh(f"{c.source}({_spelled(c.at)})")
        x.values[names[c.source]] = replace(v, name=names[c.source], role="input")
    equations = tuple(
        replace(e, reads=tuple(replace(r, name=names.get(r.name, r.name)) for r in e.reads))
        for e in step.system.equations
    )
    past = {r.name for e in equations for r in e.reads if any(a != At(a.axis) for a in r.at)}
    moved = tuple(replace(b, name=names.get(b.name, b.name)) for b in step.system.borders)
    borders = tuple(b for b in moved if b.name in past or b.name not in names.values())
    system = replace(step.system, values=tuple(x.values.values()), equations=equations, borders=borders)
    return Readout(system, tuple((new, old) for old, new in names.items()))


def _restored(access: Access, carried: Carried | None) -> Access:
    if carried is None:
        return access
    at = tuple(
        replace(own, low=a.low + own.low, high=None if a.high is None else a.high + own.low)
        for a, own in zip(carried.at, access.at, strict=True)
    )
    return replace(access, name=carried.source, at=at)


class SeveralAxes(Exception):
    """`equation` reads by `access` an earlier step of something learned that varies along several axes."""

    def __init__(self, equation: Equation, access: Access) -> None:
        super().__init__(access.name)
        self.equation = equation
        self.access = access


def cut(system: System, one_axis: bool = False) -> Step:
    """The system with every delayed read of something learned cut off; nothing learned may be read ahead.

    With `one_axis`, raises `SeveralAxes` where an earlier step is read of what varies along several.
    """
    step = _Cutting(system, one_axis)
    learned = downstream(system, (p.name for p in system.parameters if p.trained))
    equations = {
        e.out: replace(e, reads=tuple(step.read(e, r) if r.name in learned else r for r in e.reads))
        for e in system.equations
    }
    own = tuple(e for name, e in step.extension.equations.items() if name not in equations)
    values = tuple(step.extension.values.values())
    whole = replace(system, values=values, equations=(*equations.values(), *own))
    return Step(whole, tuple(c for c in step.seen if c.name not in step.extension.equations), tuple(step.seen))


class _Cutting:
    def __init__(self, system: System, one_axis: bool) -> None:
        self.extension = Extension(system)
        self.one_axis = one_axis
        self.seen: list[Carried] = []
        self._known: dict[tuple[str, tuple[At, ...]], str] = {}

    def read(self, equation: Equation, access: Access) -> Access:
        """The read of what stands for `access`, which is itself where it looks at the current step alone, or at an end
        of an axis, which is at no fixed distance."""
        if any(a.anchor != "here" for a in access.at) or all(a.low >= 0 for a in access.at):
            return access
        if len(access.at) > 1 and self.one_axis:
            raise SeveralAxes(equation, access)
        now = all(_last(a) == 0 for a in access.at)
        name = self._joined(access.name, access.at) if now else self._given(access.name, access.at)
        return replace(access, name=name, at=tuple(At(a.axis) for a in access.at))

    def _given(self, source: str, at: tuple[At, ...]) -> str:
        if (source, at) not in self._known:
            v = self.extension.values[source]
            taps = tuple(Size.of(a.high - a.low + 1) for a in at if a.high is not None)
            name = self.extension.fresh(f"{source}({_spelled(at)})")
            self.extension.values[name] = Value(name, "input", v.axes, v.batched, (*taps, *v.shape))
            self.seen.append(Carried(name, source, at))
            self._known[source, at] = name
        return self._known[source, at]

    def _joined(self, source: str, at: tuple[At, ...]) -> str:
        """Windows up to the current step: of the first the given steps, and this one by the other windows."""
        if (source, at) not in self._known:
            k = next(k for k, a in enumerate(at) if a.high is not None)
            assert at[k].high == 0, "nothing learned is read ahead"
            past = self._given(source, (*at[:k], replace(at[k], high=-1), *at[k + 1 :]))
            rest = (*at[:k], At(at[k].axis), *at[k + 1 :])
            x = self.extension
            last = self._joined(source, rest) if any(a.high is not None for a in rest) else source
            shape = x.values[last].shape
            labels = tuple(f".i{k}" for k in range(len(shape)))
            now = x.make(f"{source}({_spelled(rest)})", (Size.of(1), *shape), Reshape(), (x.here(last, labels),))
            inner = (".t", *labels)
            parts = Concat(((Size.of(-at[k].low), 0), (Size.of(1), 1)))
            reads = (x.here(past, inner), x.here(now, inner))
            name = x.make(f"{source}({_spelled(at)})", (Size.of(1 - at[k].low), *shape), parts, reads)
            self.seen.append(Carried(name, source, at))
            self._known[source, at] = name
        return self._known[source, at]


def _spelled(at: tuple[At, ...]) -> str:
    return ", ".join(show_at(a) for a in at)


def _last(at: At) -> int:
    """The last step that is read along an axis, relative to the reader's."""
    return at.low if at.high is None else at.high
