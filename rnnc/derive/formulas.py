"""Elementwise formulas as expressions."""

from __future__ import annotations

from collections.abc import Callable

from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.known import Known
from rnnc.ops import formula as f


def from_formula(formula: f.Formula, operand: Callable[[int], x.Expr], known: Known) -> x.Expr:
    """`formula` with its operands read; choices with a 0 become Iverson brackets."""

    def go(node: f.Formula) -> x.Expr:
        if isinstance(node, f.Constant):
            return x.number(node.value)
        if isinstance(node, f.Extent):
            constant = node.size.constant
            return x.Extent(node.size) if constant is None else x.number(float(constant))
        if isinstance(node, f.Operand):
            return operand(node.index)
        args = tuple(go(a) for a in node.args)
        return _operation(node.op, args, known)

    return _valued(go(formula))


def _operation(op: str, args: tuple[x.Expr, ...], known: Known) -> x.Expr:
    if op == "where":
        return choose(condition(args[0]), args[1], args[2])
    if op == "and":
        return x.Both(condition(args[0]), condition(args[1]))
    args = tuple(_valued(a) for a in args)
    if op == "+":
        return algebra.add(args)
    if op == "-":
        return algebra.add((args[0], algebra.mul((x.MINUS, args[1]))))
    if op == "neg":
        return algebra.mul((x.MINUS, args[0]))
    if op == "*":
        return algebra.mul(args)
    if op == "/":
        return algebra.mul((args[0], algebra.power(args[1], x.MINUS)))
    if op == "^":
        return algebra.power(*args)
    if op == "square":
        return algebra.power(args[0], x.number(2.0))
    if op == "present":
        return x.Given(args[0])
    if op in f.COMPARISONS:
        return _compare(op, args[0], args[1])
    return known.call(op, args)


def _compare(op: str, left: x.Expr, right: x.Expr) -> x.Expr:
    """A comparison; a position compared with a number is compared with so many steps after the first."""
    if isinstance(left, x.Position) and isinstance(right, x.Num) and right.value.denominator == 1:
        axis = left.place.axis
        return x.Compare(op, left, x.Position(x.Place(axis, "first", int(right.value))))
    if isinstance(left, x.Position) and isinstance(right, x.Add) and len(right.terms) == 2:
        place, steps = right.terms
        if isinstance(place, x.Position) and isinstance(steps, x.Num) and steps.value.denominator == 1:
            moved = x.Place(place.place.axis, place.place.base, place.place.offset + int(steps.value))
            return x.Compare(op, left, x.Position(moved))
    return x.Compare(op, left, right)


def condition(e: x.Expr) -> x.Expr:
    """A truth value or a number as a condition: a number holds where it is not 0."""
    if isinstance(e, x.Bracket):
        return e.condition
    if isinstance(e, x.Compare | x.Given | x.Both):
        return e
    if isinstance(e, x.Mul) and all(isinstance(p, x.Bracket | x.Compare | x.Given | x.Both) for p in e.factors):
        result = condition(e.factors[0])
        for p in e.factors[1:]:
            result = x.Both(result, condition(p))
        return result
    return x.Compare("!=", e, x.ZERO)


NEGATED = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


def opposite(c: x.Expr) -> x.Expr | None:
    """The condition that holds where `c` does not, where it can be said in one."""
    if isinstance(c, x.Given):
        return x.Given(c.ref, not c.missing)
    if isinstance(c, x.Compare):
        return x.Compare(NEGATED[c.op], c.left, c.right)
    return None


def choose(c: x.Expr, yes: x.Expr, no: x.Expr) -> x.Expr:
    if yes == no:
        return yes
    if no == x.ZERO:
        return algebra.mul((*_brackets(c), _valued(yes)))
    other = opposite(c)
    if yes == x.ZERO and other is not None:
        return algebra.mul((x.Bracket(other), _valued(no)))
    return x.Choice(c, _valued(yes), _valued(no))


def _valued(e: x.Expr) -> x.Expr:
    """A truth value as a number."""
    return algebra.mul(_brackets(e)) if isinstance(e, x.Compare | x.Given | x.Both) else e


def _brackets(c: x.Expr) -> tuple[x.Expr, ...]:
    return (*_brackets(c.left), *_brackets(c.right)) if isinstance(c, x.Both) else (x.Bracket(c),)
