"""From a system's flat equations to equations a reader knows: what the compiler made is written out where
it is read.

Every value is either kept (it has an equation of its own in the derivation) or given, or its right side
takes its place, at the position and the indices it is read at. Bound variables are named by depth, so that
equal sums compare equal.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.formulas import from_formula
from rnnc.derive.known import Known
from rnnc.derive.rewrite import exchange, exchange_ref
from rnnc.model.forms import At
from rnnc.sizes import Size
from rnnc.system import forms as s

UNIT = Size.of(1)


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: a place for each axis, an index for each label, how many index symbols
    are taken, and which position variables.
    """

    places: tuple[tuple[str, x.Place], ...]
    labels: tuple[tuple[str, x.Index | x.Ref], ...]
    depth: int
    taken: frozenset[str]

    def place(self, axis: str) -> x.Place:
        return dict(self.places)[axis]

    def label(self, name: str) -> x.Index | x.Ref:
        return dict(self.labels)[name]


class Expansion:
    """The equations of `system` over the values in `keep`."""

    def __init__(self, system: s.System, keep: frozenset[str]) -> None:
        self.system = system
        self.values = {v.name: v for v in system.values}
        self.equations = {e.out: e for e in system.equations}
        self.keep = keep
        self.known = Known(system, keep)
        self._splits: dict[str, x.Index] = {}

    def equation(self, name: str) -> tuple[x.Ref, x.Expr]:
        """A kept value's left and right side, its free indices `@0`, `@1`, ..."""
        left = self.left(name)
        self.known.defining = name
        right = self.definition(left)
        self.known.defining = ""
        split = dict(self._splits)
        self._splits.clear()
        return exchange_ref(left, split), exchange(right, split) if split else right

    def left(self, name: str) -> x.Ref:
        v = self.values[name]
        indices = tuple(x.ONLY if z == UNIT else x.Index.symbol(f"@{k}") for k, z in enumerate(v.shape))
        return x.Ref(name, tuple(x.Place(a, a) for a in v.axes), indices)

    def definition(self, ref: x.Ref) -> x.Expr:
        """The right side of the equation of `ref`, at its position and indices."""
        taken = frozenset(p.base for p in ref.at)
        return self._inline(ref.name, ref.at, ref.indices, len(ref.indices), taken)

    def _inline(
        self,
        name: str,
        at: tuple[x.Place, ...],
        indices: tuple[x.Index | x.Ref, ...],
        depth: int,
        taken: frozenset[str],
    ) -> x.Expr:
        e, v = self.equations[name], self.values[name]
        places = tuple(zip(v.axes, at, strict=True))
        labels = tuple(zip(e.dims, indices, strict=True))
        return self._right(e, Scope(places, labels, depth, taken))

    # ---- reading

    def read(self, access: s.Access, scope: Scope) -> x.Expr:
        name, v = access.name, self.values[access.name]
        if v.role == "seed":
            return x.ONE
        if v.role == "length":
            axis = name.strip("|")
            return x.Position(x.Place(axis, "last", 1))
        windows = sum(a.high is not None for a in access.at)
        indices = tuple(x.Index.constant(d) if isinstance(d, int) else scope.label(d) for d in access.dims)
        taps = iter(indices[:windows])
        at = tuple(_placed(a, scope, next(taps) if a.high is not None else None) for a in access.at)
        if v.role == "position":
            return x.Position(at[0])
        return self.value(name, at, indices[windows:], scope)

    def value(self, name: str, at: tuple[x.Place, ...], indices: tuple[x.Index | x.Ref, ...], scope: Scope) -> x.Expr:
        indices = tuple(x.ONLY if z == UNIT else i for i, z in zip(indices, self.values[name].shape, strict=True))
        same = self.known.same_as.get(name)
        if same is not None:
            ref = x.Ref(same[0], at, indices)
            return x.Call("ln", (ref,)) if same[1] else ref
        if name in self.keep or name not in self.equations:
            return x.Ref(name, at, indices)
        return self._inline(name, at, indices, scope.depth, scope.taken)

    # ---- operations

    def _right(self, e: s.Equation, scope: Scope) -> x.Expr:
        op = e.op
        if isinstance(op, s.Pointwise):
            return from_formula(op.formula, lambda k: self.read(e.reads[k], scope), self.known)
        if isinstance(op, s.Contract):
            bound, inner = self._bind(e, scope)
            return self._total(bound, algebra.mul(self.read(r, inner) for r in e.reads))
        if isinstance(op, s.Softmax):
            return self._softmax(e, op, scope)
        if isinstance(op, s.Extreme):
            bound, inner = self._bind(e, scope)
            where = self.read(e.reads[1], inner) if len(e.reads) > 1 else None
            body = self.read(e.reads[0], inner)
            return x.Reduce(op.kind, bound, body, where) if bound else body
        if isinstance(op, s.Gather | s.Take):
            token = self.read(e.reads[1], scope)
            assert isinstance(token, x.Ref)
            return self.read(e.reads[0], _with_label(scope, str(e.reads[0].dims[0]), token))
        if isinstance(op, s.Scatter | s.Untake):
            bound, inner = self._bind(e, scope)
            row = x.Number(scope.label(e.dims[0]))
            chosen = x.Bracket(x.Compare("==", self.read(e.reads[1], inner), row))
            return self._total(bound, algebra.mul((chosen, self.read(e.reads[0], inner))))
        if isinstance(op, s.Dropout):
            owner = e.out.split(":")[0]
            places = tuple(scope.place(a) for a in self.values[e.out].axes)
            mask = x.Ref(f"{owner}:mask", places, tuple(scope.label(d) for d in e.dims))
            return algebra.mul((mask, self.read(e.reads[0], scope)))
        if isinstance(op, s.Ctc):
            return algebra.mul((x.MINUS, x.Call("ln", (x.Call("P", self._labelling(e)),))))
        if isinstance(op, s.CtcGradient):
            labels, _ = self._labelling(e)
            p = self._emitted(e.reads[0], (scope.place(op.over[0]),), scope.label(e.dims[0]), scope)
            less = algebra.mul((x.MINUS, x.Call("gamma", (labels, p))))
            return algebra.mul((self.read(e.reads[2], scope), algebra.add((p, less))))
        assert isinstance(op, s.Concat | s.Slice | s.Reshape), "influences are derived from their own equations"
        return self._structure(e, op, scope)

    def _labelling(self, e: s.Equation) -> tuple[x.Expr, x.Expr]:
        """The labels of a ctc loss and the probabilities that it reads, both as a whole."""
        logits, labels = e.reads[:2]
        inner = Scope(tuple((a.axis, x.Place(a.axis, a.axis)) for a in logits.at), (), 0, frozenset())
        inner = _with_label(inner, str(logits.dims[0]), x.BLANK)
        emitted = self._emitted(logits, (), x.BLANK, inner)
        return x.Ref(labels.name, (), (x.ONLY,) * len(self.values[labels.name].shape)), emitted

    def _emitted(self, logits: s.Access, at: tuple[x.Place, ...], index: x.Index | x.Ref, scope: Scope) -> x.Expr:
        """The softmax of logits: the author's unit of it, where there is one."""
        for u in self.system.equations:
            if isinstance(u.op, s.Softmax) and u.reads[0].name == logits.name and u.out in self.keep:
                p = x.Ref(u.out, at, (index,))
                return x.Call("exp", (p,)) if u.op.log else p
        return x.Call("softmax", (self.read(logits, scope),))

    def _structure(self, e: s.Equation, op: s.Concat | s.Slice | s.Reshape, scope: Scope) -> x.Expr:
        if isinstance(op, s.Reshape):
            return self._reshape(e, scope)
        index = scope.label(e.dims[0])
        if isinstance(op, s.Slice):
            read = e.reads[0]
            if index == x.BLANK:
                ends = (x.Extent(op.start), x.Extent(op.stop))
                return x.Call("slice", (self._vector(read, scope), *ends))
            if isinstance(index, x.Index):
                moved = x.Index(index.terms, index.offset + op.start)
                return self.read(read, _with_label(scope, str(read.dims[0]), moved))
            return x.Join((self._vector(read, scope),), index)
        parts = tuple(z if k is None else self._vector(e.reads[k], scope) for z, k in op.parts)
        return x.Join(parts, index)

    def _vector(self, read: s.Access, scope: Scope) -> x.Expr:
        """A read as a whole along its first dimension."""
        if not read.dims or not isinstance(read.dims[0], str):
            return self.read(read, scope)
        return self.read(read, _with_label(scope, read.dims[0], x.BLANK))

    def _reshape(self, e: s.Equation, scope: Scope) -> x.Expr:
        read = e.reads[0]
        taps = tuple(Size.of(a.high - a.low + 1) for a in read.at if a.high is not None)
        inner = (*taps, *self.values[read.name].shape)
        outer = self.values[e.out].shape
        if len(inner) == 1:
            return self.read(read, _with_label(scope, str(read.dims[0]), _joined(scope, e.dims, outer)))
        index = scope.label(e.dims[0])
        if len(outer) == 1 and isinstance(index, x.Index):
            split = self._split(index, inner)
            if split is not None:
                for d, i in zip(read.dims, split, strict=True):
                    scope = _with_label(scope, str(d), i)
                return self.read(read, scope)
        for d in read.dims:
            scope = _with_label(scope, str(d), x.BLANK)
        return x.Join((self.read(read, scope),), _joined(scope, e.dims, outer))

    def _split(self, index: x.Index, shape: tuple[Size, ...]) -> tuple[x.Index, ...] | None:
        """An index of a flattened array as one index a dimension; a symbol is exchanged for several where
        it is bound.
        """
        if index == x.BLANK:
            return tuple(x.BLANK for _ in shape)
        if index.offset != Size.of(0) or len(index.terms) != 1 or index.terms[0][1] != UNIT:
            return None
        symbol = index.terms[0][0]
        parts = tuple(x.ONLY if z == UNIT else x.Index.symbol(f"{symbol}.{k}") for k, z in enumerate(shape))
        whole = _flat(parts, shape)
        return parts if self._splits.setdefault(symbol, whole) == whole else None

    def _softmax(self, e: s.Equation, op: s.Softmax, scope: Scope) -> x.Expr:
        """exp(a_k) / sum_l exp(a_l), or its logarithm."""
        if op.over in e.dims:
            symbol = f"@{scope.depth}"
            inner = Scope(scope.places, scope.labels, scope.depth + 1, scope.taken)
            inner = _with_label(inner, op.over, x.Index.symbol(symbol))
        else:
            symbol = _variable(op.over, scope.taken)
            inner = _with_place(scope, op.over, symbol)
        own, other = self.read(e.reads[0], scope), self.read(e.reads[0], inner)
        exponential = x.Call("exp", (other,))
        if len(e.reads) > 1:
            exponential_of = algebra.mul((x.Bracket(self._holds(e.reads[1], inner)), exponential))
        else:
            exponential_of = exponential
        below = self._total((symbol,), exponential_of)
        if op.log:
            return algebra.add((own, algebra.mul((x.MINUS, x.Call("ln", (below,))))))
        ratio = algebra.mul((x.Call("exp", (own,)), algebra.power(below, x.MINUS)))
        if len(e.reads) > 1:
            return algebra.mul((x.Bracket(self._holds(e.reads[1], scope)), ratio))
        return ratio

    def _holds(self, mask: s.Access, scope: Scope) -> x.Expr:
        read = self.read(mask, scope)
        return read.condition if isinstance(read, x.Bracket) else x.Compare("!=", read, x.ZERO)

    # ---- bound variables

    def _bind(self, e: s.Equation, scope: Scope) -> tuple[tuple[str, ...], Scope]:
        """New variables for every axis and label that the reads have and the output lacks."""
        own = self.values[e.out].axes
        axes = [a for a in self.system.axes if a not in own and any(_here(r, a) for r in e.reads)]
        bound: list[str] = []
        for axis in axes:
            variable = _variable(axis, scope.taken)
            bound.append(variable)
            scope = _with_place(scope, axis, variable)
        for label, size in self._sizes(e.reads).items():
            if label in e.dims:
                continue
            if size == UNIT:
                scope = _with_label(scope, label, x.ONLY)
                continue
            symbol = f"@{scope.depth}"
            bound.append(symbol)
            scope = Scope(scope.places, scope.labels, scope.depth + 1, scope.taken)
            scope = _with_label(scope, label, x.Index.symbol(symbol))
        return tuple(bound), scope

    def _sizes(self, reads: tuple[s.Access, ...]) -> dict[str, Size]:
        sizes: dict[str, Size] = {}
        for r in reads:
            taps = tuple(Size.of(a.high - a.low + 1) for a in r.at if a.high is not None)
            for d, z in zip(r.dims, (*taps, *self.values[r.name].shape), strict=True):
                if isinstance(d, str):
                    sizes.setdefault(d, z)
        return sizes

    def _total(self, bound: tuple[str, ...], body: x.Expr) -> x.Expr:
        """The sum; a bound index that was found to run over several dimensions becomes several."""
        split = {b: self._splits.pop(b) for b in bound if b in self._splits}
        if split:
            body = exchange(body, split)
            bound = tuple(n for b in bound for n in (tuple(t for t, _ in split[b].terms) if b in split else (b,)))
        return self.known.picked(bound, body)


