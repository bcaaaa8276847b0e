"""The door to sympy: formulas become sympy expressions of names the compiler made, derivatives become formulas again.

Activations are opaque functions whose derivative is written in their own value; `where` keeps its condition outside
the chain rule, so that a branch not taken never multiplies anything.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import sympy

from rnnc.ops.elementary import BY_NAME
from rnnc.ops.formula import Constant, Extent, Formula, Operand, Operation

OUT = Operand(-1)
"""The equation's own value, in a partial derivative."""


class Opaque(sympy.Function):  # type: ignore[misc]
    """A function sympy knows by name only."""

    title = ""

    def _eval_derivative(self, s: Any) -> Any:
        inner = [a.diff(s) for a in self.args]
        if all(d == 0 for d in inner):
            return sympy.Integer(0)
        if self.title == "where":
            return call("where", self.args[0], inner[1], inner[2])
        if self.title in ("min", "max"):
            test = "<=" if self.title == "min" else ">="
            return call("where", call(test, *self.args), *inner)
        if self.title == "clip":
            x, low, high = self.args
            if low.is_Number and high.is_Number:
                inside = call("where", call(">", x, high), inner[2], inner[0])
                return call("where", call("<", x, low), inner[1], inside)
            # the upper limit has the last word where the two have crossed
            inside = call("where", call("<", x, low), inner[1], inner[0])
            return call("where", call(">", call("max", x, low), high), inner[2], inside)
        record = BY_NAME.get(self.title)
        if record is None or record.derivative is None:
            return sympy.Integer(0)
        return sympy.sympify(record.derivative(self.args[0], self, call)) * inner[0]


@cache
def _function(title: str) -> Any:
    spelled = "f_" + "".join(c if c.isalnum() else str(ord(c)) for c in title)
    return type(spelled, (Opaque,), {"title": title})


def call(title: str, *args: Any) -> Any:
    """An opaque function applied; a `where` that does not choose is its branch."""
    args = tuple(sympy.sympify(a) for a in args)
    if title == "where" and args[1] == args[2]:
        return args[1]
    return _function(title)(*args)


@lru_cache(maxsize=4096)
def partials(formula: Formula, count: int) -> tuple[Formula, ...]:
    """The derivative of a formula by each of its `count` operands, in the operands and its own value (`OUT`)."""
    symbols = tuple(sympy.Symbol(f"a{k}", real=True) for k in range(count))
    sizes: dict[Any, Extent] = {}
    whole = _to_sympy(formula, symbols, sizes)
    return tuple(_to_formula(whole.diff(x), whole, symbols, sizes) for x in symbols)


def _to_sympy(formula: Formula, symbols: tuple[Any, ...], sizes: dict[Any, Extent]) -> Any:
    if isinstance(formula, Constant):
        value = formula.value
        whole = value * 1024 == int(value * 1024) and abs(value) < 1e12
        return sympy.Rational(int(value * 1024), 1024) if whole else sympy.Float(value, 17)
    if isinstance(formula, Extent):
        symbol = sympy.Symbol("z" + "".join(c if c.isalnum() else f"_{ord(c)}_" for c in str(formula.size)))
        sizes[symbol] = formula
        return symbol
    if isinstance(formula, Operand):
        return symbols[formula.index]
    args = tuple(_to_sympy(a, symbols, sizes) for a in formula.args)
    if formula.op == "+":
        return args[0] + args[1]
    if formula.op == "-":
        return args[0] - args[1]
    if formula.op == "*":
        return args[0] * args[1]
    if formula.op == "/":
        return args[0] / args[1]
    if formula.op == "neg":
        return -args[0]
    if formula.op == "^":
        return args[0] ** args[1]
    return call(formula.op, *args)


def _to_formula(e: Any, whole: Any, symbols: tuple[Any, ...], sizes: dict[Any, Extent]) -> Formula:
    def go(x: Any) -> Formula:
        if x == whole and isinstance(x, Opaque):
            return OUT
        if x in sizes:
            return sizes[x]
        if x in symbols:
            return Operand(symbols.index(x))
        if x.is_Number:
            return Constant(float(x))
        if x.is_Add:
            return _sum([go_signed(t) for t in x.as_ordered_terms()])
        if x.is_Mul:
            sign, result = go_signed(x)
            return Operation("neg", (result,)) if sign < 0 else result
        if x.is_Pow:
            return _power(x, go)
        if isinstance(x, sympy.log):
            return Operation("log", (go(x.args[0]),))
        if isinstance(x, Opaque):
            return Operation(x.title, tuple(go(a) for a in x.args))
        raise AssertionError(f"a derivative holds {type(x).__name__}")

    def go_signed(x: Any) -> tuple[int, Formula]:
        if not x.is_Mul:
            if x.is_Number and x < 0:
                return -1, go(-x)
            return 1, go(x)
        number, factors = x.as_coeff_mul()
        sign = -1 if number < 0 else 1
        return sign, _product(abs(number), sorted(factors, key=sympy.default_sort_key), go)

    return go(e)


def _sum(terms: list[tuple[int, Formula]]) -> Formula:
    terms.sort(key=lambda t: -t[0])
    sign, result = terms[0]
    if sign < 0:
        result = Operation("neg", (result,))
    for sign, term in terms[1:]:
        result = Operation("+" if sign > 0 else "-", (result, term))
    return result


def _product(number: Any, factors: list[Any], go: Any) -> Formula:
    above: list[Formula] = []
    below: list[Formula] = []
    if number.is_Rational and number.q != 1 and number.p == 1 and factors:
        below.append(Constant(float(number.q)))
    elif float(number) != 1.0 or not factors:
        above.append(Constant(float(number)))
    for x in factors:
        if x.is_Pow and x.exp.is_Number and x.exp < 0:
            below.append(go(1 / x))
        else:
            above.append(go(x))
    result = above[0] if above else Constant(1.0)
    for x in above[1:]:
        result = Operation("*", (result, x))
    for x in below:
        result = Operation("/", (result, x))
    return result


def _power(x: Any, go: Any) -> Formula:
    base, exponent = x.as_base_exp()
    if exponent.is_Number and exponent < 0:
        return Operation("/", (Constant(1.0), go(base ** (-exponent))))
    if exponent == 2:
        inner = go(base)
        return Operation("*", (inner, inner))
    if exponent == sympy.Rational(1, 2):
        return Operation("sqrt", (go(base),))
    return Operation("^", (go(base), go(exponent)))
