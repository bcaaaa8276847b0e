"""One step of a network by itself: what it reads of earlier steps becomes given values.

before   h:matmul2[n] = h.W_h . h[n-1]
after    h:matmul2[n] = h.W_h . h(n-1)[n]          where h(n-1) is given

Only what depends on a trained parameter is cut off; the rest of the past is data. What is left has no recurrence, so
its derivatives are those of one step, and those by the given values say what the step passes on from the past.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rnnc.model.forms import At
from rnnc.sizes import Size
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Concat, Equation, Reshape, System, Value
from rnnc.system.reach import downstream


@dataclass(frozen=True)
class Carried:
    """`name` stands for `source` read at `at`, one step back or a window of steps that ends before this one."""

    name: str
    source: str
    at: At

    @property
    def delay(self) -> int:
        """How many steps back it reads at most."""
        return -self.at.low


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
        axes = {c.source: c.at.axis for c in self.carried}
        return tuple(Carried(s, s, At(axes[s])) for s in self.states())

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
        names[c.source] = x.fresh(f"{c.source}({c.at.axis})")
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
    at, (own,) = carried.at, access.at
    high = None if at.high is None else at.high + own.low
    return replace(access, name=carried.source, at=(replace(own, low=at.low + own.low, high=high),))


class SeveralAxes(Exception):
    """`equation` reads by `access` an earlier step of something learned that varies along several axes."""

    def __init__(self, equation: Equation, access: Access) -> None:
        super().__init__(access.name)
        self.equation = equation
        self.access = access


def cut(system: System) -> Step:
    """The system with every delayed read of something learned cut off; nothing learned may be read ahead.

    Raises `SeveralAxes` where a step is one of several axes at once.
    """
    step = _Cutting(system)
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
    def __init__(self, system: System) -> None:
        self.extension = Extension(system)
        self.seen: list[Carried] = []
        self._known: dict[tuple[str, At], str] = {}

    def read(self, equation: Equation, access: Access) -> Access:
        """The read of what stands for `access`, which is itself where it looks at the current step alone."""
        if all(a.anchor != "here" or a.low >= 0 for a in access.at):
            return access
        if len(access.at) > 1:
            raise SeveralAxes(equation, access)
        (at,) = access.at
        if at.high == 0:
            name = self._joined(access.name, at, self._given(access.name, replace(at, high=-1)))
        else:
            name = self._given(access.name, at)
        return replace(access, name=name, at=(At(at.axis),))

    def _given(self, source: str, at: At) -> str:
        if (source, at) not in self._known:
            v = self.extension.values[source]
            taps = () if at.high is None else (Size.of(at.high - at.low + 1),)
            name = self.extension.fresh(f"{source}({_spelled(at)})")
            self.extension.values[name] = Value(name, "input", v.axes, v.batched, (*taps, *v.shape))
            self.seen.append(Carried(name, source, at))
            self._known[source, at] = name
        return self._known[source, at]

    def _joined(self, source: str, at: At, past: str) -> str:
        """A window up to the current step: the given steps and this one."""
        assert at.high == 0, "nothing learned is read ahead"
        if (source, at) not in self._known:
            x = self.extension
            v = x.values[source]
            labels = tuple(f".i{k}" for k in range(len(v.shape)))
            one = (Size.of(1), *v.shape)
            now = x.make(f"{source}({at.axis})", one, Reshape(), (x.here(source, labels),))
            inner = (".t", *labels)
            parts = Concat(((Size.of(-at.low), 0), (Size.of(1), 1)))
            reads = (x.here(past, inner), x.here(now, inner))
            shape = (Size.of(1 - at.low), *v.shape)
            name = x.make(f"{source}({_spelled(at)})", shape, parts, reads)
            self.seen.append(Carried(name, source, at))
            self._known[source, at] = name
        return self._known[source, at]


def _spelled(at: At) -> str:
    low = f"{at.axis}{at.low:+d}"
    return low if at.high is None else f"{low}..{at.axis}" + (f"{at.high:+d}" if at.high else "")
