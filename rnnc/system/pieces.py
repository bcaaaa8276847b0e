"""A network whose sequence is run in pieces: what runs once a piece, what stands before the first, what the loss makes
of all of them.

    begin   what the first steps read from before the sequence
    piece   h[n] for the steps of one piece; the steps before it are given, and what the loss sums is summed
    end     the loss, of the sums of all pieces

Each of the three minimises something whose gradients are, put together, those of the whole: the piece the product of
its states with the adjoint that the pieces after it give them, plus that of its sums with theirs. So back-propagation
from piece to piece is the adjoint of one ordinary system, and exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rnnc.model.forms import At
from rnnc.ops.formula import Constant, Operand, Operation, sum_of
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Border, Contract, Equation, Extreme, Pointwise, Role, Softmax, System, Value
from rnnc.system.lowering import labels_of
from rnnc.system.needed import needed
from rnnc.system.reach import downstream, upstream
from rnnc.system.stepping import stepped

THERE = Operation("where", (Operation("!=", (Operand(1), Constant(0.0))), Operand(0), Constant(0.0)))
"""A value at an end of the sequence, 0 elsewhere: a product would make a gap elsewhere one here."""
OBJECTIVE = "(objective)"
"""What a part of the three minimises."""


@dataclass(frozen=True)
class Carried:
    """A value of which a piece reads the last `steps` steps before it, given as `before` (the nearest first).
    `starts` stand there for the first piece (None: zero), `after` is the given adjoint of the value, if it has one."""

    name: str
    steps: int
    before: tuple[str, ...]
    starts: tuple[str | None, ...]
    after: str | None


@dataclass(frozen=True)
class Sum:
    """A value that is summed over the pieces; `adjoint` is its given adjoint at every position, if it has one."""

    name: str
    adjoint: str | None


@dataclass(frozen=True)
class Start:
    """A value that stands before the first step, and its given adjoint, if it has one."""

    name: str
    adjoint: str | None


@dataclass(frozen=True)
class Pieces:
    """`begin` and `end` are None where there is nothing to compute: starts are zero, the loss is one of the sums."""

    axis: str
    begin: System | None
    piece: System
    end: System | None
    carried: tuple[Carried, ...]
    sums: tuple[Sum, ...]
    starts: tuple[Start, ...]


class Inseparable(Exception):
    """`equation` needs `why` by `access`; without an equation, the network has `why`."""

    def __init__(self, why: str, equation: Equation | None = None, access: Access | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.equation = equation
        self.access = access


def in_pieces(system: System) -> Pieces:
    """The three parts of a network with a loss, before stacking.

    Raises `Inseparable` where a step needs more than the steps before it.
    """
    axes = stepped(system)
    if len(axes) != 1:
        raise Inseparable("several axes" if axes else "no axis")
    return _Splitting(_with_ends(system, axes[0]), axes[0]).run()


def _with_ends(system: System, axis: str) -> System:
    """The system with what the loss reads at an end of the sequence written as a sum over all positions."""
    x = Extension(system)
    for e in system.equations:
        reads = []
        for r in e.reads:
            (at,) = r.at if len(r.at) == 1 else (None,)
            if at is None or at.anchor == "here" or at.low or at.high is not None or axis in x.values[e.out].axes:
                reads.append(r)
                continue
            mask, name, v = f"{at.anchor} of {axis}", f"{r.name}[{at.anchor}]", x.values[r.name]
            if name not in x.values:
                x.values[mask] = Value(mask, "given", (axis,), True, ())
                labels, there = labels_of(v.shape), f"{r.name} where {at.anchor}"
                own = (x.here(r.name, labels), x.here(mask, ()))
                x.values[there] = replace(v, name=there, role="part")
                x.equations[there] = Equation(there, labels, Pointwise(THERE), own, span=r.span or e.span)
                x.values[name] = replace(v, name=name, role="part", axes=())
                x.equations[name] = Equation(name, labels, Contract(), (x.here(there, labels),), span=r.span or e.span)
            reads.append(replace(r, name=name, at=()))
        x.equations[e.out] = replace(e, reads=tuple(reads))
    return replace(system, values=tuple(x.values.values()), equations=tuple(x.equations.values()))


class _Splitting:
    def __init__(self, system: System, axis: str) -> None:
        assert system.loss is not None
        self.system = system
        self.axis = axis
        self.values = {v.name: v for v in system.values}
        self.by_out = {e.out: e for e in system.equations}
        self.borders = {b.name: b for b in system.borders}
        units = tuple(v.name for v in system.values if v.role == "unit")
        reads = {b.name: b.reads() for b in system.borders}
        self.made = needed(self.by_out, reads, (*units, system.loss))
        self.summed = tuple(e.out for e in self._of(self.made) if not self._moves(e.out) and self._crosses(e))
        self.late = downstream(system, self.summed) & self.made
        real = (v.name for v in system.values if v.kind == "real" and v.role in ("parameter", "input"))
        self.learned = downstream(system, real) & upstream(system, (system.loss,))
        self.steps: dict[str, int] = {}

    def run(self) -> Pieces:
        for e in self._of(self.made):
            self._check(e)
            self._count_steps(e)
        for name, border in sorted(self.borders.items()):
            late = next((n for n in border.reads() if n in self.late), None)
            if late is not None:
                raise Inseparable("the whole sequence", self.by_out[late], Access(name, (), ()))
        carried = tuple(self._carried(name) for name in sorted(self.steps))
        sums = tuple(Sum(n, f"d({n}) given" if n in self.learned else None) for n in self.summed)
        names = dict.fromkeys(n for c in carried for n in c.starts if n is not None)
        starts = tuple(Start(n, f"d({n}) given" if self.values[n].kind == "real" else None) for n in names)
        begin = self._begin(starts) if starts else None
        return Pieces(self.axis, begin, self._piece(carried, sums), self._end(sums), carried, sums, starts)

    # ---- what may be cut

    def _of(self, names: Iterable[str]) -> tuple[Equation, ...]:
        chosen = frozenset(names)
        return tuple(e for e in self.system.equations if e.out in chosen)

    def _moves(self, name: str) -> bool:
        return self.axis in self.values[name].axes

    def _crosses(self, e: Equation) -> bool:
        """Whether it makes one value of a whole sequence."""
        return any(a.axis == self.axis for r in e.reads for a in r.at)

    def _check(self, e: Equation) -> None:
        moving = self._moves(e.out)
        over = getattr(e.op, "over", ())
        for r in e.reads:
            if any(a.anchor != "here" for a in r.at):
                raise Inseparable("another part of the sequence", e, r)
            if any(a.low > 0 or (a.high or 0) > 0 for a in r.at):
                raise Inseparable("a later step", e, r)
            if r.name.startswith("|") and e.out not in self.late:
                raise Inseparable("the length of the sequence", e, r)
            if moving and r.name in self.late:
                raise Inseparable("the whole sequence", e, r)
        whole = (isinstance(e.op, Softmax) and over == self.axis) or (isinstance(e.op, Extreme) and self.axis in over)
        if whole or (e.out in self.summed and not self._adds(e)):
            raise Inseparable("the whole sequence", e, e.reads[0])

    def _count_steps(self, e: Equation) -> None:
        """Notes how many steps before a piece are read by `e`."""
        for r in e.reads:
            for a in r.at:
                if a.low < 0 and not r.name.startswith("#"):
                    self.steps[r.name] = max(self.steps.get(r.name, 0), -a.low)

    def _adds(self, e: Equation) -> bool:
        """Whether it is a sum over the positions, so that those of the pieces add up to the whole."""
        return isinstance(e.op, Contract) and self.values[e.out].batched and not self.values[e.out].axes

    # ---- the three parts

    def _carried(self, name: str) -> Carried:
        v, border = self.values[name], self.borders.get(name)
        early = dict(border.early) if border else {}
        count = self.steps[name]
        starts = tuple(early.get(k, border.default if border else None) for k in range(1, count + 1))
        learned = v.kind == "real" and v.role != "target"
        before = tuple(f"{name} before {k}" for k in range(1, count + 1))
        return Carried(name, count, before, starts, f"d({name}) after" if learned else None)

    def _piece(self, carried: tuple[Carried, ...], sums: tuple[Sum, ...]) -> System:
        part = _Part(self, self._of(self.made - self.late | set(self.summed)))
        borders = []
        for c in carried:
            v = self.values[c.name]
            role: Role = "input" if v.role == "input" and v.kind == "real" else "given"
            for name in c.before:
                part.values[name] = replace(v, name=name, role=role, axes=())
            borders.append(Border(c.name, ("low",), None, tuple(enumerate(c.before, 1))))
            if c.after is not None:
                own = Access(c.name, (At(self.axis),), labels_of(v.shape))
                part.minimise(replace(v, name=c.after), (own, replace(own, name=c.after)))
        for s in sums:
            if s.adjoint is not None:
                e = self.by_out[s.name]
                given = replace(self.values[s.name], name=s.adjoint, axes=(self.axis,))
                part.minimise(given, (*e.reads, Access(s.adjoint, (At(self.axis),), e.dims)))
        part.keep(s.name for s in sums)
        return part.system(tuple(borders))

    def _begin(self, starts: tuple[Start, ...]) -> System:
        inside = needed(self.by_out, {}, tuple(s.name for s in starts))
        part = _Part(self, self._of(inside))
        for s in starts:
            if s.adjoint is None:
                continue
            v = self.values[s.name]
            whole = Access(s.name, (), labels_of(v.shape))
            part.minimise(replace(v, name=s.adjoint, batched=True), (whole, replace(whole, name=s.adjoint)))
        part.keep(s.name for s in starts if s.name in inside)
        return part.system(())

    def _end(self, sums: tuple[Sum, ...]) -> System | None:
        loss = self.system.loss
        if loss in {s.name for s in sums}:
            return None
        assert loss is not None
        inside = needed({n: e for n, e in self.by_out.items() if n not in self.summed}, {}, (loss,))
        part = _Part(self, self._of(inside))
        for s in sums:
            part.values[s.name] = replace(self.values[s.name], role="given")
        part.keep((loss,))
        return replace(part.system(()), loss=loss)


class _Part:
    """Some equations of a system, and what they minimise."""

    def __init__(self, owner: _Splitting, equations: tuple[Equation, ...]) -> None:
        self.whole = owner.system
        self.equations = list(equations)
        inside = {e.out for e in equations}
        self.values = {v.name: v for v in owner.system.values if v.name in inside or v.name not in owner.by_out}
        self.terms: list[str] = []

    def minimise(self, given: Value, reads: tuple[Access, ...]) -> None:
        """Adds the product of `reads`, one of which is the new `given`, to what is minimised."""
        self.values[given.name] = replace(given, role="given")
        name = f"{OBJECTIVE} {len(self.terms) + 1}"
        self.values[name] = Value(name, "part", (), True, ())
        self.equations.append(Equation(name, (), Contract(), reads))
        self.terms.append(name)

    def keep(self, names: Iterable[str]) -> None:
        """What is returned, whoever reads it."""
        for name in names:
            self.values[name] = replace(self.values[name], role="unit")

    def system(self, borders: tuple[Border, ...]) -> System:
        self.values[OBJECTIVE] = Value(OBJECTIVE, "part", (), True, ())
        reads = tuple(Access(n, (), ()) for n in self.terms)
        return replace(
            self.whole,
            values=tuple(self.values.values()),
            equations=(*self.equations, Equation(OBJECTIVE, (), Pointwise(sum_of(len(self.terms))), reads)),
            borders=borders,
            outputs=(),
            loss=OBJECTIVE,
        )
