"""The ONNX operators RNN, LSTM and GRU, in three groups of cases: `onnx`, `onnx_ext` and `ort`.

Every gate is written with its own connections; the arrays go by their keys (`i_f.W_x`, `i_f.w_c_f`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cases.stated import EXACT, Expected, Stated, network, rows
from cases.stored import Array, Stored

ORDER = {"rnn": "h", "gru": "zrh", "lstm": "iofc"}
ACTIVATIONS = {
    "rnn": ("Tanh",),
    "gru": ("Sigmoid", "Tanh"),
    "lstm": ("Sigmoid", "Tanh", "Tanh"),
}


@dataclass(frozen=True)
class Direction:
    """One direction of an operator: `d` is the letter in its units' names, `place` its index in arrays."""

    d: str
    place: int
    activations: tuple[str, ...]

    @property
    def offset(self) -> str:
        return "n-1" if self.d == "f" else "n+1"

    @property
    def final(self) -> str:
        return "last" if self.d == "f" else "first"


def directions(case: Stored) -> tuple[Direction, ...]:
    """The directions of an operator, each with its activation functions in the language's names."""
    letters = {"forward": "f", "reverse": "b", "bidirectional": "fb"}[case.hyper.get("direction", "forward")]
    default = ACTIVATIONS[case.family] * len(letters)
    given = tuple(name.lower() for name in case.hyper.get("activations", default))
    each = len(given) // len(letters)
    return tuple(Direction(d, k, given[each * k : each * (k + 1)]) for k, d in enumerate(letters))


def function(activation: str, case: Stored) -> str:
    """What stands before the sum of a gate: its activation, and the operator's limits on that sum."""
    limit = case.hyper.get("clip")
    return f"{activation}({{}})" if limit is None else f"{activation}(clip({{}}, {-limit}, {limit}))"


def bias(case: Stored) -> str:
    """The bias of a gate, where the operator has one."""
    return " + bias" if "par.B" in case else ""


def rnn(case: Stored, way: Direction) -> list[str]:
    """H_t = f(X_t W^T + H_{t-1} R^T + Wb + Rb)."""
    d, b = way.d, bias(case)
    total = f"full(x[n]) + full(h_{d}[{way.offset}]){b}"
    return [f"output h_{d}[n] : H = " + function(way.activations[0], case).format(total)]


def gru(case: Stored, way: Direction) -> list[str]:
    """The two reset forms: before the product, and (linear_before_reset) after it."""
    d, b, old = way.d, bias(case), f"h_{way.d}[{way.offset}]"
    f, g = (function(name, case) for name in way.activations)
    lines = [f"unit {gate}_{d}[n] : H = {f.format(f'full(x[n]) + full({old}){b}')}" for gate in "zr"]
    if case.hyper.get("linear_before_reset", 0):
        lines.append(f"unit s_{d}[n] : H = full({old}){b}")
        candidate = f"full(x[n]) + r_{d}[n] * s_{d}[n]{b}"
    else:
        candidate = f"full(x[n]) + full(r_{d}[n] * {old}){b}"
    return [
        *lines,
        f"unit k_{d}[n] : H = {g.format(candidate)}",
        f"output h_{d}[n] : H = (1 - z_{d}[n]) * k_{d}[n] + z_{d}[n] * {old}",
    ]


def lstm(case: Stored, way: Direction) -> list[str]:
    """With peepholes, coupled input and forget gate, and limits where the operator has them."""
    d, b, n = way.d, bias(case), way.offset
    f, g, h = way.activations
    total = f"full(x[n]) + full(h_{d}[{n}])"
    past, now = (f" + diag(c_{d}[{at}])" if "par.P" in case else "" for at in (n, "n"))
    gates = {"i": past, "f": past, "o": now}
    lines = [
        f"unit {gate}_{d}[n] : H = " + function(f, case).format(total + peephole + b)
        for gate, peephole in gates.items()
    ]
    if case.hyper.get("input_forget", 0):
        lines[1] = f"unit f_{d}[n] : H = 1 - i_{d}[n]"
    return [
        *lines,
        f"unit k_{d}[n] : H = " + function(g, case).format(total + b),
        f"unit c_{d}[n] : H = f_{d} * c_{d}[{n}] + i_{d} * k_{d}",
        f"output h_{d}[n] : H = o_{d}[n] * {h}(c_{d}[n])",
        f"output cell_{d} : H = c_{d}[{way.final}]",
    ]


