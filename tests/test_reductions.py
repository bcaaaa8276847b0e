"""Sums, means and extremes over one axis or several together, masked or not, by hand in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

import rnnc

Array = NDArray[Any]

HEAD = """network grid(D = 2) {
  axis i, j
  input  x[i, j] : D
  input  m[i, j] : 1
  input  r[i] : 1
  input  c[j] : 1
  input  u : 1
  target t[i, j] : D
  param  w : D = ones
  output y[i, j] : D = w * x
"""


def one(seed: int, rows: int, columns: int) -> dict[str, Array]:
    """A sequence: x, masks above and below zero, a target with a row and an entry missing."""
    rng = np.random.default_rng(seed)
    found: dict[str, Array] = {"x": rng.normal(size=(rows, columns, 2)) - 3.0, "t": rng.normal(size=(rows, columns, 2))}
    shapes: dict[str, tuple[int, ...]] = {"m": (rows, columns, 1), "r": (rows, 1), "c": (columns, 1), "u": (1,)}
    found |= {name: rng.integers(0, 2, shape) - 0.5 for name, shape in shapes.items()}
    found["m"][0, 0], found["r"][0], found["c"][-1] = 0.5, 0.5, 0.5
    found["t"][1], found["t"][0, 1, 0] = np.nan, np.nan
    return found


SEQUENCES = (one(1, 3, 4), one(2, 4, 2), one(4, 2, 3))


def masks(data: dict[str, Array]) -> dict[str, Array]:
    m = data["m"][..., 0] > 0
    r, c = np.broadcast_to(data["r"] > 0, m.shape), np.broadcast_to(data["c"][:, 0] > 0, m.shape)
    u = np.broadcast_to(data["u"] > 0, m.shape)
    return {"m": m, "r": r, "c": c, "u": u, "r * m": r == m, "1": np.ones_like(m), "": np.ones_like(m)}


def over_both(op: str, a: Array, mask: Array) -> Array:
    """`op` of all positions that the mask holds, 0 where it holds none: (i, j, ...) to (...)."""
    chosen = a[mask]
    return np.asarray(getattr(chosen, op)(axis=0) if len(chosen) else np.zeros(a.shape[2:]))


def call(spec: str) -> dict[str, Any]:
    """`forward` of the three sequences side by side."""
    module = rnnc.compile_text(spec)
    whole: dict[str, Array] = {}
    for name in (*module.INPUTS, *module.TARGETS):
        own = [s[name] for s in SEQUENCES]
        axes = {"r": (4,), "c": (4,), "u": ()}.get(name, (4, 4))
        whole[name] = np.full((*axes, 3, own[0].shape[-1]), np.nan)
        for b, a in enumerate(own):
            place: tuple[Any, ...] = (*(slice(0, n) for n in a.shape[:-1]), b)
            whole[name][place] = a
    lengths = {"i": np.array([3, 4, 2]), "j": np.array([4, 2, 3])}
    return {
        "out": module.forward(module.init(dtype="float64"), **whole, lengths=lengths),
        "module": module,
        "data": whole,
    }


@pytest.mark.parametrize("axes", ["i, j", "j, i"])
@pytest.mark.parametrize("mask", ["", "m", "r", "c", "u", "r * m", "1"])
@pytest.mark.parametrize("op", ["sum", "mean", "max", "min"])
def test_a_unit(op: str, mask: str, axes: str) -> None:
    where = f", where = {mask} > 0" if mask else ""
    found = call(f"{HEAD} output z : D = {op} over {axes} (x{where}) }}")["out"]["z"]
    assert_allclose(found, [over_both(op, s["x"], masks(s)[mask]) for s in SEQUENCES], rtol=1e-12)


def test_a_mask_that_stands_still_over_one_axis() -> None:
    found = call(f"{HEAD} output z[i] : D = mean over j (x, where = r > 0) }}")["out"]["z"]
    for b, s in enumerate(SEQUENCES):
        assert_allclose(found[: len(s["x"]), b], s["x"].mean(axis=1) * (s["r"] > 0), rtol=1e-12)


def half_squares(s: dict[str, Array]) -> Array:
    return np.asarray(0.5 * np.nansum((s["x"] - s["t"]) ** 2, axis=-1))


def there(s: dict[str, Array]) -> Array:
    return np.asarray(~np.isnan(s["t"]).all(axis=-1))


def mean_there(s: dict[str, Array], mask: str = "") -> float:
    return float(over_both("mean", half_squares(s), there(s) & masks(s)[mask]))


BY_HAND: dict[str, Callable[[dict[str, Array]], float]] = {
    "mean over i, j (squared_error(y, t))": mean_there,
    "mean over j, i (squared_error(y, t), where = m > 0)": lambda s: mean_there(s, "m"),
    "3 * mean over i, j (squared_error(y, t), where = r > 0)": lambda s: 3 * mean_there(s, "r"),
    "mean over i, j (squared_error(y, t), where = u > 0)": lambda s: mean_there(s, "u"),
    "mean over i (mean over j (squared_error(y, t)))": lambda s: np.mean(
        [a[p].mean() for a, p in zip(half_squares(s), there(s), strict=True) if p.any()]
    ),
    "mean over i, j (sum(y), where = m > 0)": lambda s: float(over_both("mean", s["x"].sum(-1), masks(s)["m"])),
    "max over i, j (squared_error(y, t))": lambda s: half_squares(s).max(),
    "mean over i (squared_error(y, t))": lambda s: (half_squares(s).sum(0) / np.maximum(there(s).sum(0), 1)).sum(),
}


@pytest.mark.parametrize("loss", BY_HAND)
def test_a_loss(loss: str) -> None:
    made = call(f"{HEAD} loss {loss} }}")
    assert_allclose(made["out"]["loss"], [BY_HAND[loss](s) for s in SEQUENCES], rtol=1e-12)
    module, lengths = made["module"], {"i": np.array([3, 4, 2]), "j": np.array([4, 2, 3])}
    p = module.init(dtype="float64")
    grads = module.bptt(p, **made["data"], lengths=lengths, reduce="sum")[1]
    for k in range(2):
        ends = []
        for step in (1e-6, -1e-6):
            q = p.copy()
            q["w"][k] += step
            ends.append(float(module.bptt(q, **made["data"], lengths=lengths, reduce="sum")[0]))
        assert_allclose(grads["w"][k], (ends[0] - ends[1]) / 2e-6, rtol=1e-6)


def test_a_mean_that_a_loss_compares() -> None:
    loss = "squared_error(mean over i, j (y, where = m > 0), v)"
    spec = HEAD.replace("target t[i, j] : D", "target v : D")
    module = rnnc.compile_text(f"{spec} loss {loss} }}")
    for s in SEQUENCES:
        given = {name: s[name] for name in module.INPUTS}
        found = module.forward(module.init(dtype="float64"), **given, v=np.ones(2))["loss"]
        assert_allclose(found, 0.5 * ((over_both("mean", s["x"], masks(s)["m"]) - 1.0) ** 2).sum(), rtol=1e-12)


@pytest.mark.parametrize("op", ["max", "min", "mean", "sum"])
def test_what_varies_by_its_mask_alone(op: str) -> None:
    """Its own value where the mask holds anywhere (as often as it does, for a sum), and 0 where it holds nowhere."""
    made = call(f"{HEAD} output z[i] : D = {op} over j (w * r - 3, where = m > 0) loss 0.5 * sum(z ^ 2) }}")
    slope = 0.0
    for b, s in enumerate(SEQUENCES):
        held = (s["m"][..., 0] > 0).sum(axis=1, keepdims=True)
        share = held if op == "sum" else np.minimum(held, 1)
        z = share * (s["r"] - 3)
        assert_allclose(made["out"]["z"][: len(z), b], np.broadcast_to(z, (len(z), 2)), rtol=1e-12)
        slope += float((z * share * s["r"]).sum())
    module, lengths = made["module"], {"i": np.array([3, 4, 2]), "j": np.array([4, 2, 3])}
    grads = module.bptt(module.init(dtype="float64"), **made["data"], lengths=lengths, reduce="sum")[1]
    assert_allclose(grads["w"], [slope, slope], rtol=1e-12)


@pytest.mark.parametrize("source", ["w * x", "diag(x, as = w)", "v * w * x", "x * dot(x, w)"])
def test_learned_factors_of_a_sum_over_the_axis_of_a_recurrence(source: str) -> None:
    """Forward in time as well, where the whole sum is one value that every step reads."""
    spec = (
        f"network n(D = 3) {{ axis n input x[n] : D target t[n] : D param v : 1 param w : D = ones output y[n] : D = \
tanh(sum over n ({source}) + full(y[n-1])) loss squared_error(y, t) }}"
    )
    spec = spec if "v *" in source else spec.replace("param v : 1", "")
    spec = spec.replace("param w : D = ones", "") if "as" in source else spec
    module = rnnc.compile_text(spec, learn=("rtrl", "hybrid") if "dot" not in source else None)
    rng = np.random.default_rng(3)
    p, x, t = module.init(dtype="float64"), rng.normal(size=(5, 3)), rng.normal(size=(5, 3))

    def loss(w: Array) -> float:
        total = {"x * dot(x, w)": (x * (x @ w)[:, None]).sum(0)}.get(source, w * x.sum(0) * p.get("v", 1.0))
        y, value = np.zeros(3), 0.0
        for n in range(5):
            y = np.tanh(total + p["y.W_y"] @ y)
            value += 0.5 * float(((t[n] - y) ** 2).sum())
        return value

    expected = [(loss(p["w"] + d) - loss(p["w"] - d)) / 2e-5 for d in 1e-5 * np.eye(3)]
    for rule in ("bptt", "rtrl", "hybrid"):
        if hasattr(module, rule):
            value, grads = getattr(module, rule)(p, x=x, t=t)
            assert_allclose(value, loss(p["w"]), rtol=1e-12)
            assert_allclose(grads["w"], expected, rtol=1e-6)
