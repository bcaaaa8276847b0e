"""torch.nn.RNN, LSTM and GRU: one spec for every shape of network, once for each of the two losses.

A layer is written in three ways on purpose: the plain network with its arrays declared, the LSTM as a cell
that makes its own connections, the GRU with an array for every gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cases.stated import Expected, Stated, network, rows
from cases.stored import Array, Stored

LSTM = """cell torch_lstm(x, H, h0, c0) over n {
  gate i : H = sigmoid(full(x) + full(y[n-1])BIAS)
  gate f : H = sigmoid(full(x) + full(y[n-1])BIAS)
  gate o : H = sigmoid(full(x) + full(y[n-1])BIAS)
  unit g : H = tanh(full(x) + full(y[n-1])BIAS)
  unit c : H = f * c[n-1] + i * g
  unit y : H = o * tanh(c)
  start y = h0
  start c = c0
  return y
}
"""

PROJECTED = LSTM.replace("(x, H, h0, c0)", "(x, H, P, h0, c0)").replace(
    "unit y : H = o * tanh(c)", "unit z : H = o * tanh(c)\n  unit y : P = full(z)"
)


@dataclass(frozen=True)
class Layer:
    """One direction of one layer: its unit, torch's suffix, what it reads, and its place in `h_n`."""

    unit: str
    suffix: str
    source: str
    place: int
    backward: bool

    @property
    def previous(self) -> str:
        return f"{self.unit}[n+1]" if self.backward else f"{self.unit}[n-1]"

    @property
    def final(self) -> str:
        return "first" if self.backward else "last"


def layers(case: Stored) -> tuple[Layer, ...]:
    """The layers of a case, bottom first, forward before backward."""
    directions = 2 if case.hyper["bidirectional"] else 1
    found: list[Layer] = []
    source = "x"
    for k in range(case.hyper["layers"]):
        units = [f"f{k}", f"b{k}"][:directions]
        for d, unit in enumerate(units):
            suffix = f"_l{k}" + ("_reverse" if d else "")
            found.append(Layer(unit, suffix, source, directions * k + d, bool(d)))
        source = units[0] if directions == 1 else f"y{k}"
    return tuple(found)


def equations(case: Stored, layer: Layer) -> list[str]:
    """The lines of one layer, its start values among them."""
    cell, bias, s = case.hyper["cell"], case.hyper["bias"], layer.suffix
    u, x, h = layer.unit, f"{layer.source}[n]", layer.previous
    width = "P" if case.hyper["proj_size"] else "H"
    lines = [f"input h0_{u} : {width}"]
    if cell == "lstm":
        sizes = "H, P" if case.hyper["proj_size"] else "H"
        mirrored = " backward" if layer.backward else ""
        return [
            *lines,
            f"input c0_{u} : H",
            f"unit {u}[n] = torch_lstm({layer.source}, {sizes}, h0_{u}, c0_{u}){mirrored}",
        ]
    lines.append(f"start {u} = h0_{u}")
    if cell == "gru":
        # Equations of torch.nn.GRU: the reset gate multiplies the product and its bias.
        lines += [f"param W_i{g}{s}, W_h{g}{s}" for g in "rzn"]
        lines += [f"param b_i{g}{s}, b_h{g}{s} : H" for g in "rzn" if bias]
        given, kept = (
            {g: f"W_{side}{g}{s} @ {v}" + (f" + b_{side}{g}{s}" if bias else "") for g in "rzn"}
            for side, v in (("i", x), ("h", h))
        )
        return [
            *lines,
            *(f"gate {g}_{u}[n] : H = sigmoid({given[g]} + {kept[g]})" for g in "rz"),
            f"unit n_{u}[n] : H = tanh({given['n']} + r_{u}[n] * ({kept['n']}))",
            f"unit {u}[n] : H = (1 - z_{u}) * n_{u} + z_{u} * {h}",
        ]
    inner = f"weight_ih{s} @ {x} + weight_hh{s} @ {h}"
    lines += [f"param weight_ih{s}", f"param weight_hh{s} : (H, H)"]
    if bias:
        lines.append(f"param bias_ih{s}, bias_hh{s} : H")
        inner = f"weight_ih{s} @ {x} + bias_ih{s} + weight_hh{s} @ {h} + bias_hh{s}"
    return [*lines, f"unit {u}[n] : H = {cell.removeprefix('rnn_')}({inner})"]


