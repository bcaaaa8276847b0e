"""The elementary scalar functions of the language: one record each.

`derivative(x, y, call)` is the derivative at argument `x` in terms of the function's own value `y`; `call(name,
*args)` applies
another function. It works on whatever has Python's operators, so the compiler's formulas and sympy share it.
`total`: finite
for every finite argument, in value and derivative alike. `flat`: the derivative is zero almost everywhere (a
warning where a gradient stops there). `bounded`: the range, where it has one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Derivative = Callable[[Any, Any, Callable[..., Any]], Any]


@dataclass(frozen=True)
class Elementary:
    name: str
    arity: int
    derivative: Derivative | None = None
    total: bool = True
    flat: bool = False
    bounded: tuple[float, float] | None = None


ELEMENTARY: tuple[Elementary, ...] = (
    Elementary("tanh", 1, lambda x, y, call: 1 - y * y, bounded=(-1.0, 1.0)),
    Elementary("sigmoid", 1, lambda x, y, call: y * (1 - y), bounded=(0.0, 1.0)),
    Elementary("relu", 1, lambda x, y, call: call("step", x)),
    Elementary("softplus", 1, lambda x, y, call: call("sigmoid", x)),
    Elementary("softsign", 1, lambda x, y, call: (1 - call("abs", y)) ** 2, bounded=(-1.0, 1.0)),
    Elementary("elu", 1, lambda x, y, call: call("where", call(">", x, 0), 1, y + 1)),
    Elementary("step", 1, lambda x, y, call: 0 * x, flat=True, bounded=(0.0, 1.0)),
    Elementary("sign", 1, lambda x, y, call: 0 * x, flat=True, bounded=(-1.0, 1.0)),
    Elementary("round", 1, lambda x, y, call: 0 * x, flat=True),
    Elementary("floor", 1, lambda x, y, call: 0 * x, flat=True),
    Elementary("ceil", 1, lambda x, y, call: 0 * x, flat=True),
    Elementary("abs", 1, lambda x, y, call: call("sign", x)),
    Elementary("exp", 1, lambda x, y, call: y, total=False),
    Elementary("log", 1, lambda x, y, call: 1 / x, total=False),
    Elementary("log1p", 1, lambda x, y, call: 1 / (1 + x), total=False),
    Elementary("expm1", 1, lambda x, y, call: y + 1, total=False),
    Elementary("sqrt", 1, lambda x, y, call: 1 / (2 * y), total=False),
    # sqrt with the gradient 0 at 0, for norms; not in the language
    Elementary("root", 1, lambda x, y, call: call("where", call(">", y, 0), 1 / (2 * y), 0), total=False),
    # (1 + tanh)/2, the sigmoid of twice its argument (rnnc.system.halves); not in the language
    Elementary("half_tanh", 1, lambda x, y, call: 2 * y * (1 - y), bounded=(0.0, 1.0)),
    Elementary("square", 1, lambda x, y, call: 2 * x),
    Elementary("sin", 1, lambda x, y, call: call("cos", x), bounded=(-1.0, 1.0)),
    Elementary("cos", 1, lambda x, y, call: -call("sin", x), bounded=(-1.0, 1.0)),
    Elementary("tan", 1, lambda x, y, call: 1 + y * y, total=False),
    Elementary("atan", 1, lambda x, y, call: 1 / (1 + x * x)),
    Elementary("sinh", 1, lambda x, y, call: call("cosh", x), total=False),
    Elementary("cosh", 1, lambda x, y, call: call("sinh", x), total=False),
    Elementary("erf", 1, lambda x, y, call: 1.1283791670955126 * call("exp", -x * x), bounded=(-1.0, 1.0)),
    Elementary("min", 2),
    Elementary("max", 2),
    Elementary("clip", 3),
)

INTERNAL = ("root", "half_tanh")

BY_NAME = {record.name: record for record in ELEMENTARY}
