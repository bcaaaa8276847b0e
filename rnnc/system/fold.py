"""Arithmetic on numbers alone is done once, here, and not by the module at every position.

before   (1 - 0.3) * h[n-1]      0.5 * (2 * net[n])      -(t - y)      a * where(present(t), b, 0)
after    0.7 * h[n-1]            net[n]                  y - t         where(present(t), a * b, 0)
"""

from __future__ import annotations

import math
from dataclasses import replace

from rnnc.ops.formula import ZERO, Constant, Formula, Operation
from rnnc.system.forms import Pointwise, System


def fold(system: System) -> System:
    """The same system with shorter formulas."""
    equations = tuple(
        replace(e, op=Pointwise(folded(e.op.formula))) if isinstance(e.op, Pointwise) else e for e in system.equations
    )
    return replace(system, equations=equations)


def folded(formula: Formula) -> Formula:
    """A formula of the same value: its numbers joined, factors of one and terms of zero gone."""
    if not isinstance(formula, Operation):
        return formula
    args = tuple(folded(a) for a in formula.args)
    numbers = tuple(a.value for a in args if isinstance(a, Constant))
    if len(numbers) == len(args) and (value := _value(formula.op, numbers)) is not None:
        return Constant(value)
    if formula.op == "*" and numbers:
        return _scaled(numbers[0], args[1] if isinstance(args[0], Constant) else args[0])
    if formula.op == "*" and any(_masked(a) for a in args):
        return _product(*args)
    whole = Operation(formula.op, args)
    if _masked(whole) and isinstance(args[1], Operation) and _masked(args[1]) and args[1].args[0] == args[0]:
        return args[1]
    if formula.op == "neg":
        return _scaled(-1.0, args[0])
    if formula.op in ("+", "-") and args[1] == ZERO:
        return args[0]
    if formula.op == "+" and args[0] == ZERO:
        return args[1]
    return whole


def _scaled(number: float, rest: Formula) -> Formula:
    """number * rest, where `rest` may be scaled already."""
    if isinstance(rest, Operation) and rest.op == "*" and isinstance(rest.args[0], Constant):
        return _scaled(number * rest.args[0].value, rest.args[1])
    if number == 1.0:
        return rest
    if isinstance(rest, Operation) and _masked(rest):
        return Operation("where", (rest.args[0], _scaled(number, rest.args[1]), ZERO))
    if number == -1.0 and isinstance(rest, Operation) and rest.op == "-":
        return Operation("-", (rest.args[1], rest.args[0]))
    if number == -1.0:
        return rest.args[0] if isinstance(rest, Operation) and rest.op == "neg" else Operation("neg", (rest,))
    return Operation("*", (Constant(number), rest))


def _masked(formula: Formula) -> bool:
    """What a target gives where it is present, and nothing elsewhere."""
    if not isinstance(formula, Operation) or formula.op != "where" or formula.args[2] != ZERO:
        return False
    condition = formula.args[0]
    return isinstance(condition, Operation) and condition.op == "present"


def _product(a: Formula, b: Formula) -> Formula:
    """a * b under the masks that either has."""
    for masked, other in ((a, b), (b, a)):
        if isinstance(masked, Operation) and _masked(masked):
            if isinstance(other, Operation) and _masked(other) and other.args[0] == masked.args[0]:
                other = other.args[1]
            inside = (masked.args[1], other) if masked is a else (other, masked.args[1])
            return Operation("where", (masked.args[0], folded(Operation("*", inside)), ZERO))
    return Operation("*", (a, b))


def _value(op: str, numbers: tuple[float, ...]) -> float | None:
    """What an operation makes of numbers; None where that is left to the module."""
    if op == "neg":
        return -numbers[0]
    a, b = (*numbers, 0.0)[:2]
    if op in ("+", "-", "*"):
        value = a + b if op == "+" else a - b if op == "-" else a * b
        return value if math.isfinite(value) else None
    return None
