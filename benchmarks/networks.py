"""The networks that are timed: their specs, and the same networks in torch with the same weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

LSTM = """use "lstm"
network lstm_layer(D = 16, H = 16) {
  axis n
  input  x[n] : D
  target t[n] : H
  unit   h[n] = lstm(x, H)
  output h
  loss squared_error(h, t)
}
"""
ELMAN = """network elman_layer(D = 16, H = 16) {
  axis n
  input  x[n] : D
  target t[n] : H
  output h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)
  loss squared_error(h, t)
}
"""
# Input and forget gate coupled as in Greff et al. (2017), "LSTM: a search space odyssey", with peepholes.
COUPLED = """cell coupled(x, H) over n {
  gate f : H = sigmoid(full(x) + full(y[n-1]) + diag(c[n-1]) + bias)
  unit c : H = f * c[n-1] + (1 - f) * tanh(full(x) + full(y[n-1]) + bias)
  gate o : H = sigmoid(full(x) + full(y[n-1]) + diag(c) + bias)
  unit y : H = o * tanh(c)
  return y
}
network coupled_layer(D = 16, H = 16) {
  axis n
  input  x[n] : D
  target t[n] : H
  unit   h[n] = coupled(x, H)
  output h
  loss squared_error(h, t)
}
"""

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Network:
    """`saved`: how many values of size H a step has to keep for its backward pass. `goals`: the ratio of the
    rival's time to ours that is aimed at, by H."""

    name: str
    spec: str
    rival: str
    build: Callable[[Arrays], tuple[Any, Callable[[Any], Any]]]
    saved: int
    goals: dict[int, float]


def _tensor(*arrays: Any) -> Any:
    import torch

    return torch.tensor(np.concatenate(arrays), requires_grad=True)


def lstm(p: Arrays) -> tuple[Any, Callable[[Any], Any]]:
    """`nn.LSTM`; torch's order of gates is i, f, g, o, and its second bias stays zero."""
    import torch

    layer = torch.nn.LSTM(p["h.i.W_x"].shape[1], p["h.i.W_x"].shape[0])
    with torch.no_grad():
        for own, kind in ((layer.weight_ih_l0, "W_x"), (layer.weight_hh_l0, "W_y"), (layer.bias_ih_l0, "b")):
            own.copy_(_tensor(*(p[f"h.{gate}.{kind}"] for gate in "ifco")))
        layer.bias_hh_l0.zero_()
    return layer.weight_hh_l0, lambda x: layer(x)[0]


def elman(p: Arrays) -> tuple[Any, Callable[[Any], Any]]:
    """`nn.RNN`."""
    import torch

    layer = torch.nn.RNN(p["h.W_x"].shape[1], p["h.W_x"].shape[0])
    with torch.no_grad():
        for own, kind in ((layer.weight_ih_l0, "W_x"), (layer.weight_hh_l0, "W_h"), (layer.bias_ih_l0, "b")):
            own.copy_(torch.tensor(p[f"h.{kind}"]))
        layer.bias_hh_l0.zero_()
    return layer.weight_hh_l0, lambda x: layer(x)[0]


def coupled(p: Arrays) -> tuple[Any, Callable[[Any], Any]]:
    """A loop over the steps, the input's share and the weights of one source in one product each."""
    import torch

    kinds = ("f", "c", "o")
    w, r, b = (_tensor(*(p[f"h.{k}.{kind}"] for k in kinds)) for kind in ("W_x", "W_y", "b"))
    peep_f, peep_o = _tensor(p["h.f.w_c"]), _tensor(p["h.o.w_c"])

    def run(x: Any) -> Any:
        nets = torch.nn.functional.linear(x, w, b)
        size = r.shape[1]
        y = c = torch.zeros(x.shape[1], size)
        outputs = []
        for net in nets:
            f, g, o = (net + y @ r.T).split(size, dim=1)
            f = torch.sigmoid(f + peep_f * c)
            c = f * c + (1 - f) * torch.tanh(g)
            y = torch.sigmoid(o + peep_o * c) * torch.tanh(c)
            outputs.append(y)
        return torch.stack(outputs)

    return r, run


NETWORKS: tuple[Network, ...] = (
    # i f o g c tanh(c) y
    Network("lstm", LSTM, "nn.LSTM", lstm, 7, {16: 0.4, 64: 0.6, 128: 0.7, 512: 0.75}),
    Network("elman", ELMAN, "nn.RNN", elman, 1, {16: 7.7, 64: 3.3, 128: 1.4, 512: 1.07}),
    # f g o c tanh(c) y
    Network("coupled", COUPLED, "torch loop", coupled, 6, {16: 10.0, 64: 4.0, 128: 2.3, 512: 1.6}),
)

RECURRENT = {
    "lstm": [f"h.{gate}.W_y" for gate in "ifco"],
    "elman": ["h.W_h"],
    "coupled": [f"h.{k}.W_y" for k in "fco"],
}