def spec(case: Stored) -> str:
    """The network of an operator with its attributes."""
    write = {"rnn": rnn, "gru": gru, "lstm": lstm}[case.family]
    lines = ["axis n", "input x[n] : I"]
    for way in directions(case):
        lines += write(case, way)
        lines.append(f"output last_{way.d} : H = h_{way.d}[{way.final}]")
        for state in "hc":
            if f"init.initial_{state}" in case:
                lines += [f"input {state}0_{way.d} : H", f"start {state}_{way.d} = {state}0_{way.d}"]
    return network("onnx_" + case.family, ("I", "H"), lines)


def parameters(case: Stored, way: Direction) -> dict[str, Array]:
    """The arrays of one direction by key; a gate's two biases are one, but where a reset stands between."""
    order, d, k = ORDER[case.family], way.d, way.place
    after = case.family == "gru" and bool(case.hyper.get("linear_before_reset", 0))
    coupled = case.family == "lstm" and bool(case.hyper.get("input_forget", 0))
    given, kept = rows(case["par.W"][k], order), rows(case["par.R"][k], order)
    found: dict[str, Array] = {}
    # The candidate's unit is `k` where another unit has the operator's letter.
    renamed = {"gru": {"h": "k"}, "lstm": {"c": "k"}}.get(case.family, {})
    both = np.split(case["par.B"][k], 2) if "par.B" in case else None
    for gate in order:
        if coupled and gate == "f":
            continue
        unit = f"{renamed.get(gate, gate)}_{d}"
        old = f"r_{d}_h_{d}" if case.family == "gru" and gate == "h" else f"h_{d}"
        found[f"{unit}.W_x"] = given[gate]
        if after and gate == "h":
            found[f"s_{d}.W_h_{d}"] = kept[gate]
        else:
            found[f"{unit}.W_{old}"] = kept[gate]
        if both is not None:
            first, second = (rows(part, order)[gate] for part in both)
            if after and gate == "h":
                found |= {f"{unit}.b": first, f"s_{d}.b": second}
            else:
                found[f"{unit}.b"] = first + second
    if "par.P" in case:
        found |= {f"{g}_{d}.w_c_{d}": v for g, v in rows(case["par.P"][k], "iof").items()}
        if coupled:
            del found[f"f_{d}.w_c_{d}"]
    return found


def outputs(case: Stored, role: str, rtol: float, atol: float) -> list[Expected]:
    """The operator's results as `role` states them (`f64`, `out`, `printed`), one unit for each direction."""
    values: Mapping[str, Array] = case.named(role)
    batch_first = bool(case.hyper.get("layout", 0))
    found: list[Expected] = []
    for way in directions(case):
        for name, unit in (("Y", "h"), ("Y_h", "last"), ("Y_c", "cell")):
            if name not in values:
                continue
            array = values[name]
            if batch_first:
                array = array.transpose(1, 2, 0, 3) if name == "Y" else array.swapaxes(0, 1)
            one = array[:, way.place] if name == "Y" else array[way.place]
            found.append(Expected(f"{unit}_{way.d}", one, rtol, atol))
    return found


def state(case: Stored) -> tuple[Stated, ...]:
    """One Stated: what float64 gives, and what the public test or onnxruntime gives in float32."""
    x = case["in.X"]
    data = {"x": x.swapaxes(0, 1) if case.hyper.get("layout", 0) else x}
    weights: dict[str, Array] = {}
    for way in directions(case):
        weights |= parameters(case, way)
        for letter in "hc":
            if f"init.initial_{letter}" in case:
                data[f"{letter}0_{way.d}"] = case[f"init.initial_{letter}"][way.place]
    expected = outputs(case, "f64", *EXACT)
    expected += outputs(case, "printed" if case.group == "ort" else "out", case.rtol, case.atol)
    ragged = "in.sequence_lens" in case
    return (
        Stated(
            spec(case),
            {"I": int(x.shape[-1]), "H": int(case["par.R"].shape[-1])},
            weights,
            data,
            tuple(expected),
            lengths=case["in.sequence_lens"] if ragged else None,
            padded=("x",) if ragged else (),
        ),
    )
