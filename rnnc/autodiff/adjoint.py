"""Reverse mode: from a system to the system that also holds the adjoints of its loss.

The adjoint of an operand read at offset +d is an equation that reads at -d; a scan runs backwards because its offsets
changed sign. An adjoint that is one elementwise product of another adjoint is not made a value: it is kept as that
adjoint and a factor, so that the factors of a whole chain meet in one formula, which needs no adjoint and is formed
outside the scan (rnnc.system.hoist). Baur and Strassen (1983); Werbos (1990) for the recurrent case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rnnc.autodiff.deposit import Deposits
from rnnc.autodiff.rules import contributions, moves
from rnnc.autodiff.symbols import partials
from rnnc.model.forms import At
from rnnc.ops.formula import UNIT, Formula, Operand, added_up, substitute, sum_of
from rnnc.sizes import Size
from rnnc.system.forms import Access, Border, Concat, Contract, Equation, Pointwise, Role, Slice, System, Value
from rnnc.system.lowering import labels_of
from rnnc.system.naming import unused
from rnnc.system.reach import reached

SEED = "d(loss)"
"""The given derivative of what is minimised by each sequence's loss."""
DEEPEST = 30
"""Equations behind each other whose factors meet in one formula: a longer chain has a value in between."""


@dataclass(frozen=True)
class Scaled:
    """An adjoint: formula over reads, in the space of the value it belongs to (reads[0] is the one adjoint in it)."""

    formula: Formula
    reads: tuple[Access, ...]


@dataclass(frozen=True)
class Use:
    """Equation `equation` reads the value as its read number `index`."""

    equation: Equation
    index: int


