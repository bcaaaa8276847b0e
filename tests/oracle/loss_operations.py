"""What the language's operations are of plain numbers, vectors and matrices at one position, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oracle.loss_text import NotCovered

Array = NDArray[Any]


def softmax(a: Array) -> Array:
    raised = np.exp(a - a.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def layer_norm(a: Array) -> Array:
    apart = a - a.mean(axis=-1, keepdims=True)
    return np.asarray(apart / np.sqrt((apart**2).mean(axis=-1, keepdims=True) + 1e-5))


def sigmoid(a: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-a)))


ONE: dict[str, Callable[[Array], Any]] = {
    "neg": np.negative,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": lambda a: np.maximum(a, 0.0),
    "softplus": lambda a: np.logaddexp(a, 0.0),
    "softsign": lambda a: a / (1.0 + np.abs(a)),
    "elu": lambda a: np.where(a > 0, a, np.exp(np.minimum(a, 0.0)) - 1.0),
    "step": lambda a: np.where(np.isnan(a), np.nan, np.where(a > 0, 1.0, 0.0)),
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "square": np.square,
    "abs": np.abs,
    "sign": np.sign,
    "round": np.round,
    "floor": np.floor,
    "ceil": np.ceil,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "erf": np.vectorize(math.erf, otypes=[float]),
    "transpose": np.transpose,
    "sum": np.sum,
    "mean": np.mean,
    "norm": lambda a: np.sqrt(np.sum(a * a)),
    "softmax": softmax,
    "log_softmax": lambda a: np.log(softmax(a)),
    "layer_norm": layer_norm,
}
TWO: dict[str, Callable[[Array, Array], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    "@": np.matmul,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
    "dot": np.dot,
    "outer": np.outer,
    "dropout": lambda a, rate: a,
}


def operate(op: str, args: list[Array]) -> Array:
    """The operation `op` of values at one position; scalars have shape () or (1,) and fit everything."""
    if op in ("min", "max"):
        if len(args) == 1:
            return np.asarray(args[0].min() if op == "min" else args[0].max())
        made = args[0]
        for other in args[1:]:
            made = np.asarray(np.minimum(made, other) if op == "min" else np.maximum(made, other))
        return made
    if op == "clip":
        return np.asarray(np.minimum(np.maximum(args[0], args[1]), args[2]))
    if op == "where":
        return np.asarray(np.where(*args))
    if op == "concat":
        deep = max(1, *(a.ndim for a in args))
        return np.concatenate([a if a.ndim == deep else np.atleast_1d(a) for a in args])
    if op == "slice":
        return args[0][round(float(args[1])) : round(float(args[2]))]
    if op in ONE and len(args) == 1:
        return np.asarray(ONE[op](args[0]))
    if op in TWO and len(args) == 2:
        return np.asarray(TWO[op](args[0], args[1]))
    raise NotCovered(f"the operation `{op}`")