def _placed(at: At, scope: Scope, tap: x.Index | x.Ref | None) -> x.Place:
    low = at.low
    if isinstance(tap, x.Index) and not tap.terms and tap.offset.constant is not None:
        low, tap = low + tap.offset.constant, None
    assert not isinstance(tap, x.Ref)
    here = scope.place(at.axis) if at.anchor == "here" else x.Place(at.axis, at.anchor)
    until = here.offset + at.high if tap == x.BLANK and at.high is not None else here.until
    return x.Place(here.axis, here.base, here.offset + low, tap if tap is not None else here.tap, until)


def _here(read: s.Access, axis: str) -> bool:
    return any(a.axis == axis and a.anchor == "here" for a in read.at)


def _variable(axis: str, taken: frozenset[str]) -> str:
    name = axis
    while name in taken:
        name += "'"
    return name


def _with_place(scope: Scope, axis: str, variable: str) -> Scope:
    kept = tuple((a, p) for a, p in scope.places if a != axis)
    places = (*kept, (axis, x.Place(axis, variable)))
    return Scope(places, scope.labels, scope.depth, scope.taken | {variable})


def _with_label(scope: Scope, label: str, index: x.Index | x.Ref) -> Scope:
    kept = tuple((d, i) for d, i in scope.labels if d != label)
    return Scope(scope.places, (*kept, (label, index)), scope.depth, scope.taken)


def _joined(scope: Scope, dims: tuple[str, ...], shape: tuple[Size, ...]) -> x.Index:
    """The row-major index of an entry."""
    parts = tuple(scope.label(d) for d in dims)
    assert not any(isinstance(p, x.Ref) for p in parts)
    return _flat(tuple(p for p in parts if isinstance(p, x.Index)), shape)


def _flat(parts: tuple[x.Index, ...], shape: tuple[Size, ...]) -> x.Index:
    if all(p == x.BLANK for p in parts):
        return x.BLANK
    terms: tuple[tuple[str, Size], ...] = ()
    offset, stride = Size.of(0), UNIT
    for part, size in zip(reversed(parts), reversed(shape), strict=True):
        terms = (*((t, z * stride) for t, z in part.terms), *terms)
        offset = offset + part.offset * stride
        stride = stride * size
    return x.Index(terms, offset)
