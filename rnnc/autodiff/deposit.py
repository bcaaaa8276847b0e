"""Where a contribution goes: from the positions and labels of the reader to those of the value it read.

An operand read at offset +d receives at n what its reader contributes at n-d; a window receives one such term a tap; a
read at a sequence's end is put there and nowhere else, from all readers; what the value lacks is summed; what was read
outside the sequence goes to the border's value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from rnnc.autodiff.rules import Contribution, contributions
from rnnc.model.forms import At
from rnnc.ops.formula import ZERO, Constant, Formula, Operand, Operation
from rnnc.sizes import Size
from rnnc.system.forms import FROM_BORDER, ROW, Access, Border, Contract, Equation, Pointwise, Value
from rnnc.system.lowering import labels_of

if TYPE_CHECKING:
    from rnnc.autodiff.adjoint import Adjoint

Term = tuple[Formula, tuple[Access, ...]]


class Deposits:
    """Moves contributions; `temporary` are the values made here that nothing else reads."""

    def __init__(self, adjoint: Adjoint) -> None:
        self.adjoint = adjoint
        self.temporary: set[str] = set()

    def in_place(self, equation: Equation, access: Access, structural: bool = False) -> bool:
        """The reader has exactly the positions (and labels) of what it reads."""
        out, source = self.adjoint.values[equation.out], self.adjoint.values[access.name]
        if any(a != At(a.axis) for a in access.at) or out.batched != source.batched:
            return False
        if structural:
            return out.axes == source.axes
        return set(out.axes) == set(source.axes) and sorted(map(str, access.dims)) == sorted(equation.dims)

    # ---- into the value itself

    def into(self, name: str, access: Access, equation: Equation, part: Contribution) -> Iterator[Term]:
        """The terms of d(name) that `part` makes."""
        labels = labels_of(self.adjoint.values[name].shape)
        if not part.product and self.in_place(equation, access):
            rename: dict[str | int, str | int] = dict(zip(access.dims, labels, strict=True))
            yield part.formula, tuple(_relabel(r, rename) for r in part.reads)
            return
        reads = self._factors(equation, part, access)
        for taps in _taps(access):
            moved = reads
            offsets = []
            for at, tap in zip(access.at, taps, strict=True):
                offsets.append(at.low + tap)
                if at.anchor == "here":
                    moved = tuple(_shift(r, at.axis, -(at.low + tap)) for r in moved)
            moved = _tapped(moved, access, taps)
            made = self._gathered(name, access, moved)
            ends = [(at, o) for at, o in zip(access.at, offsets, strict=True) if at.anchor != "here"]
            yield self._placed(made, ends)

    def _placed(self, made: Access, ends: list[tuple[At, int]]) -> Term:
        """`made`, only where every axis read at an end has that position."""
        formula: Formula = Operand(0)
        reads = [made]
        for at, offset in ends:
            reads.append(Access(self._row(at.axis), (At(at.axis),), ()))
            where: Formula = Operand(len(reads) - 1)
            target: Formula = Constant(float(offset))
            if at.anchor == "last":
                reads.append(Access(f"|{at.axis}|", (), ()))
                target = Operation("+", (Operand(len(reads) - 1), Constant(float(offset - 1))))
            formula = Operation("where", (Operation("==", (where, target)), formula, ZERO))
        return formula, tuple(reads)

    def _row(self, axis: str) -> str:
        """The position on an axis, counted from where a state goes on: an end is one of what the call is given."""
        position = f"#{axis}"
        if not any(r.name == position for e in self.adjoint.system.equations for r in e.reads):
            # nothing counts across calls
            return position
        row = position + ROW
        self.adjoint.values[row] = replace(self.adjoint.values[position], name=row)
        return row

    def _factors(self, equation: Equation, part: Contribution, access: Access) -> tuple[Access, ...]:
        """Accesses in the reader's space whose product is the contribution; at most one is a value made for it."""
        if part.product:
            out = self.adjoint.values[equation.out]
            for at in access.at:
                if at.anchor == "here" and at.axis not in out.axes and (at.low or at.high is not None):
                    return (self._spread(equation, access, part.reads),)
            return part.reads
        if part.formula == Operand(0):
            return part.reads[:1]
        factors = _product(part.formula)
        source, out = self.adjoint.values[access.name], self.adjoint.values[equation.out]
        sums = (out.batched and not source.batched) or any(a not in source.axes for a in out.axes)
        if factors is not None and sums:
            return tuple(part.reads[k] for k in factors)
        name = self.adjoint.fresh(f"d({equation.out} to {access.name})")
        batched = any(self.adjoint.values[r.name].batched for r in part.reads)
        here = {a.axis for r in part.reads for a in r.at if a.anchor == "here"}
        axes = tuple(a for a in self.adjoint.system.axes if a in here)
        axes = out.axes if set(axes) == set(out.axes) else axes
        sizes = self._sizes(part.reads)
        dims = tuple(d for d in dict.fromkeys((*equation.dims, *sizes)) if d in sizes)
        value = Value(name, "adjoint", axes, batched, tuple(sizes[d] for d in dims))
        made = self.adjoint.formed(part.formula, part.reads, value, dims)
        return (replace(self.adjoint.whole(made), dims=dims),)

    def _spread(self, equation: Equation, access: Access, reads: tuple[Access, ...]) -> Access:
        """The contribution at every position of an axis the reader sums over, so that it can be read past its ends
        as zero."""
        axes = tuple(a for a in self.adjoint.system.axes if _has((access, *reads), a))
        dims = tuple(d for d in access.dims if isinstance(d, str))
        kept = Access(access.name, access.at, dims)
        name = self.adjoint.fresh(f"d({equation.out} to {access.name})")
        sizes = self._sizes((access, *reads))
        shape = tuple(sizes[d] for d in dims)
        inner = self._summed(name + ":sum", tuple(a for a in axes if _has(reads, a)), True, dims, reads)
        value = Value(name, "adjoint", axes, True, shape)
        self.adjoint.add(value, Equation(name, kept.dims, Pointwise(Operand(0)), (inner,)))  # type: ignore[arg-type]
        return replace(self.adjoint.whole(name), dims=dims)

    # ---- into the value of a border

    def from_border(self, border: Border, start: str) -> Iterator[Access]:
        """What the readers of `border.name` contribute to its border value `start`, each term a value of its own."""
        if start in (name for _, name in border.rows):
            yield from self._rows_before(border, start)
            return
        # a start that stands beside the rows of a block counts wherever it begins
        beside = self.adjoint.along and self.adjoint.values[border.name].axes != (self.adjoint.along,)
        about = "" if beside else FROM_BORDER
        for access in self._border_terms(border, start):
            v = self.adjoint.values[access.name]
            target = self.adjoint.values[start]
            name = self.adjoint.fresh(f"d({start} outside {border.name})")
            labels = labels_of(target.shape)
            value = Value(name, "adjoint", (), v.batched and target.batched, target.shape)
            self.adjoint.add(value, Equation(name, labels, Pointwise(Operand(0)), (access,), about))
            self.temporary.add(name)
            yield self.adjoint.whole(name)

    def _rows_before(self, border: Border, start: str) -> Iterator[Access]:
        """Into the value of a row before the first."""
        first, *_ = self.adjoint.values[border.name].axes
        (back,) = (k for k, name in border.rows if name == start)
        v = self.adjoint.values[start]
        for use in self.adjoint._active_uses(border.name):
            access = use.equation.reads[use.index]
            for part in contributions(self.adjoint, use.equation, use.index):
                reads = self._factors(use.equation, part, access)
                for taps in _taps(access):
                    offsets = [at.low + tap for at, tap in zip(access.at, taps, strict=True)]
                    if -offsets[0] < back:
                        continue
                    moved = _tapped(reads, access, taps)
                    moved = tuple(_anchor(r, first, "first", -offsets[0] - back) for r in moved)
                    for at, offset in zip(access.at[1:], offsets[1:], strict=True):
                        if at.anchor == "here":
                            moved = tuple(_shift(r, at.axis, -offset) for r in moved)
                    made = self._gathered(start, access, moved)
                    ends = [(at, o) for at, o in zip(access.at, offsets, strict=True) if at.anchor != "here"]
                    formula, own = self._placed(made, ends)
                    name = self.adjoint.fresh(f"d({start} by {use.equation.out})")
                    value = Value(name, "adjoint", v.axes, v.batched, v.shape)
                    self.adjoint.add(value, Equation(name, labels_of(v.shape), Pointwise(formula), own))
                    self.temporary.add(name)
                    yield self.adjoint.whole(name)

    def _border_terms(self, border: Border, start: str) -> Iterator[Access]:
        for use in self.adjoint._active_uses(border.name):
            access = use.equation.reads[use.index]
            if not any(_outside(at, side) for at, side in zip(access.at, border.sides, strict=True)):
                continue
            for part in contributions(self.adjoint, use.equation, use.index):
                reads = self._factors(use.equation, part, access)
                for taps in _taps(access):
                    tapped = _tapped(reads, access, taps)
                    offsets = tuple(at.low + tap for at, tap in zip(access.at, taps, strict=True))
                    if len(border.sides) == 1:
                        yield from self._from_one(border, start, access, offsets[0], tapped)
                    else:
                        yield from self._from_many(border, start, access, offsets, tapped)

    def _from_one(
        self, border: Border, start: str, access: Access, offset: int, reads: tuple[Access, ...]
    ) -> Iterator[Access]:
        low = border.sides[0] == "low"
        at = access.at[0]
        early = dict(border.early)
        distance = -offset if low else offset
        if at.anchor != "here":
            if at.anchor == ("first" if low else "last"):
                if distance > 0 and early.get(distance, border.default) == start:
                    yield self._gathered(start, access, reads)
                return
            # read from the other end, so it is outside in a sequence that is short enough
            for length in range(1, distance + 1):
                if early.get(distance - length + 1, border.default) == start:
                    short = Operation("==", (Operand(1), Constant(float(length))))
                    yield self._chosen(start, access, (), short, (Access(f"|{at.axis}|", (), ()),), reads)
            return
        for j in range(distance):
            if early.get(distance - j, border.default) != start:
                continue
            moved = tuple(_anchor(r, at.axis, "first" if low else "last", j if low else -j) for r in reads)
            yield self._gathered(start, access, moved)

    def _from_many(
        self,
        border: Border,
        start: str,
        access: Access,
        offsets: tuple[int, ...],
        reads: tuple[Access, ...],
    ) -> Iterator[Access]:
        """On several axes: the contribution masked to the readers that read outside, then summed."""
        outside: Formula | None = None
        inside: Formula | None = None
        positions: list[Access] = []
        for at, side, offset in zip(access.at, border.sides, offsets, strict=True):
            place: Formula = Constant(float(offset))
            if at.anchor == "here":
                positions.append(Access(f"#{at.axis}", (At(at.axis),), ()))
                place = Operation("+", (Operand(len(positions)), place))
            positions.append(Access(f"|{at.axis}|", (), ()))
            length = Operand(len(positions))
            if at.anchor == "last":
                place = Operation("+", (length, Constant(float(offset - 1))))
            under, over = Operation("<", (place, ZERO)), Operation(">=", (place, length))
            off, wrong = (under, over) if side == "low" else (over, under)
            outside = _either(outside, Operation("where", (off, Constant(1.0), ZERO)))
            inside = _either(inside, Operation("where", (wrong, Constant(1.0), ZERO)))
        assert outside is not None and inside is not None
        chosen = Operation(">", (Operation("-", (outside, inside)), ZERO))
        axes = tuple(at.axis for at in access.at if at.anchor == "here")
        yield self._chosen(start, access, axes, chosen, tuple(positions), reads)

    def _chosen(
        self,
        start: str,
        access: Access,
        axes: tuple[str, ...],
        condition: Formula,
        positions: tuple[Access, ...],
        reads: tuple[Access, ...],
    ) -> Access:
        """The product of `reads` along `axes`, where `condition` holds of `positions` (operands 1, 2, ...), summed."""
        present = self._sizes(reads)
        dims = tuple(d for d in access.dims if isinstance(d, str) and d in present)
        whole = self._summed(self.adjoint.fresh(f"d({start}:whole)"), axes, True, dims, reads)
        name = self.adjoint.fresh(f"d({start}:outside)")
        formula = Operation("where", (condition, Operand(0), ZERO))
        value = Value(name, "adjoint", axes, True, tuple(present[d] for d in dims))
        self.adjoint.add(value, Equation(name, dims, Pointwise(formula), (whole, *positions)))
        return self._gathered(start, replace(access, at=()), (Access(name, tuple(At(a) for a in axes), dims),))

    # ---- summing

    def _gathered(self, name: str, access: Access, reads: tuple[Access, ...]) -> Access:
        """The product of `reads` summed into the space of `name`, read there at its standard labels; over all readers
        along an axis that `access` reads at an end."""
        v = self.adjoint.values[name]
        taps = len(access.dims) - len(v.shape)
        inner = access.dims[taps:]
        present = {d for r in reads for d in r.dims}
        dims = tuple(d for d in inner if isinstance(d, str) and d in present)
        ends = {at.axis for at in access.at if at.anchor != "here"}
        axes = tuple(a for a in v.axes if a not in ends and _has(reads, a))
        batched = v.batched
        made = self._summed(self.adjoint.fresh(f"d({name}:part)"), axes, batched, dims, reads)
        rename: dict[str | int, str | int] = {
            d: label for d, label in zip(inner, labels_of(v.shape), strict=True) if isinstance(d, str)
        }
        return _relabel(made, rename)

    def _summed(
        self,
        name: str,
        axes: tuple[str, ...],
        batched: bool,
        dims: tuple[str, ...],
        reads: tuple[Access, ...],
    ) -> Access:
        """The product of `reads` over the given axes and labels: a read that is already so, or a contraction."""
        values = self.adjoint.values
        has_batch = any(values[r.name].batched for r in reads)
        here = {t.axis for r in reads for t in r.at if t.anchor == "here"}
        labels = {d for r in reads for d in r.dims if isinstance(d, str)}
        if len(reads) == 1 and here == set(axes) and labels == set(dims) and (batched or not has_batch):
            return reads[0]
        sizes = self._sizes(reads)
        value = Value(name, "adjoint", axes, batched and has_batch, tuple(sizes[d] for d in dims))
        self.adjoint.add(value, Equation(name, dims, Contract(), reads))
        self.temporary.add(name)
        return Access(name, tuple(At(a) for a in axes), dims)

    def _sizes(self, reads: tuple[Access, ...]) -> dict[str, Size]:
        sizes: dict[str, Size] = {}
        for r in reads:
            taps = tuple(Size.of(a.high - a.low + 1) for a in r.at if a.high is not None)
            for d, z in zip(r.dims, (*taps, *self.adjoint.values[r.name].shape), strict=True):
                if isinstance(d, str):
                    sizes[d] = z
        return sizes


