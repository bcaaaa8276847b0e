"""Small networks twice: as a spec, and as one NumPy function of a state vector, for rules that estimate influences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
Named = Mapping[str, Array]
D, H, K = 3, 4, 2


@dataclass(frozen=True)
class Product:
    """A weight made of blocks, `rows` by `columns` of parameters, the last column the biases; `vector` makes of
    (parameters, state vector, input) what it is multiplied with."""

    blocks: tuple[tuple[str, ...], ...]
    vector: Callable[[Named, Array, Array], Array]


@dataclass(frozen=True)
class Case:
    """`step` takes (parameters, state vector, input, target) to (next state vector, loss). `entries` are the names of
    what the state vector holds, each of H entries; None: of an earlier step, which no parameter moves. `learned` is the
    parameter with which all of it starts, "" where it is zero. `products` are those of a weight with a vector."""

    name: str
    spec: str
    entries: tuple[str | None, ...]
    step: Callable[[Named, Array, Array, Array], tuple[Array, Array]]
    learned: str = ""
    products: tuple[Product, ...] = ()


def network(body: str) -> str:
    return (
        f"network small(D = {D}, H = {H}, K = {K}) {{\naxis n\ninput x[n] : D\ntarget t[n] : K\n{body}\n"
        f"output y[n] : K = full(h) + bias\nloss squared_error(y, t)\n}}"
    )


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def loss(p: Named, h: Array, t: Array, name: str = "h") -> Array:
    y = p[f"y.W_{name}"] @ h + p["y.b"]
    missing = np.isnan(t)
    return 0.5 * np.sum(np.where(missing, 0, np.where(missing, 0, t) - y) ** 2)


def elman(p: Named, s: Array, x: Array, t: Array) -> tuple[Array, Array]:
    h = np.tanh(p["h.W_x"] @ x + p["h.W_h"] @ s + p["h.b"])
    return h, loss(p, h, t)


LSTM = """
  gate i[n] : H = sigmoid(full(x) + full(h[n-1]) + bias)
  gate f[n] : H = sigmoid(full(x) + full(h[n-1]) + bias)
  gate o[n] : H = sigmoid(full(x) + full(h[n-1]) + diag(c[n]) + bias)
  unit c[n] : H = f * c[n-1] + i * tanh(full(x) + full(h[n-1]) + bias)
  unit h[n] : H = o * tanh(c)
"""


def lstm(p: Named, s: Array, x: Array, t: Array) -> tuple[Array, Array]:
    c, h = s[:H], s[H:]
    i, f, o, g = (p[f"{k}.W_x"] @ x + p[f"{k}.W_h"] @ h + p[f"{k}.b"] for k in "ifoc")
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o + p.get("o.w_c", 0) * c) * np.tanh(c)
    return np.concatenate([c, h]), loss(p, h, t)


GRU = """
  gate z[n] : H = sigmoid(full(x) + full(h[n-1]) + bias)
  gate r[n] : H = sigmoid(full(x) + full(h[n-1]) + bias)
  unit h[n] : H = z * h[n-1] + (1 - z) * tanh(full(x) + full(r * h[n-1], as = U) + bias)
"""


def gru(p: Named, s: Array, x: Array, t: Array) -> tuple[Array, Array]:
    z, r = (sigmoid(p[f"{k}.W_x"] @ x + p[f"{k}.W_h"] @ s + p[f"{k}.b"]) for k in "zr")
    h = z * s + (1 - z) * np.tanh(p["h.W_x"] @ x + p["U"] @ (r * s) + p["h.b"])
    return h, loss(p, h, t)


STACKED = """
  unit g[n] : H = tanh(full(x) + full(g[n-1]) + bias)
  unit h[n] : H = tanh(full(g) + full(h[n-1]) + bias)
"""


def stacked(p: Named, s: Array, x: Array, t: Array) -> tuple[Array, Array]:
    g = np.tanh(p["g.W_x"] @ x + p["g.W_g"] @ s[:H] + p["g.b"])
    h = np.tanh(p["h.W_g"] @ g + p["h.W_h"] @ s[H:] + p["h.b"])
    return np.concatenate([g, h]), loss(p, h, t)


TIED = """
  param V : (H, H)
  unit h[n] : H = tanh(full(x) + V @ h[n-1] + (tanh(V @ h[n-1]) @ V) + bias)