def spec(case: Stored, linear: bool) -> str:
    """The network of a case with the squared error, or with the `linear` loss on outputs and final states."""
    cell, projected = case.hyper["cell"], bool(case.hyper["proj_size"])
    directions = 2 if case.hyper["bidirectional"] else 1
    width = "P" if projected else "H"
    top, lines = layers(case)[-directions:], ["axis n", "input x[n] : I"]
    for layer in layers(case):
        lines += equations(case, layer)
        if layer.backward:
            k = layer.place // 2
            lines.append(f"unit y{k}[n] : 2*{width} = concat(f{k}[n], b{k}[n])")
        lines.append(f"output last_{layer.unit} : {width} = {layer.unit}[{layer.final}]")
        if cell == "lstm":
            lines.append(f"output cell_{layer.unit} : H = {layer.unit}.c[{layer.final}]")
    result = f"y{top[0].place // 2}" if directions == 2 else top[0].unit
    lines.append(f"output y[n] : {directions}*{width} = {result}[n]")
    if linear:
        lines += [f"input cot[n] : {directions}*{width}", "loss dot(cot, y)"]
        for kind, size in (("last", width), ("cell", "H"))[: 2 if cell == "lstm" else 1]:
            for layer in layers(case):
                lines.append(f"input cot_{kind}_{layer.unit} : {size}")
                lines.append(f"loss dot(cot_{kind}_{layer.unit}, {kind}_{layer.unit})")
    else:
        lines += [f"target t[n] : {directions}*{width}", "loss squared_error(y, t)"]
    before = ""
    if cell == "lstm":
        before = (PROJECTED if projected else LSTM).replace("BIAS", " + bias" if case.hyper["bias"] else "")
    return network("torch_" + cell, ("I", "H", "P") if projected else ("I", "H"), lines, before)


def arrays(case: Stored, values: Mapping[str, Array], gradient: bool) -> dict[str, Array]:
    """Torch's arrays under the module's keys; the LSTM's two biases are one, its gradient that of either."""
    cell, found = case.hyper["cell"], dict[str, Array]()
    for layer in layers(case):
        s, u = layer.suffix, layer.unit
        w, r = values["weight_ih" + s], values["weight_hh" + s]
        if cell == "lstm":
            if case.hyper["bias"]:
                one, other = values["bias_ih" + s], values["bias_hh" + s]
                if gradient:
                    np.testing.assert_allclose(one, other, rtol=1e-12)
                found |= {f"{u}.{g}.b": v for g, v in rows(one if gradient else one + other, "ifgo").items()}
            found |= {f"{u}.{g}.W_x": v for g, v in rows(w, "ifgo").items()}
            found |= {f"{u}.{g}.W_y": v for g, v in rows(r, "ifgo").items()}
            if case.hyper["proj_size"]:
                found[f"{u}.y.W_z"] = values["weight_hr" + s]
        elif cell == "gru":
            for side, weights in (("i", w), ("h", r)):
                found |= {f"W_{side}{g}{s}": v for g, v in rows(weights, "rzn").items()}
                if case.hyper["bias"]:
                    stacked = values[f"bias_{side}h{s}"]
                    found |= {f"b_{side}{g}{s}": v for g, v in rows(stacked, "rzn").items()}
        else:
            found |= {key + s: values[key + s] for key in ("weight_ih", "weight_hh")}
            if case.hyper["bias"]:
                found |= {key + s: values[key + s] for key in ("bias_ih", "bias_hh")}
    return found


def states(case: Stored, h: Array, c: Array | None, names: tuple[str, str]) -> dict[str, Array]:
    """The arrays `[layers*dirs, B, H]` of hidden (and cell) values, one for each layer under `names`."""
    found = {names[0] + layer.unit: h[layer.place] for layer in layers(case)}
    if c is not None:
        found |= {names[1] + layer.unit: c[layer.place] for layer in layers(case)}
    return found


def state(case: Stored) -> tuple[Stated, ...]:
    """Both losses of a torch case; 2 Stateds."""
    lstm = case.hyper["cell"] == "lstm"
    sizes = {"I": int(case.hyper["I"]), "H": int(case.hyper["H"])}
    if case.hyper["proj_size"]:
        sizes["P"] = int(case.hyper["proj_size"])
    parameters = arrays(case, case.named("par"), gradient=False)
    starts = states(case, case["init.h0"], case["init.c0"] if lstm else None, ("h0_", "c0_"))
    finals = states(case, case["out.h_n"], case["out.c_n"] if lstm else None, ("last_", "cell_"))
    outputs = tuple(
        Expected(name, values, case.rtol, case.atol) for name, values in ({"y": case["out.Y"]} | finals).items()
    )
    cotangents = states(case, case["cot.h_n"], case["cot.c_n"] if lstm else None, ("cot_last_", "cot_cell_"))
    found: list[Stated] = []
    for linear, loss, role in ((False, "loss", "grad"), (True, "loss_cot", "gradcot")):
        expected = case.named(role)
        gradients = arrays(case, expected, gradient=True) | {"x": expected["X"]}
        gradients |= states(case, expected["h0"], expected["c0"] if lstm else None, ("h0_", "c0_"))
        extra = {"cot": case["cot.Y"]} | cotangents if linear else {"t": case["tgt.Y"]}
        found.append(
            Stated(
                spec(case, linear),
                sizes,
                parameters,
                {"x": case["in.X"]} | starts | extra,
                outputs,
                float(case[loss]),
                gradients,
                case["in.lengths"] if case.hyper["packed"] else None,
                ("x", "cot" if linear else "t") if case.hyper["packed"] else (),
                case.rtol,
                case.atol,
            )
        )
    return tuple(found)
