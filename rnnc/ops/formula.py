"""Scalar formulas: the right side of an elementwise equation, over numbered operands.

The only operations are those below and the elementary functions of `rnnc.ops.elementary`; a formula is a small tree
that shares nothing with sympy, which sees it only inside `rnnc.autodiff`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rnnc.sizes import Size

ARITHMETIC = ("+", "-", "*", "/", "^", "neg")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
LOGICAL = (*COMPARISONS, "where", "present", "and")


@dataclass(frozen=True)
class Constant:
    """A number."""

    value: float


@dataclass(frozen=True)
class Extent:
    """A size, or a ratio of sizes, used as a number."""

    size: Size


@dataclass(frozen=True)
class Operand:
    """The equation's read number `index`."""

    index: int


@dataclass(frozen=True)
class Operation:
    """`op` applied: arithmetic, a comparison, `where(c, a, b)`, `present(a)` or an elementary function."""

    op: str
    args: tuple[Formula, ...]


Formula = Constant | Extent | Operand | Operation

ZERO = Constant(0.0)
UNIT = Constant(1.0)


def plus(a: Formula, b: Formula) -> Formula:
    if a == ZERO:
        return b
    if b == ZERO:
        return a
    return Operation("+", (a, b))


def times(a: Formula, b: Formula) -> Formula:
    if ZERO in (a, b):
        return ZERO
    if a == UNIT:
        return b
    if b == UNIT:
        return a
    return Operation("*", (a, b))


GROUP = 32
"""Terms that are added up one after the other: a longer sum is one of groups, so that no formula is deep."""


def sum_of(count: int, first: int = 0) -> Formula:
    """The sum of `count` operands from `first` on; `ZERO` of none."""
    return added_up([Operand(k) for k in range(first, first + count)])


def added_up(terms: Sequence[Formula]) -> Formula:
    """The sum of all terms; `ZERO` of none."""
    while len(terms) > GROUP:
        terms = [added_up(terms[k : k + GROUP]) for k in range(0, len(terms), GROUP)]
    result: Formula = ZERO
    for term in terms:
        result = plus(result, term)
    return result


def product_of(count: int) -> Formula:
    """The product of the first `count` operands; `UNIT` of none."""
    result: Formula = UNIT
    for k in range(count):
        result = times(result, Operand(k))
    return result


def operands(formula: Formula) -> tuple[int, ...]:
    """The indices read, ascending, each once."""
    found: set[int] = set()
    stack = [formula]
    while stack:
        node = stack.pop()
        if isinstance(node, Operand):
            found.add(node.index)
        elif isinstance(node, Operation):
            stack.extend(node.args)
    return tuple(sorted(found))


def substitute(formula: Formula, replace: Mapping[int, Formula]) -> Formula:
    """Every operand in `replace` exchanged for its formula."""
    if isinstance(formula, Operand):
        return replace.get(formula.index, formula)
    if isinstance(formula, Operation):
        return Operation(formula.op, tuple(substitute(a, replace) for a in formula.args))
    return formula


def depth_first(formula: Formula) -> tuple[Formula, ...]:
    """Every distinct node, operands before their operation."""
    seen: dict[Formula, None] = {}

    def visit(node: Formula) -> None:
        if node in seen:
            return
        if isinstance(node, Operation):
            for a in node.args:
                visit(a)
        seen[node] = None

    visit(formula)
    return tuple(seen)


_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "^": 4, **dict.fromkeys(COMPARISONS, 0)}


def spell(formula: Formula, operand: Callable[[int], str]) -> str:
    """The formula as an author would write it, its operands spelled by `operand`."""

    def at(node: Formula, level: int) -> str:
        if isinstance(node, Constant):
            text = repr(node.value)
            text = text.removesuffix(".0")
            return f"({text})" if node.value < 0 and level > 1 else text
        if isinstance(node, Extent):
            text = str(node.size)
            return text if level <= 1 or text.isidentifier() else f"({text})"
        if isinstance(node, Operand):
            return operand(node.index)
        mine = _PRECEDENCE.get(node.op)
        if mine is None:
            return f"{node.op}({', '.join(at(a, 0) for a in node.args)})"
        if node.op == "neg":
            text = f"-{at(node.args[0], mine)}"
        else:
            text = f"{at(node.args[0], mine)} {node.op} {at(node.args[1], mine + 1)}"
        return f"({text})" if mine < level or (node.op == "neg" and level > 1) else text

    return at(formula, 0)