class Adjoint:
    """The equations of the adjoint system while they are made."""

    def __init__(self, system: System, wrt: tuple[str, ...], along: str = "") -> None:
        self.system = system
        self.along = along
        self.values: dict[str, Value] = {v.name: v for v in system.values}
        self.equations: list[Equation] = []
        self.borders = {b.name: b for b in system.borders}
        self.wrt = wrt
        self._by_out = {e.out: e for e in system.equations}
        self.uses: dict[str, list[Use]] = {}
        for e in system.equations:
            for k, access in enumerate(e.reads):
                self.uses.setdefault(access.name, []).append(Use(e, k))
        self.active = active_values(system, wrt)
        self.deposits = Deposits(self)
        self._scaled: dict[str, Scaled] = {}
        self._made: dict[str, str] = {}
        self._shared: dict[tuple[object, ...], str] = {}
        self._waiting: list[str] = []
        self._deep = 0

    def run(self) -> tuple[tuple[str, str], ...]:
        gradients = []
        for name in self.wrt:
            gradients.append((name, self.value(name)))
        while self._waiting:
            self._define(self._waiting.pop(0))
        return tuple(gradients)

    # ---- values

    def add(self, value: Value, equation: Equation) -> str:
        self.values[value.name] = value
        self.equations.append(equation)
        return value.name

    def fresh(self, base: str) -> str:
        return unused(base, self.values)

    def value(self, name: str) -> str:
        """The adjoint of `name` as a value."""
        if name == self.system.loss:
            return SEED
        if name not in self._made:
            v = self.values[name]
            same = None if name in self.wrt else self._collapse(name)
            if same is not None:
                self._made[name] = self._formed_once(name, same)
                return self._made[name]
            made = self.fresh(f"d({name})")
            self._made[name] = made
            role: Role = "gradient" if name in self.wrt else "adjoint"
            self.values[made] = Value(made, role, v.axes, v.batched, v.shape)
            self._waiting.append(name)
        return self._made[name]

    def scaled(self, name: str, labels: tuple[str, ...]) -> Scaled:
        """The adjoint of `name` as a formula at the given labels, without a value of its own where it needs none."""
        if name not in self._scaled:
            collapsed = None if self._passed_on(name) else self._collapse(name)
            self._scaled[name] = collapsed or Scaled(Operand(0), (self.whole(self.value(name)),))
        found = self._scaled[name]
        rename: dict[str | int, str | int] = dict(zip(labels_of(self.values[name].shape), labels, strict=True))
        reads = tuple(replace(r, dims=tuple(rename.get(d, d) for d in r.dims)) for r in found.reads)
        return Scaled(found.formula, reads)

    def _passed_on(self, name: str) -> bool:
        """Whether the adjoint of `name` becomes a value in any case: one of several operands takes it unchanged."""
        e = self._by_out.get(name)
        if e is None or not isinstance(e.op, Pointwise):
            return False
        found = partials(e.op.formula, len(e.reads))
        reached = [p for r, p in zip(e.reads, found, strict=True) if r.name in self.active]
        return len(reached) > 1 and UNIT in reached

    def whole(self, name: str) -> Access:
        """All of `name` at the current position, at the standard labels."""
        v = self.values[name]
        return Access(name, tuple(At(a) for a in v.axes), labels_of(v.shape))

    def _formed_once(self, name: str, scaled: Scaled) -> str:
        """The value of a collapsed adjoint; values whose adjoints are the same formula share it."""
        if scaled.formula == Operand(0) and self._covers(name, scaled.reads[0]):
            return scaled.reads[0].name
        v = self.values[name]
        key = (scaled, v.axes, v.batched, v.shape)
        if key not in self._shared:
            made = self.fresh(f"d({name})")
            value = Value(made, "adjoint", v.axes, v.batched, v.shape)
            equation = Equation(made, labels_of(v.shape), Pointwise(scaled.formula), scaled.reads)
            self._shared[key] = self.add(value, equation)
        return self._shared[key]

    def formed(self, formula: Formula, reads: tuple[Access, ...], value: Value, dims: tuple[str, ...]) -> str:
        """A formula at the labels `dims` as a value like `value`, made once."""
        rename: dict[str | int, str | int] = dict(zip(dims, labels_of(value.shape), strict=True))
        moved = tuple(replace(r, dims=tuple(rename.get(d, d) for d in r.dims)) for r in reads)
        key = (Scaled(formula, moved), value.axes, value.batched, value.shape)
        if key not in self._shared:
            equation = Equation(value.name, labels_of(value.shape), Pointwise(formula), moved)
            self._shared[key] = self.add(value, equation)
        return self._shared[key]

    def _covers(self, name: str, access: Access) -> bool:
        """Whether `access` is the whole of a value in the space of `name`: its adjoint then has no need of its own
        value."""
        v, w = self.values[name], self.values[access.name]
        return access == self.whole(access.name) and (v.axes, v.batched, v.shape) == (
            w.axes,
            w.batched,
            w.shape,
        )

    def _collapse(self, name: str) -> Scaled | None:
        """`_factored`, of at most so many equations behind each other."""
        if self._deep >= DEEPEST:
            return None
        self._deep += 1
        found = self._factored(name)
        self._deep -= 1
        return found

    def _factored(self, name: str) -> Scaled | None:
        """The adjoint of a value with one elementwise use at the same place: that use's adjoint times a factor."""
        uses = self._active_uses(name)
        if len(uses) != 1 or name in self.wrt or name in self._made or self._starts(name):
            return None
        use = uses[0]
        access = use.equation.reads[use.index]
        if isinstance(use.equation.op, Contract) and len(use.equation.reads) == 1:
            return self._spread(name, use.equation, access)
        if not isinstance(use.equation.op, Pointwise) or not self.deposits.in_place(use.equation, access):
            return None
        contribution = next(iter(contributions(self, use.equation, use.index)), None)
        if contribution is None:
            return None
        rename: dict[str | int, str | int] = dict(zip(access.dims, labels_of(self.values[name].shape), strict=True))
        reads = tuple(replace(r, dims=tuple(rename.get(d, d) for d in r.dims)) for r in contribution.reads)
        return Scaled(contribution.formula, reads)

    def _spread(self, name: str, equation: Equation, access: Access) -> Scaled | None:
        """A plain sum over unit dimensions: every entry's adjoint is the sum's."""
        v, out = self.values[name], self.values[equation.out]
        if any(a != At(a.axis) for a in access.at) or v.axes != out.axes or v.batched != out.batched:
            return None
        own = self.scaled(equation.out, equation.dims)
        rename: dict[str | int, str | int] = dict(zip(access.dims, labels_of(v.shape), strict=True))
        if any(not isinstance(d, str) for d in access.dims):
            return None
        reads = tuple(replace(r, dims=tuple(rename.get(d, d) for d in r.dims)) for r in own.reads)
        return Scaled(own.formula, reads)

    # ---- definitions

    def _active_uses(self, name: str) -> list[Use]:
        return [u for u in self.uses.get(name, ()) if u.equation.out in self.active]

    def _starts(self, name: str) -> tuple[Border, ...]:
        return tuple(b for b in self.system.borders if name in b.reads())

    def _define(self, name: str) -> None:
        """The equation of the adjoint of `name`: the sum of what its uses contribute."""
        v = self.values[name]
        labels = labels_of(v.shape)
        terms: list[Scaled] = []
        slices: list[tuple[Slice, Access]] = []
        for use in self._active_uses(name):
            access = use.equation.reads[use.index]
            if isinstance(use.equation.op, Slice) and self.deposits.in_place(use.equation, access, structural=True):
                slices.append((use.equation.op, self.whole(self.value(use.equation.out))))
                continue
            for contribution in contributions(self, use.equation, use.index):
                terms.extend(
                    Scaled(formula, reads)
                    for formula, reads in self.deposits.into(name, access, use.equation, contribution)
                )
        for border in self._starts(name):
            for access in self.deposits.from_border(border, name):
                terms.append(Scaled(Operand(0), (access,)))
        if slices:
            made = self._joined(name, slices)
            if not terms and made not in self._made.values():
                self._alias(name, made)
                return
            terms.insert(0, Scaled(Operand(0), (self.whole(made),)))
        self._sum(name, terms, labels)

    def _alias(self, name: str, made: str) -> None:
        """The equation of the joined slices becomes the adjoint's own."""
        own = self._made[name]
        self.equations = [replace(e, out=own) if e.out == made else e for e in self.equations]
        self._shared = {key: own if known == made else known for key, known in self._shared.items()}
        del self.values[made]

    def _joined(self, name: str, slices: list[tuple[Slice, Access]]) -> str:
        """Adjoints of slices of one value side by side, zeros where nothing was sliced. Overlapping slices add up."""
        v = self.values[name]
        layers: list[list[tuple[Slice, Access]]] = []
        left = sorted(slices, key=lambda c: (_start(c[0].start), str(c[0].start)))
        while left:
            layer = [left.pop(0)]
            while following := [c for c in left if c[0].start == layer[-1][0].stop]:
                layer.append(following[0])
                left.remove(following[0])
            layers.append(layer)
        made = [self._concat(name, v, layer) for layer in layers]
        if len(made) == 1:
            return made[0]
        total = self.fresh(f"d({name}:slices)")
        reads = tuple(self.whole(n) for n in made)
        value = replace(v, name=total, role="adjoint")
        return self.add(value, Equation(total, labels_of(v.shape), Pointwise(sum_of(len(made))), reads))

    def _concat(self, name: str, v: Value, layer: list[tuple[Slice, Access]]) -> str:
        parts: list[tuple[Size, int | None]] = []
        at = Size.of(0)
        for index, (cut, _) in enumerate(layer):
            if cut.start != at:
                parts.append((cut.start - at, None))
            parts.append((cut.stop - cut.start, index))
            at = cut.stop
        if at != v.shape[0]:
            parts.append((v.shape[0] - at, None))
        batched = any(self.values[a.name].batched for _, a in layer)
        reads = tuple(a for _, a in layer)
        key = (tuple(parts), reads, v.axes, batched, v.shape)
        if key not in self._shared:
            made = self.fresh(f"d({name}:joined)")
            value = Value(made, "adjoint", v.axes, batched, v.shape)
            self._shared[key] = self.add(value, Equation(made, labels_of(v.shape), Concat(tuple(parts)), reads))
        return self._shared[key]

    def _sum(self, name: str, terms: list[Scaled], labels: tuple[str, ...]) -> None:
        """d(name) = the sum of the terms; a lone contraction becomes the adjoint's own equation."""
        own = self._made[name]
        v = self.values[own]
        if len(terms) == 1 and terms[0].formula == Operand(0) and self._adopt(own, terms[0].reads[0]):
            return
        places: dict[Access, int] = {}
        moved: list[Formula] = []
        for term in terms:
            here = {k: Operand(places.setdefault(r, len(places))) for k, r in enumerate(term.reads)}
            moved.append(substitute(term.formula, here))
        formula = Pointwise(added_up(moved))
        self.equations.append(Equation(own, labels, formula, tuple(places), f"derivative by {name}"))
        self.values[own] = v

    def _adopt(self, own: str, access: Access) -> bool:
        """Let an equation made only for this adjoint define it, instead of copying its value."""
        v, w = self.values[own], self.values[access.name]
        if access.name not in self.deposits.temporary or access != self.whole(access.name):
            return False
        if (v.axes, v.batched, v.shape) != (w.axes, w.batched, w.shape):
            return False
        self.deposits.temporary.discard(access.name)
        self.equations = [replace(e, out=own) if e.out == access.name else e for e in self.equations]
        del self.values[access.name]
        return True


