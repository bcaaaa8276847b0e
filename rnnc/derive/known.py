"""What a reader knows without being told: a log-softmax is the logarithm of the softmax unit, softplus(-a)
= -ln sigmoid(a).
"""

from __future__ import annotations

from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.model.forms import At
from rnnc.ops.formula import Operand, Operation
from rnnc.system import forms as s


class Known:
    """`same_as` maps a softmax or log-softmax part to (the unit that is the softmax, whether it is its
    logarithm). `defining` is the unit whose own equation is being written.
    """

    def __init__(self, system: s.System, keep: frozenset[str]) -> None:
        self.values = {v.name: v for v in system.values}
        self.same_as: dict[str, tuple[str, bool]] = {}
        self.defining = ""
        self._sigmoid_of: dict[str, str] = {}
        units = [e for e in system.equations if self.values[e.out].role == "unit"]
        for e in system.equations:
            if isinstance(e.op, s.Softmax) and e.out not in keep:
                for u in units:
                    if isinstance(u.op, s.Softmax) and self._alike(e, u):
                        self.same_as.setdefault(e.out, (u.out, e.op.log))
        for u in units:
            read = u.reads[0] if len(u.reads) == 1 else None
            if u.op == s.Pointwise(Operation("sigmoid", (Operand(0),))) and read is not None and read.name in keep:
                whole = tuple(At(a) for a in self.values[u.out].axes)
                if read.at == whole and read.dims == u.dims:
                    self._sigmoid_of[read.name] = u.out

    def _alike(self, e: s.Equation, u: s.Equation) -> bool:
        assert isinstance(e.op, s.Softmax) and isinstance(u.op, s.Softmax)
        v, w = self.values[e.out], self.values[u.out]
        same = (v.axes, v.shape, e.dims, e.reads, e.op.over) == (w.axes, w.shape, u.dims, u.reads, u.op.over)
        return same and not u.op.log

    def _sigmoid(self, e: x.Expr) -> x.Expr | None:
        """The unit that is the sigmoid of `e`, where there is one."""
        if isinstance(e, x.Ref) and self._sigmoid_of.get(e.name, self.defining) != self.defining:
            return x.Ref(self._sigmoid_of[e.name], e.at, e.indices)
        return None

    def call(self, op: str, args: tuple[x.Expr, ...]) -> x.Expr:
        """A function applied, in the simplest words."""
        if op in ("log", "ln"):
            return x.Call("ln", args)
        if op in ("sqrt", "root"):
            return x.Call("sqrt", args)
        if op == "exp" and isinstance(args[0], x.Call) and args[0].title == "ln":
            return args[0].args[0]
        if op in ("softplus", "sigmoid"):
            negative = algebra.mul((x.MINUS, args[0]))
            unit, flipped = self._sigmoid(args[0]), self._sigmoid(negative)
            if op == "sigmoid" and unit is not None:
                return unit
            if op == "sigmoid" and flipped is not None:
                return _less(flipped)
            if unit is not None:
                return algebra.mul((x.MINUS, x.Call("ln", (_less(unit),))))
            if flipped is not None:
                return algebra.mul((x.MINUS, x.Call("ln", (flipped,))))
        return x.Call(op, args)

    def picked(self, bound: tuple[str, ...], body: x.Expr) -> x.Expr:
        """A sum; over all k, [w = k] adds up to 1 for a token that is there."""
        coefficient, factors = algebra.scaled(body)
        if len(factors) == 1 and isinstance(factors[0], x.Add):
            parts = [self.picked(bound, term) for term in factors[0].terms]
            if not any(isinstance(p, x.Reduce) for q in parts for p in x.walk(q)):
                return algebra.mul((x.Num(coefficient), algebra.add(parts)))
        for f in factors:
            if not isinstance(f, x.Bracket) or not isinstance(f.condition, x.Compare):
                continue
            token, row = f.condition.left, f.condition.right
            if f.condition.op != "==" or not isinstance(token, x.Ref) or not isinstance(row, x.Number):
                continue
            symbol = _alone(row.index)
            others = tuple(g for g in factors if g is not f)
            if symbol not in bound or any(symbol in x.symbols(g) for g in (token, *others)):
                continue
            there = () if self.values[token.name].role == "input" else (x.Bracket(x.Given(token)),)
            rest = tuple(b for b in bound if b != symbol)
            return algebra.total(rest, algebra.mul((x.Num(coefficient), *there, *others)))
        return algebra.total(bound, body)


def _alone(index: x.Index | x.Ref) -> str | None:
    if isinstance(index, x.Index) and len(index.terms) == 1 and index == x.Index.symbol(index.terms[0][0]):
        return index.terms[0][0]
    return None


def _less(e: x.Expr) -> x.Expr:
    return algebra.add((x.ONE, algebra.mul((x.MINUS, e))))