def _has(reads: tuple[Access, ...], axis: str) -> bool:
    return any(t.axis == axis and t.anchor == "here" for r in reads for t in r.at)


def _relabel(access: Access, rename: Mapping[str | int, str | int]) -> Access:
    return replace(access, dims=tuple(rename.get(d, d) for d in access.dims))


def _shift(access: Access, axis: str, by: int) -> Access:
    at = tuple(
        replace(t, low=t.low + by, high=None if t.high is None else t.high + by)
        if t.axis == axis and t.anchor == "here"
        else t
        for t in access.at
    )
    return replace(access, at=at)


def _anchor(access: Access, axis: str, anchor: str, by: int) -> Access:
    moved = _shift(access, axis, by)
    at = tuple(
        replace(t, anchor=anchor) if t.axis == axis and t.anchor == "here" else t  # type: ignore[arg-type]
        for t in moved.at
    )
    return replace(access, at=at)


def _taps(access: Access) -> Iterator[tuple[int, ...]]:
    """Every choice of one tap for each axis (0 where it is no window)."""
    return product(*(range(1 if t.high is None else t.high - t.low + 1) for t in access.at))


def _tapped(reads: tuple[Access, ...], access: Access, taps: tuple[int, ...]) -> tuple[Access, ...]:
    """`reads` with every tap label of `access` fixed to the chosen tap."""
    fixed: dict[str | int, int] = {}
    windows = [k for k, t in enumerate(access.at) if t.high is not None]
    for label, k in zip(access.dims, windows, strict=False):
        fixed[label] = taps[k]
    if not fixed:
        return reads
    return tuple(replace(r, dims=tuple(fixed.get(d, d) for d in r.dims)) for r in reads)


def _either(flag: Formula | None, other: Formula) -> Formula:
    return other if flag is None else Operation("max", (flag, other))


def _outside(at: At, side: str) -> bool:
    """Whether a read can leave the sequence on the border's side."""
    high = at.low if at.high is None else at.high
    return at.low < 0 if side == "low" else high > 0


def _product(formula: Formula) -> tuple[int, ...] | None:
    """The operands of a plain product, or None."""
    if isinstance(formula, Operand):
        return (formula.index,)
    if isinstance(formula, Operation) and formula.op == "*":
        left, right = (_product(a) for a in formula.args)
        return None if left is None or right is None else left + right
    return None
