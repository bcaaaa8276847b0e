"""The elementary scalar functions of the language: one record each, with how NumPy and CUDA C spell them.

`value_derivative` is the derivative in terms of the function's own value `y` (and argument `x`), written in the formula
language of `rnnc.ops.formula`; None leaves the derivative to sympy. `total`: finite for every finite argument, in value and
derivative alike. `flat`: the derivative is zero almost everywhere (a warning where a gradient stops there).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Elementary:
    name: str
    arity: int
    value_derivative: str | None = None
    total: bool = True
    flat: bool = False
    bounded: tuple[float, float] | None = None


ELEMENTARY: tuple[Elementary, ...] = (
    Elementary("tanh", 1, "1 - y*y", bounded=(-1.0, 1.0)),
    Elementary("sigmoid", 1, "y*(1 - y)", bounded=(0.0, 1.0)),
    Elementary("relu", 1, "step(x)"),
    Elementary("softplus", 1, "sigmoid(x)"),
    Elementary("softsign", 1, "(1 - abs(y))*(1 - abs(y))", bounded=(-1.0, 1.0)),
    Elementary("elu", 1, "where(x > 0, 1, y + 1)"),
    Elementary("step", 1, "0", flat=True, bounded=(0.0, 1.0)),
    Elementary("sign", 1, "0", flat=True, bounded=(-1.0, 1.0)),
    Elementary("round", 1, "0", flat=True),
    Elementary("floor", 1, "0", flat=True),
    Elementary("ceil", 1, "0", flat=True),
    Elementary("abs", 1, "sign(x)"),
    Elementary("exp", 1, "y", total=False),
    Elementary("log", 1, "1/x", total=False),
    Elementary("log1p", 1, "1/(1 + x)", total=False),
    Elementary("expm1", 1, "y + 1", total=False),
    Elementary("sqrt", 1, "0.5/y", total=False),
    Elementary("square", 1, "2*x", total=False),
    Elementary("sin", 1, "cos(x)", bounded=(-1.0, 1.0)),
    Elementary("cos", 1, "-sin(x)", bounded=(-1.0, 1.0)),
    Elementary("tan", 1, "1 + y*y", total=False),
    Elementary("atan", 1, "1/(1 + x*x)"),
    Elementary("sinh", 1, "cosh(x)", total=False),
    Elementary("cosh", 1, "sinh(x)", total=False),
    Elementary("erf", 1, "1.1283791670955126*exp(-x*x)", bounded=(-1.0, 1.0)),
    Elementary("min", 2),
    Elementary("max", 2),
    Elementary("clip", 3),
)

BY_NAME = {record.name: record for record in ELEMENTARY}
