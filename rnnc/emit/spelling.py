"""How NumPy spells the elementary operations: as calls with `out=`, without allocation."""

from __future__ import annotations

from collections.abc import Callable

UNARY = {
    "tanh": "tanh", "exp": "exp", "log": "log", "log1p": "log1p", "expm1": "expm1",
    "sqrt": "sqrt", "root": "sqrt", "square": "square", "sin": "sin", "cos": "cos", "tan": "tan", "atan": "arctan",
    "sinh": "sinh", "cosh": "cosh", "abs": "absolute", "sign": "sign", "round": "rint", "floor": "floor",
    "ceil": "ceil",
}  # fmt: skip
BINARY = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "^": "power",
    "min": "minimum",
    "max": "maximum",
}
TESTS = {"<", "<=", ">", ">=", "==", "!="}


IN_PLACE = ("+", "-", "*", "/")


def call(op: str, args: list[str], out: str, number: Callable[[float], str] = repr, word: str = "out=") -> list[str]:
    """The lines that put `op` of `args` into the array `out`. An argument may be `out` itself. `number`: how a number
    is written there. `word`: what stands before `out`; without one NumPy is called faster."""
    a = args[0]
    if op in IN_PLACE and out.isidentifier() and out in args:
        # what overwrites its own first operand is an augmented assignment: shorter to read, and NumPy is called faster
        if a == out:
            return [f"{out} {op}= {args[1]}"]
        if op in ("+", "*"):
            return [f"{out} {op}= {a}"]
    if op == "neg":
        # np.negative writes to wrong places where rows of one entry lie 16 or 64 bytes apart (NumPy 2.4)
        return call("*", [a, number(-1.0)], out, number, word)
    if op in UNARY:
        return [f"np.{UNARY[op]}({a}, {word}{out})"]
    if op in BINARY:
        if op == "^" and args[1] == "2.0":
            return [f"np.square({a}, {word}{out})"]
        word = "out=" if op in ("min", "max") else word  # by its place NumPy is about to refuse it there
        return [f"np.{BINARY[op]}({a}, {args[1]}, {word}{out})"]
    if op == "sigmoid":
        # 1/(1 + exp(-a)) as (1 + tanh(a/2))/2: it cannot overflow, and tanh is one fast call
        return [*call("*", [a, number(0.5)], out, number, word), *call("half_tanh", [out], out, number, word)]
    if op == "half_tanh":
        finished = (line for op in "*+" for line in call(op, [out, number(0.5)], out, number, word))
        return [f"np.tanh({a}, {word}{out})", *finished]
    if op == "relu":
        return [f"np.maximum({a}, 0.0, out={out})"]
    if op == "softplus":
        return [f"np.logaddexp({a}, 0.0, {word}{out})"]
    if op == "step":
        return [f'np.greater({a}, 0.0, out={out}, casting="unsafe")']
    if op == "elu":
        return [f"{out}[...] = np.where({a} > 0.0, {a}, np.expm1(np.minimum({a}, 0.0)))"]
    if op == "softsign":
        return [f"{out}[...] = {a} / (1.0 + np.abs({a}))"]
    if op == "erf":
        return [f"{out}[...] = erf({a})"]
    if op == "clip":
        return [f"np.clip({a}, {args[1]}, {args[2]}, out={out})"]
    raise AssertionError(f"NumPy has no spelling of `{op}`")
