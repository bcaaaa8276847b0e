"""Forward mode on expressions: the derivative of a right side, given those of the values it reads.

Elementary functions have the derivatives that sympy gives their formulas, written in their own value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rnnc.autodiff.symbols import OUT, partials
from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.bound import Fresh, apart
from rnnc.derive.formulas import choose, from_formula
from rnnc.derive.known import Known
from rnnc.derive.rewrite import exchange
from rnnc.ops.formula import Operand, Operation
from rnnc.sizes import Shape, Size

Of = Callable[[x.Ref], x.Expr]
FORMULAS = {"ln": "log"}


class Differential:
    """`of` gives the derivative of a value that is read; `known` says functions in the simplest words; `shapes` has the
    unit dimensions of every value."""

    def __init__(self, of: Of, known: Known, fresh: Fresh, shapes: Mapping[str, Shape]) -> None:
        self.of = of
        self.shapes = shapes
        self.known = known
        self.fresh = fresh

    def line(self, left: x.Ref, right: x.Expr, softmax: bool = False) -> x.Expr:
        """The derivative of `left` = `right`; `softmax` where the right side is one."""
        if softmax:
            made = self._softmax(left, right)
            if made is not None:
                return made
        return self._go(right, {right: left})

    def _go(self, e: x.Expr, same: dict[x.Expr, x.Expr]) -> x.Expr:
        """`same` maps a whole right side to the value that is equal to it."""
        if isinstance(e, x.Ref):
            return self.of(e)
        if isinstance(e, x.Add):
            return algebra.add(self._go(t, same) for t in e.terms)
        if isinstance(e, x.Mul):
            return self._product(e, same)
        if isinstance(e, x.Power):
            return self._power(e, same)
        if isinstance(e, x.Call):
            return self._call(e, same)
        if isinstance(e, x.Reduce):
            return self._reduce(e, same)
        if isinstance(e, x.Choice):
            return choose(e.condition, self._go(e.yes, same), self._go(e.no, same))
        if isinstance(e, x.Join):
            return self._join(e, same)
        return x.ZERO

    def _product(self, e: x.Mul, same: dict[x.Expr, x.Expr]) -> x.Expr:
        found = []
        for k, factor in enumerate(e.factors):
            inner = self._go(factor, same)
            if inner != x.ZERO:
                found.append(algebra.mul((*e.factors[:k], inner, *e.factors[k + 1 :])))
        return algebra.add(found)

    def _power(self, e: x.Power, same: dict[x.Expr, x.Expr]) -> x.Expr:
        below, above = self._go(e.operand, same), self._go(e.exponent, same)
        found = []
        if below != x.ZERO:
            less = algebra.add((e.exponent, x.MINUS))
            found.append(algebra.mul((e.exponent, algebra.power(e.operand, less), below)))
        if above != x.ZERO:
            found.append(algebra.mul((e, self.known.call("ln", (e.operand,)), above)))
        return algebra.add(found)

    def _call(self, e: x.Call, same: dict[x.Expr, x.Expr]) -> x.Expr:
        if e.title == "slice":
            cut = self._go(e.args[0], same)
            return x.ZERO if cut == x.ZERO else x.Call("slice", (cut, *e.args[1:]))
        inner = tuple(self._go(a, same) for a in e.args)
        if all(d == x.ZERO for d in inner):
            return x.ZERO
        operands = tuple(Operand(k) for k in range(len(e.args)))
        formula = Operation(FORMULAS.get(e.title, e.title), operands)
        value = same.get(e, e)
        found = []
        for partial, d in zip(partials(formula, len(e.args)), inner, strict=True):
            factor = from_formula(partial, lambda k: value if k == OUT.index else e.args[k], self.known)
            found.append(algebra.mul((factor, d)))
        return algebra.add(found)

    def _join(self, e: x.Join, same: dict[x.Expr, x.Expr]) -> x.Expr:
        """The derivatives side by side; so many zeros for a part that has none."""
        found = [None if isinstance(p, Size) else self._go(p, same) for p in e.parts]
        if all(d is None or d == x.ZERO for d in found):
            return x.ZERO
        parts = (length(p, self.shapes) if d is None or d == x.ZERO else d for p, d in zip(e.parts, found, strict=True))
        return x.Join(tuple(parts), e.index)

    def _reduce(self, e: x.Reduce, same: dict[x.Expr, x.Expr]) -> x.Expr:
        if e.kind == "sum":
            inner = self._go(e.body, same)
            parts = inner.terms if isinstance(inner, x.Add) else (inner,)
            return algebra.add(algebra.total(e.bound, t) for t in parts)
        # the entries that reach the extreme share its derivative equally
        own = apart(e, self.fresh)
        assert isinstance(own, x.Reduce)
        inner = self._go(own.body, same)
        if inner == x.ZERO:
            return x.ZERO
        masks = () if own.where is None else (x.Bracket(x.Compare("!=", own.where, x.ZERO)),)
        reached = (x.Bracket(x.Compare("==", own.body, same.get(e, e))), *masks)
        number = algebra.total(own.bound, algebra.mul(reached))
        return algebra.mul((algebra.total(own.bound, algebra.mul((*reached, inner))), algebra.power(number, x.MINUS)))

    def _softmax(self, left: x.Ref, right: x.Expr) -> x.Expr | None:
        """y_k (da_k - sum_l y_l da_l), where the right side is exp(a_k) / sum_l exp(a_l)."""
        _, factors = algebra.scaled(right)
        above = [f for f in factors if isinstance(f, x.Call) and f.title == "exp"]
        below = [f.operand for f in factors if isinstance(f, x.Power) and f.exponent == x.MINUS]
        if len(factors) != 2 or not above or not below or not isinstance(below[0], x.Reduce):
            return None
        if len(below[0].bound) != 1 or not below[0].bound[0].startswith("@"):
            return None
        (symbol,) = below[0].bound
        one, every = above[0].args[0], below[0].body
        free = [i for i in left.indices if isinstance(i, x.Index) and len(i.terms) == 1]
        same = [i for i in free if exchange(one, {i.terms[0][0]: x.Index.symbol(symbol)}) == every_argument(every)]
        if len(same) != 1:
            return None
        other = exchange(left, {same[0].terms[0][0]: x.Index.symbol(symbol)})
        inner = self._go(one, {})
        if inner == x.ZERO:
            return x.ZERO
        moved = exchange(apart(inner, self.fresh), {same[0].terms[0][0]: x.Index.symbol(symbol)})
        parts = moved.terms if isinstance(moved, x.Add) else (moved,)
        sums = (algebra.mul((x.MINUS, algebra.total((symbol,), algebra.mul((other, t))))) for t in parts)
        return algebra.mul((left, algebra.add((inner, *sums))))


def every_argument(e: x.Expr) -> x.Expr | None:
    """a_l of exp(a_l)."""
    return e.args[0] if isinstance(e, x.Call) and e.title == "exp" else None


def length(part: x.Expr | Size, shapes: Mapping[str, Shape]) -> Size:
    """How many entries a vector has that is meant as a whole; 1 for a number."""
    if isinstance(part, Size):
        return part
    if isinstance(part, x.Join):
        total = Size.of(0)
        for inner in part.parts:
            total = total + length(inner, shapes)
        return total
    if isinstance(part, x.Call) and part.title == "slice":
        start, stop = part.args[1:]
        assert isinstance(start, x.Extent) and isinstance(stop, x.Extent)
        return stop.size - start.size
    for node in x.walk(part):
        if isinstance(node, x.Ref) and x.BLANK in node.indices:
            size = Size.of(1)
            for p in node.at:
                size = size * Size.of(1 if p.until is None else p.until - p.offset + 1)
            for i, z in zip(node.indices, shapes[node.name], strict=True):
                size = size * z if i == x.BLANK else size
            return size
    return Size.of(1)
