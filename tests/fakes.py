"""Stand-ins: a made-up text, arrays in one buffer, and an Elman network that meets the module protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

WORDS = "the cat sat on the mat and the dog sat on the log by the old red barn near a hill of hay"


def long_text(length: int = 4000, seed: int = 0) -> str:
    draw = np.random.default_rng(seed)
    words = WORDS.split()
    out = ""
    while len(out) < length:
        out += words[int(draw.integers(len(words)))] + (".\n\n" if draw.random() < 0.1 else " ")
    return out[:length]


class FlatArrays(dict[str, Array]):
    """Named arrays that are views of `flat`, in their order; `fixed` ones stay apart."""

    def __init__(self, values: Mapping[str, Array], fixed: Mapping[str, Array] | None = None) -> None:
        super().__init__()
        self.flat: Array = np.concatenate([np.ravel(value) for value in values.values()])
        self.sizes: dict[str, int] = {}
        place = 0
        for name, value in values.items():
            self[name] = self.flat[place : place + value.size].reshape(value.shape)
            place += value.size
        self.update(fixed or {})


class Gradients(FlatArrays):
    """Gradients as `bptt` gives them: one buffer, and the state after the last position."""

    state: dict[str, Array]


class ElmanText:
    """h[n] = tanh(W[:, w[n]] + R h[n-1] + b), p[n] = softmax(V h[n] + c), cross-entropy against t[n].

    `mean` divides the loss by the positions whose target is present, as `mean over n` does.
    """

    PROTOCOL = 1
    INPUTS: ClassVar[dict[str, dict[str, Any]]] = {"w": {"axes": ("n",), "token": "V", "shape": ()}}
    TARGETS: ClassVar[dict[str, dict[str, Any]]] = {"t": {"axes": ("n",), "token": "V", "shape": ()}}
    SIZES: ClassVar[dict[str, int]] = {"V": 50, "H": 16}
    FEEDBACK: ClassVar[dict[str, tuple[str, tuple[str, ...]]]] = {"w": ("token", ("p",))}

    def __init__(self, mean: bool = True) -> None:
        self.mean = mean
        self.__name__ = "elman_text"

    def init(self, *, seed: int = 0, dtype: str = "float32", V: int = 50, H: int = 16) -> FlatArrays:
        draw = np.random.default_rng(seed)
        shapes = {"h.W": (V, H), "h.R": (H, H), "h.b": (H,), "p.W": (V, H), "p.b": (V,)}
        scale = {"h.W": 0.5, "h.R": 1.0 / np.sqrt(H), "p.W": 1.0 / np.sqrt(H)}
        p = FlatArrays({name: (scale.get(name, 0.0) * draw.normal(size=s)).astype(dtype) for name, s in shapes.items()})
        p.sizes = {"V": V, "H": H}
        return p

    def data_shapes(self, *, V: int, H: int) -> dict[str, tuple[tuple[int, ...], int]]:
        return {"w": ((), V), "t": ((), V)}

    def start(self, p: Mapping[str, Array], *, batch: int) -> dict[str, Array]:
        return {"h": np.zeros((batch, len(p["h.b"])), p["h.b"].dtype)}

    def step(
        self, p: Mapping[str, Array], state: Mapping[str, Array], *, w: Array
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        hs, ps = self._run(p, np.asarray(w)[None], state)
        return {"p": ps[0]}, {"h": hs[1]}

    def generate(
        self,
        p: Mapping[str, Array],
        steps: int,
        *,
        prefix: Array,
        seed: int,
        temperature: float,
        without: tuple[int, ...],
    ) -> dict[str, Array]:
        """One sequence, at temperature 1 or 0."""
        draw, state, drawn = np.random.default_rng(seed), self.start(p, batch=1), list(prefix)
        for place in range(len(prefix) + steps - 1):
            out, state = self.step(p, state, w=np.array([drawn[place]]))
            if place >= len(prefix) - 1:
                shares = out["p"][0].astype(np.float64)
                shares[list(without)] = 0.0
                drawn.append(int(draw.choice(len(shares), p=shares / shares.sum())))
        return {"w": np.array(drawn[len(prefix) :])}

    def forward(
        self,
        p: Mapping[str, Array],
        *,
        w: Array,
        t: Array | None = None,
        state: Mapping[str, Array] | None = None,
    ) -> dict[str, Any]:
        hs, ps = self._run(p, w, state)
        out: dict[str, Any] = {"p": ps, "state": {"h": hs[-1]}}
        if t is not None:
            out["loss"] = self._cost(ps, t)
        return out

    def bptt(
        self, p: Mapping[str, Array], *, w: Array, t: Array, state: Mapping[str, Array] | None = None
    ) -> tuple[Any, Gradients]:
        hs, ps = self._run(p, w, state)
        there = t >= 0
        share = there / (np.maximum(there.sum(0), 1) if self.mean else 1) / t.shape[1]
        dz = (ps - np.eye(ps.shape[-1], dtype=ps.dtype)[np.maximum(t, 0)]) * share[..., None].astype(ps.dtype)
        g = {name: np.zeros_like(value) for name, value in p.items()}
        g["p.W"] += np.einsum("nbk,nbh->kh", dz, hs[1:])
        g["p.b"] += dz.sum((0, 1))
        dh = np.zeros_like(hs[0])
        for n in range(len(w) - 1, -1, -1):
            da = (dz[n] @ p["p.W"] + dh) * (1 - hs[n + 1] ** 2)
            g["h.R"] += da.T @ hs[n]
            g["h.b"] += da.sum(0)
            np.add.at(g["h.W"], w[n], da)
            dh = da @ p["h.R"]
        grads = Gradients(g)
        grads.state = {"h": hs[-1]}
        return self._cost(ps, t).mean(), grads

    def _run(self, p: Mapping[str, Array], w: Array, state: Mapping[str, Array] | None) -> tuple[Array, Array]:
        h = self.start(p, batch=w.shape[1])["h"] if state is None else state["h"]
        hs = [h]
        for ids in w:
            h = np.tanh(p["h.W"][ids] + h @ p["h.R"].T + p["h.b"])
            hs.append(h)
        stacked = np.stack(hs)
        z = stacked[1:] @ p["p.W"].T + p["p.b"]
        e = np.exp(z - z.max(-1, keepdims=True))
        return stacked, e / e.sum(-1, keepdims=True)

    def _cost(self, ps: Array, t: Array) -> Array:
        cost = -np.log(np.take_along_axis(ps, np.maximum(t, 0)[..., None], -1)[..., 0]) * (t >= 0)
        total: Array = cost.sum(0)
        return total / np.maximum((t >= 0).sum(0), 1) if self.mean else total
