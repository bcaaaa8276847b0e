"""Expressions of the model to equations: the one place that knows what every operation of the language means.

`Lowering.formula` turns an elementwise tree into a formula over the reads of the equation being made; whatever is not
elementwise becomes an equation of its own and is read by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rnnc.diagnostics import Span
from rnnc.model import forms as m
from rnnc.model.label_losses import normalised
from rnnc.ops import formula as f
from rnnc.ops.elementary import BY_NAME
from rnnc.sizes import ONE, Shape
from rnnc.system import forms as s
from rnnc.system.naming import unused
from rnnc.system.products import PRODUCTS

INLINE = {*f.ARITHMETIC, *f.LOGICAL, "min", "max", "clip"}


class Reads:
    """The reads of one equation, each access once."""

    def __init__(self) -> None:
        self.accesses: list[s.Access] = []

    def operand(self, access: s.Access) -> f.Operand:
        if access not in self.accesses:
            self.accesses.append(access)
        return f.Operand(self.accesses.index(access))


class Lowering:
    """Values and equations made so far. `owner` is the unit being lowered; its parts carry its name."""

    def __init__(self, model: m.Model) -> None:
        self.model = model
        self.values: dict[str, s.Value] = {}
        self.equations: list[s.Equation] = []
        self.units = {u.name: u for u in model.units}
        self.owner = "loss"
        self._made: dict[tuple[int, str], str] = {}
        self._alive: list[m.Expr] = []
        for p in model.parameters:
            kind: m.Kind = "token" if p.columns_of is not None else "real"
            self.values[p.name] = s.Value(p.name, "parameter" if p.trained else "fixed", (), False, p.shape, kind)
        for d in (*model.inputs, *model.targets):
            self.values[d.name] = s.Value(d.name, d.role, d.type.axes, True, d.type.shape, d.type.kind)
        for axis in model.axes:
            self.values[f"#{axis}"] = s.Value(f"#{axis}", "position", (axis,), True, ())
            self.values[f"|{axis}|"] = s.Value(f"|{axis}|", "length", (), True, ())
        for u in model.units:
            self.values[u.name] = s.Value(u.name, "unit", u.type.axes, True, u.type.shape)

    # ---- making equations

    def define(self, unit: m.Unit) -> None:
        """The equation of an author's unit."""
        about = " ".join(unit.equation.text.split())
        self._equation(unit.name, unit.right, unit.type.axes, unit.type.shape, about, unit.equation)

    def named(self, expr: m.Expr, part: str) -> str:
        """The name of a value holding `expr`: the value it reads, or a new part of the owner."""
        if isinstance(expr, m.Read) and all(a == m.At(a.axis) for a in expr.at):
            return expr.name
        return self.shaped(expr, expr.type.shape, part)

    def shaped(self, expr: m.Expr, shape: Shape, part: str) -> str:
        """A new value of the given shape (a scalar is broadcast to it) holding `expr`; the same expression only
        once."""
        key = (id(expr), "" if shape == expr.type.shape else str(shape))
        if key not in self._made:
            self._alive.append(expr)
            name = self.fresh(part)
            self._made[key] = name
            self._equation(name, expr, expr.type.axes, shape, "", expr.span)
        return self._made[key]

    def fresh(self, part: str) -> str:
        """A name for a part of the owner that no value has yet."""
        name = unused(f"{self.owner}:{part}", self.values)
        self.values[name] = s.Value(name, "part", (), False, ())
        return name

    def emit(
        self,
        name: str,
        axes: tuple[str, ...],
        shape: Shape,
        op: s.Op,
        reads: tuple[s.Access, ...],
        dims: tuple[str, ...] | None = None,
        about: str = "",
        span: Span | None = None,
    ) -> str:
        """Add the equation that defines `name` (a unit, or a name from `fresh`)."""
        old = self.values[name]
        if old.role == "part":
            axes = tuple(a for a in self.model.axes if a in axes)
        batched = old.role == "unit" or any(self.values[r.name].batched for r in reads)
        self.values[name] = s.Value(name, old.role, axes, batched, shape)
        labels = dims if dims is not None else labels_of(shape)
        self.equations.append(s.Equation(name, labels, op, reads, about, span))
        return name

    def _equation(self, name: str, expr: m.Expr, axes: tuple[str, ...], shape: Shape, about: str, span: Span) -> None:
        whole = expr.type.shape == shape and expr.type.axes == axes
        if isinstance(expr, m.Over | m.Apply) and whole and self.product(expr) is not None:
            make = self.product(expr)
            assert make is not None
            make(self, expr, name, about, span)
            return
        reads = Reads()
        labels = labels_of(shape)
        formula = self.formula(expr, reads, labels, shape, root=True)
        self.emit(name, axes, shape, s.Pointwise(formula), tuple(reads.accesses), labels, about, span)

    def product(self, expr: m.Expr) -> Callable[..., None] | None:
        """What makes the equation of an operation that is not elementwise; None for those that are."""
        if isinstance(expr, m.Over):
            return PRODUCTS[f"over {expr.op}"]
        if isinstance(expr, m.Apply):
            if expr.op in ("min", "max") and len(expr.args) == 1:
                return PRODUCTS["extreme"]
            return PRODUCTS.get(expr.op)
        return None

    # ---- elementwise

    def formula(
        self, expr: m.Expr, reads: Reads, labels: tuple[str, ...], shape: Shape, root: bool = False
    ) -> f.Formula:
        """`expr` as a formula over `reads`, at the labels of an equation whose output has `shape`."""
        if isinstance(expr, m.Number):
            return f.Constant(float(expr.value))
        if isinstance(expr, m.SizeNumber):
            return f.Extent(expr.size)
        if isinstance(expr, m.Position):
            return reads.operand(s.Access(f"#{expr.axis}", (m.At(expr.axis),), ()))
        if isinstance(expr, m.Read):
            return reads.operand(self.access(expr, spread(expr.type.shape, labels, shape)))
        if isinstance(expr, m.Apply) and self.product(expr) is None:
            record = BY_NAME.get(expr.op)
            if expr.op == "forced":
                return self._forced(expr, reads, labels, shape)
            if expr.op == "log" and (fused := self.log(expr.args[0])) is not None:
                return self.formula(fused, reads, labels, shape)
            if expr.op in INLINE or record is None:
                return f.Operation(expr.op, tuple(self.formula(a, reads, labels, shape) for a in expr.args))
            if root and expr.type.shape == shape:
                return f.Operation(expr.op, (self._net(expr.args[0], reads, labels, shape),))
            name = self.shaped(expr, expr.type.shape, expr.op)
            return reads.operand(self.here(name, spread(expr.type.shape, labels, shape)))
        name = self.shaped(expr, expr.type.shape, expr.op)
        return reads.operand(self.here(name, spread(expr.type.shape, labels, shape)))

    def _net(self, expr: m.Expr, reads: Reads, labels: tuple[str, ...], shape: Shape) -> f.Formula:
        """The argument of an elementary function: its net input, a value of its own unless it is one already."""
        if isinstance(expr, m.Read | m.Number | m.SizeNumber | m.Position):
            return self.formula(expr, reads, labels, shape)
        name = self.shaped(expr, expr.type.shape, "net")
        return reads.operand(self.here(name, spread(expr.type.shape, labels, shape)))

    def _forced(self, expr: m.Apply, reads: Reads, labels: tuple[str, ...], shape: Shape) -> f.Formula:
        own, target = (self.formula(a, reads, labels, shape) for a in expr.args)
        return f.Operation("where", (f.Operation("present", (target,)), target, own))

    # ---- reading

    def access(self, read: m.Read, dims: tuple[str | int, ...]) -> s.Access:
        return s.Access(read.name, read.at, dims, read.span)

    def here(self, name: str, dims: tuple[str | int, ...]) -> s.Access:
        """`name` read at the current position of all its axes."""
        return s.Access(name, tuple(m.At(a) for a in self.values[name].axes), dims)

    def operand_of(self, expr: m.Expr, dims: tuple[str | int, ...], part: str = "part") -> s.Access:
        """`expr` as one access, made a value first where it is not a plain read."""
        if isinstance(expr, m.Read):
            return self.access(expr, dims)
        return self.here(self.named(expr, part), dims)

    def log(self, p: m.Expr) -> m.Expr | None:
        """log p as a read of a value made without forming p, where p is (a unit defined as) a softmax, sigmoid or
        exp."""
        definition = self.definition(p, ("softmax", "sigmoid", "exp"))
        if definition is None:
            return None
        span, t = definition.span, definition.type
        if isinstance(definition, m.Over):
            logged: m.Expr = m.Over("log_softmax", definition.axis, definition.body, None, t, span)
        elif definition.op == "softmax":
            logged = m.Apply("log_softmax", definition.args, t, span)
        elif definition.op == "exp":
            logged = definition.args[0]
        else:
            logged = _minus_softplus(m.Apply("neg", definition.args, t, span))
        return self._behind(p, definition, logged, "log")

    def logits(self, p: m.Expr) -> m.Expr:
        """What the softmax is taken of that p is (or is the logarithm of), under the author's name for p, at every
        position of p."""
        softmax = normalised(p, self.units)
        assert softmax is not None, "the model was checked"
        net = softmax.args[0]
        name = self._everywhere(self.named(net, "net"), p.type.axes)
        return m.Read(name, tuple(m.At(a) for a in p.type.axes), replace(net.type, axes=p.type.axes), p.span)

    def log_complement(self, p: m.Expr) -> m.Expr | None:
        """log(1 - p) of (a unit defined as) a sigmoid."""
        definition = self.definition(p, ("sigmoid",))
        if not isinstance(definition, m.Apply):
            return None
        return self._behind(p, definition, _minus_softplus(definition.args[0]), "log1m")

    def argument(self, p: m.Expr, function: str) -> m.Expr | None:
        """a where p is (a unit defined as) `function(a)`."""
        definition = self.definition(p, (function,))
        if not isinstance(definition, m.Apply):
            return None
        return self._behind(p, definition, definition.args[0], "net")

    def value(self, expr: m.Expr, part: str, about: str = "") -> m.Expr:
        """A read of a value that holds `expr`, computed once."""
        name = self.named(expr, part)
        if about and self.values[name].role == "part":
            self.equations = [replace(e, about=about) if e.out == name else e for e in self.equations]
        return m.Read(name, tuple(m.At(a) for a in self.values[name].axes), expr.type, expr.span)

    def _behind(self, p: m.Expr, definition: m.Expr, expr: m.Expr, part: str) -> m.Expr:
        """`expr`, made of what `p` is defined by, as a value that is read where `p` is read."""
        key = (id(definition), part)
        if key not in self._made:
            self._alive.append(definition)
            name = self.named(expr, part)
            self._made[key] = self._everywhere(name, self.values[p.name].axes) if isinstance(p, m.Read) else name
        name = self._made[key]
        at = p.at if isinstance(p, m.Read) else tuple(m.At(a) for a in self.values[name].axes)
        return m.Read(name, at, p.type, p.span)

    def _everywhere(self, name: str, axes: tuple[str, ...]) -> str:
        """The name of a value with these axes that holds at every position what `name` does."""
        old = self.values[name]
        if old.axes == axes:
            return name
        labels = labels_of(old.shape)
        copied = (self.here(name, labels),)
        return self.emit(
            self.fresh(name.rpartition(":")[2]), axes, old.shape, s.Pointwise(f.Operand(0)), copied, labels
        )

    def definition(self, expr: m.Expr, functions: tuple[str, ...]) -> m.Apply | m.Over | None:
        """The call of one of `functions` that `expr` is or that defines the unit it reads; None for anything else."""
        if isinstance(expr, m.Read) and expr.name in self.units:
            if any(a.low or a.high is not None for a in expr.at):
                return None
            unit = self.units[expr.name]
            if unit.right.type.shape != unit.type.shape:
                return None
            return self.definition(unit.right, functions) if not isinstance(unit.right, m.Read) else None
        if isinstance(expr, m.Apply) and expr.op in functions:
            return expr
        if isinstance(expr, m.Over) and expr.op in functions and expr.op == "softmax" and expr.where is None:
            return expr
        return None


def _minus_softplus(a: m.Expr) -> m.Expr:
    return m.Apply("neg", (m.Apply("softplus", (a,), a.type, a.span),), a.type, a.span)


def labels_of(shape: Shape) -> tuple[str, ...]:
    """Labels for the unit dimensions of an output. The point keeps them apart from axes, which are the author's
    names."""
    return tuple(f".i{k}" for k in range(len(shape)))


def spread(inner: Shape, labels: tuple[str, ...], outer: Shape) -> tuple[str | int, ...]:
    """How a value of shape `inner` is read at the labels of an equation of shape `outer`: itself, or a scalar
    broadcast."""
    if inner == outer:
        return labels
    return (0,) * len(inner) if inner == (ONE,) else labels[: len(inner)]
