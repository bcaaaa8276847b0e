"""Gradients known forward in time: fully recurrent networks (Williams & Zipser 1989), Elman, GRU and LSTM.

Here the totals `grad.*` are compared, which back-propagation through time has to give as well.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cases.stated import Expected, Stated, network, rows
from cases.stored import Array, Stored

SUM = "full(x[n]) + full(h[n-1]) + bias"
CELLS = {
    "elman": [f"output h[n] : H = tanh({SUM})"],
    "gru": [
        f"gate z[n] : H = sigmoid({SUM})",
        f"gate r[n] : H = sigmoid({SUM})",
        "unit k[n] : H = tanh(full(x[n]) + full(r[n] * h[n-1]) + bias)",
        "output h[n] : H = (1 - z[n]) * k[n] + z[n] * h[n-1]",
    ],
    "lstm": [
        *(f"gate {gate}[n] : H = sigmoid({SUM})" for gate in "ifo"),
        f"unit u[n] : H = tanh({SUM})",
        "output c[n] : H = f[n] * c[n-1] + i[n] * u[n]",
        "output h[n] : H = o[n] * tanh(c[n])",
        "input c0 : H",
        "start c = c0",
    ],
}
KEYS = ("Wx", "Wh", "b", "Wo", "bo")
GATES = {"elman": "h", "gru": "zrk", "lstm": "ifou"}


def fully_recurrent(case: Stored) -> Stated:
    """y(t+1) = f(W [x(t); 1; y(t)]): row t is step t here, y(0) the start; a missing target is NaN."""
    m, q, forced = int(case.hyper["m"]), int(case.hyper["n"]), bool(case.hyper["teacher_forced"])
    f = {"logistic": "sigmoid", "tanh": "tanh"}[case.hyper["activation"]]
    source = "z" if forced else "y"
    lines = [
        "axis n",
        *(["input x[n] : D"] if m else []),
        "input y0 : Q",
        "target t[n] : Q",
        f"output y[n] : Q = {f}({'full(x[n]) + ' if m else ''}full({source}[n-1]) + bias)",
        f"start {source} = y0",
        *(["unit z[n] : Q = forced(y, t)"] if forced else []),
        "loss squared_error(y, t)",
    ]

    targets = np.full((int(case.hyper["T"]), q), np.nan)
    given = case["tgt.D"]
    targets[:, : given.shape[1]] = np.where(case["tgt.mask"] > 0, given, np.nan)
    data = {"y0": case["init.y0"], "t": targets}
    return Stated(
        network("fully_recurrent", ("D", "Q") if m else ("Q",), lines),
        {"Q": q} | ({"D": m} if m else {}),
        keyed_weights(case, case["par.W"]),
        data | ({"x": case["in.X"]} if m else {}),
        (Expected("y", case["out.Y"], case.rtol, case.atol),),
        float(case["loss"]),
        keyed_weights(case, case["grad.W"]),
        rtol=case.rtol,
        atol=case.atol,
    )


def keyed_weights(case: Stored, w: Array) -> dict[str, Array]:
    """The matrix W of [x; 1; y], or an array that ends in its dimensions, as the parameters of the spec."""
    m, source = int(case.hyper["m"]), "z" if case.hyper["teacher_forced"] else "y"
    found = {"y.b": w[..., m], f"y.W_{source}": w[..., m + 1 :]}
    return found | ({"y.W_x": w[..., :m]} if m else {})


def layer_weights(case: Stored, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The case's matrices by gates, those of KEYS that are given, as the parameters of the spec."""
    kind = case.hyper["kind"]
    gates = GATES[kind]
    found = {}
    for key, stem in (("Wx", "W_x"), ("Wh", "W_h"), ("b", "b")):
        for gate, values in rows(arrays[key], gates).items() if key in arrays else ():
            recurrent = (kind, gate, key) == ("gru", "k", "Wh")
            found[f"{gate}.{'W_r_h' if recurrent else stem}"] = values
    return found | {name: arrays[key] for name, key in (("y.W_h", "Wo"), ("y.b", "bo")) if key in arrays}


def layer(case: Stored) -> Stated:
    """One hidden layer and a linear read-out, under the squared error or the cross-entropy of its softmax."""
    kind, softmax = case.hyper["kind"], case.hyper["loss"] == "softmax"
    lines = [
        "axis n",
        "input x[n] : D",
        "input h0 : H",
        "start h = h0",
        *CELLS[kind],
        "output y[n] : K = full(h[n]) + bias",
        "target t[n] : token(K)" if softmax else "target t[n] : K",
        "loss cross_entropy(softmax(y), t)" if softmax else "loss squared_error(y, t)",
    ]

    present = case["tgt.mask"] > 0
    targets = np.where(present, case["tgt.T"], -1) if softmax else case["tgt.T"].copy()
    if not softmax:
        targets[~present] = np.nan
    starts = {name: case[f"init.{name}"] for name in ("h0", "c0") if f"init.{name}" in case}
    outputs = [Expected("y", case["out.Y"], case.rtol, case.atol)]
    outputs.append(Expected("h", case["out.H"], case.rtol, case.atol))
    if "out.C" in case:
        outputs.append(Expected("c", case["out.C"], case.rtol, case.atol))
    return Stated(
        network(kind, ("D", "H", "K"), lines),
        {"D": case["in.X"].shape[1], "H": case["out.H"].shape[1], "K": case["out.Y"].shape[1]},
        layer_weights(case, {key: case[f"par.{key}"] for key in KEYS}),
        {"x": case["in.X"], "t": targets} | starts,
        tuple(outputs),
        float(case["loss"]),
        layer_weights(case, {key: case[f"grad.{key}"] for key in KEYS})
        | {name: case[f"grad.{name}"] for name in starts},
        rtol=case.rtol,
        atol=case.atol,
    )


def truncated(case: Stored) -> Stated:
    """The forward pass and loss of truncated back-propagation; its windows are run one by one from states."""
    lines = [
        "axis n",
        "input x[n] : D",
        "input h0 : H",
        "start h = h0",
        "target t[n] : H",
        f"output h[n] : H = tanh({SUM})",
        "loss squared_error(h, t)",
    ]
    keys = {"h.W_x": "Wx", "h.W_h": "Wh", "h.b": "b"}
    return Stated(
        network("truncated", ("D", "H"), lines),
        {"D": case["in.X"].shape[1], "H": case["out.H"].shape[1]},
        {key: case[f"par.{name}"] for key, name in keys.items()},
        {"x": case["in.X"], "t": case["tgt.D"], "h0": case["init.h0"]},
        (Expected("h", case["out.H"], case.rtol, case.atol),),
        rtol=case.rtol,
        atol=case.atol,
    )


def windows(case: Stored) -> tuple[tuple[int, int, int], ...]:
    """Of each window of truncated back-propagation: first step of the graph, first step with a loss, end."""
    return tuple((int(first), int(counted), int(end)) for first, counted, end in case["windows"])
