"""Scalar formulas on NumPy arrays, real or complex: the arithmetic of the reference interpreter.

Complex numbers carry a derivative in their imaginary part (the complex step): functions are continued
analytically, and whatever decides (comparisons, `abs`, `relu`, `max`) looks at the real part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.ops.formula import Constant, Extent, Formula, Operand

Array = NDArray[Any]


def evaluate(formula: Formula, operands: Sequence[Array], sizes: Mapping[str, int]) -> Array:
    """The formula's value; operands broadcast against each other. `present` needs NaN or, in an array of
    whole numbers, -1 where an entry is missing."""
    if isinstance(formula, Constant):
        return np.asarray(formula.value)
    if isinstance(formula, Extent):
        return np.asarray(float(formula.size.value(sizes)))
    if isinstance(formula, Operand):
        return operands[formula.index]
    arguments = [evaluate(a, operands, sizes) for a in formula.args]
    return np.asarray(FUNCTIONS[formula.op](*arguments))


def choose(condition: Array, yes: Array, no: Array) -> Array:
    return np.where(np.real(condition) != 0, yes, no)


def present(a: Array) -> Array:
    return np.real(a) >= 0 if a.dtype.kind in "iu" else ~np.isnan(np.real(a))


def absolute(a: Array) -> Array:
    return np.asarray(np.sign(np.real(a)) * a)


def sigmoid(a: Array) -> Array:
    return np.asarray(0.5 * np.tanh(0.5 * a) + 0.5)


def softplus(a: Array) -> Array:
    positive = np.real(a) > 0
    return np.where(positive, a, 0.0) + np.log1p(np.exp(np.where(positive, -a, a)))


def relu(a: Array) -> Array:
    return np.where(np.real(a) <= 0, 0.0, a)


def elu(a: Array) -> Array:
    return np.where(np.real(a) > 0, a, np.expm1(np.where(np.real(a) > 0, 0.0, a)))


def root(a: Array) -> Array:
    positive = np.real(a) > 0
    return np.where(positive, np.sqrt(np.where(positive, a, 1.0)), 0.0)


def erf(a: Array) -> Array:
    """math.erf of the real part; an imaginary part is carried to first order by erf' = 2/sqrt(pi)
    exp(-x^2)."""
    real = np.real(a)
    value = np.vectorize(math.erf, otypes=[float])(real)
    if not np.iscomplexobj(a):
        return np.asarray(value)
    return np.asarray(value + 1j * np.imag(a) * (2 / math.sqrt(math.pi)) * np.exp(-(real**2)))


def smaller(a: Array, b: Array) -> Array:
    return np.where((np.real(a) <= np.real(b)) | np.isnan(a), a, b)


def larger(a: Array, b: Array) -> Array:
    return np.where((np.real(a) >= np.real(b)) | np.isnan(a), a, b)


def clip(a: Array, low: Array, high: Array) -> Array:
    return smaller(larger(a, low), high)


def power(a: Array, b: Array) -> Array:
    """Real powers of floats: a whole exponent takes any base."""
    return np.asarray(np.power(np.asarray(a) + 0.0, b))


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "+": np.add,
    "-": lambda a, b: a - b,
    "*": np.multiply,
    "/": np.true_divide,
    "^": power,
    "neg": lambda a: -1.0 * a,
    "<": lambda a, b: np.real(a) < np.real(b),
    "<=": lambda a, b: np.real(a) <= np.real(b),
    ">": lambda a, b: np.real(a) > np.real(b),
    ">=": lambda a, b: np.real(a) >= np.real(b),
    "==": lambda a, b: np.real(a) == np.real(b),
    "!=": lambda a, b: np.real(a) != np.real(b),
    "and": lambda a, b: (np.real(a) != 0) & (np.real(b) != 0),
    "where": choose,
    "present": present,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "half_tanh": lambda a: sigmoid(2.0 * a),
    "relu": relu,
    "softplus": softplus,
    "softsign": lambda a: a / (1.0 + absolute(a)),
    "elu": elu,
    "step": lambda a: np.where(np.real(a) > 0, 1.0, 0.0),
    "sign": lambda a: np.sign(np.real(a)),
    "round": lambda a: np.round(np.real(a)),
    "floor": lambda a: np.floor(np.real(a)),
    "ceil": lambda a: np.ceil(np.real(a)),
    "abs": absolute,
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "root": root,
    "square": lambda a: a * a,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "erf": erf,
    "min": smaller,
    "max": larger,
    "clip": clip,
}
