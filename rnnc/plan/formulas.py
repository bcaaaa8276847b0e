"""Multiplications of a formula as a module computes it: every occurrence of an operation, each with the labels that its
own operands have.

What lacks labels of the result is computed small and then broadcast; functions that NumPy has no single call for are
the exception, they are computed in an array of the result's space.
"""

from __future__ import annotations

from collections.abc import Mapping

from rnnc.ops.formula import Formula, Operand, Operation
from rnnc.sizes import Size, number

Space = Mapping[str, Size]
"""What there is an entry of, by label, axis or the mark of the batch."""

ONCE = {"*": 1, "/": 1, "square": 1, "^": 1}
SPELLED = {"sigmoid": 2, "half_tanh": 1, "softsign": 1}
"""By tanh: half the argument, half the result; a quotient."""


def of_formula(formula: Formula, operands: tuple[Space, ...], out: Space, looped: Space) -> Size:
    """Its multiplications where the result has the space `out`, inside loops over what `looped` holds."""
    found, _ = _counted(formula, operands, out, looped)
    return found


def _counted(node: Formula, operands: tuple[Space, ...], out: Space, looped: Space) -> tuple[Size, Space]:
    if isinstance(node, Operand):
        return Size.of(0), {k: z for k, z in operands[node.index].items() if k in out}
    if not isinstance(node, Operation):
        return Size.of(0), {}
    total = Size.of(0)
    space: dict[str, Size] = {}
    for arg in node.args:
        inside, own = _counted(arg, operands, out, looped)
        total += inside
        space.update(own)
    if node.op in SPELLED:
        return total + number(out.values()) * Size.of(SPELLED[node.op]), out
    return total + number({**looped, **space}.values()) * Size.of(ONCE.get(node.op, 0)), space