"""


def tied(p: Named, s: Array, x: Array, t: Array) -> tuple[Array, Array]:
    v = p["V"]
    h = np.tanh(p["h.W_x"] @ x + v @ s + v.T @ np.tanh(v @ s) + p["h.b"])
    return h, loss(p, h, t)


DELAYED = """
  unit h[n] : H = tanh(full(x) + full(h[n-1]) + full(h[n-3], as = V) + bias)
  start h = learned
"""


def delayed(p: Named, s: Array, x: Array, t: Array) -> tuple[Array, Array]:
    """Newest first."""
    h = np.tanh(p["h.W_x"] @ x + p["h.W_h"] @ s[:H] + p["V"] @ s[2 * H :] + p["h.b"])
    return np.concatenate([h, s[: 2 * H]]), loss(p, h, t)


WINDOW = """
  unit h[n] : H = tanh(full(x) + full(h[n-3..n-2]) + 0.5 * h[n-1] + bias)
"""


def window(p: Named, s: Array, x: Array, t: Array) -> tuple[Array, Array]:
    past = p["h.W_h"].reshape(H, 2, H)
    h = np.tanh(p["h.W_x"] @ x + past[:, 0] @ s[2 * H :] + past[:, 1] @ s[H : 2 * H] + 0.5 * s[:H] + p["h.b"])
    return np.concatenate([h, s[: 2 * H]]), loss(p, h, t)


def beside(*parts: Array) -> Array:
    return np.concatenate([*parts, np.ones(1, parts[0].dtype)])


def reset(p: Named, s: Array, x: Array) -> Array:
    return sigmoid(p["r.W_x"] @ x + p["r.W_h"] @ s + p["r.b"]) * s


def lower(p: Named, s: Array, x: Array) -> Array:
    return np.tanh(p["g.W_x"] @ x + p["g.W_g"] @ s[:H] + p["g.b"])


PLAIN = network("unit h[n] : H = tanh(full(x) + full(h[n-1]) + bias)")
PRODUCTS = (
    Case("elman", PLAIN, ("h",), elman, "", (Product((("h.W_x", "h.W_h", "h.b"),), lambda p, s, x: beside(x, s)),)),
    Case(
        "lstm",
        network(LSTM.replace(" + diag(c[n])", "")),
        ("c", "h"),
        lstm,
        "",
        (Product(tuple((f"{k}.W_x", f"{k}.W_h", f"{k}.b") for k in "ifoc"), lambda p, s, x: beside(x, s[H:])),),
    ),
    Case(
        "gru",
        network(GRU),
        ("h",),
        gru,
        "",
        (
            Product((("U", "h.W_x", "h.b"),), lambda p, s, x: beside(reset(p, s, x), x)),
            Product(tuple((f"{k}.W_x", f"{k}.W_h", f"{k}.b") for k in "zr"), lambda p, s, x: beside(x, s)),
        ),
    ),
    Case(
        "stacked",
        network(STACKED),
        ("g", "h"),
        stacked,
        "",
        (
            Product((("g.W_x", "g.W_g", "g.b"),), lambda p, s, x: beside(x, s[:H])),
            Product((("h.W_g", "h.W_h", "h.b"),), lambda p, s, x: beside(lower(p, s, x), s[H:])),
        ),
    ),
    Case(
        "window",
        network(WINDOW),
        ("h", None, None),
        window,
        "",
        (Product((("h.W_x", "h.W_h", "h.b"),), lambda p, s, x: beside(x, s[2 * H :], s[H : 2 * H])),),
    ),
)
CASES = (
    Case("elman", PLAIN, ("h",), elman),
    Case("lstm", network(LSTM), ("c", "h"), lstm),
    Case("gru", network(GRU), ("h",), gru),
    Case("stacked", network(STACKED), ("g", "h"), stacked),
    Case("tied", network(TIED), ("h",), tied),
    Case("delayed", network(DELAYED), ("h", None, None), delayed, "h.start"),
    Case("window", network(WINDOW), ("h", None, None), window),
)