def _start(size: Size) -> int:
    return size.constant if size.constant is not None else 1 << 60


def active_values(system: System, wrt: Iterable[str]) -> frozenset[str]:
    """The values through which something in `wrt` moves the loss: not by way of a flat function."""
    assert system.loss is not None
    edges = [(r.name, e.out) for e in system.equations for k, r in enumerate(e.reads) if moves(e, k)]
    # an input with a border is read like a unit: what its border reads reaches its readers
    edges += [(name, b.name) for b in system.borders for name in b.reads()]
    return reached(wrt, edges) & reached((system.loss,), [(reader, source) for source, reader in edges])


def adjoint(system: System, wrt: tuple[str, ...], along: str = "") -> System:
    """The system with the equations of d(loss)/d(name) for every name in `wrt` (parameters and inputs). `along`: the
    axis of whose rows the system is a block, "" of a whole one.

    `d(loss)` is a given batched number, the derivative of what is minimised by each sequence's loss: 1 for the sum
    over the batch, 1/B for the mean. Raises `ValueError` for a system without a loss.
    """
    if system.loss is None:
        raise ValueError(f"network `{system.name}` has no loss")
    reverse = Adjoint(system, wrt, along)
    reverse.values[SEED] = Value(SEED, "seed", (), True, ())
    gradients = reverse.run()
    return replace(
        system,
        values=tuple(reverse.values.values()),
        equations=(*system.equations, *reverse.equations),
        gradients=gradients,
    )
