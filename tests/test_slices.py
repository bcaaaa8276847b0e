"""Slices by sizes, and sizes chosen when a module is used: each is right, or refused in the author's own words."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

import rnnc
from rnnc.diagnostics import Rejected

PACKED = """cell packed(x, H) over n {
  unit z : 3*H = full(x) + full(y[n-1]) + bias
  gate f : H = sigmoid(slice(z, 0, H))
  gate o : H = sigmoid(slice(z, H, 2*H))
  unit c : H = f * c[n-1] + (1 - f) * tanh(slice(z, 2*H, 3*H))
  unit y : H = o * tanh(c)
  return y
}
cell head(x, k) over n {
  unit y = slice(x, 0, k)
  return y
}
network gates(D = 3, H = 4) {
  axis n
  input  x[n] : D
  target t[n] : 2
  unit   h[n] = packed(x, H)
  output y[n] = head(h, 2)
  loss squared_error(y, t)
}
"""


def sigmoid(u: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-u)))


def by_hand(p: dict[str, np.ndarray], x: np.ndarray, t: np.ndarray) -> float:
    h = c = np.zeros(len(p["h.z.b"]) // 3)
    loss = 0.0
    for now, wanted in zip(x, t, strict=True):
        f, o, g = np.split(p["h.z.W_x"] @ now + p["h.z.W_y"] @ h + p["h.z.b"], 3)
        c = sigmoid(f) * c + (1 - sigmoid(f)) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        loss += 0.5 * float(((h[:2] - wanted) ** 2).sum())
    return loss


@pytest.mark.parametrize("units", [2, 5])
def test_gates_cut_from_one_product(units: int) -> None:
    module = rnnc.compile_text(PACKED, learn=("rtrl", "hybrid"))
    p = module.init(seed=1, H=units, dtype="float64")
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    plain = {name: np.array(value) for name, value in p.items()}
    value, grads = module.bptt(p, x=x, t=t)
    assert_allclose(value, by_hand(plain, x, t), rtol=1e-12)
    for name, array in plain.items():
        for place in np.ndindex(array.shape):
            moved = [{**plain, name: array.copy()} for _ in range(2)]
            moved[0][name][place] += 1e-6
            moved[1][name][place] -= 1e-6
            up, down = (by_hand(q, x, t) for q in moved)
            assert_allclose(grads[name][place], (up - down) / 2e-6, rtol=1e-6, atol=1e-8)
    for rule in (module.rtrl, module.hybrid):
        assert_allclose(rule(p, x=x, t=t)[1].flat, grads.flat, rtol=1e-9, atol=1e-12)


def inside(ends: str) -> str:
    return f"""network a(D = 6, H = 4, k = 1) {{
  axis n
  input  x[n] : D
  unit   z[n] : H = full(x)
  output y[n] = slice(z, {ends})
}}"""


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ("2, 5", "this slice ends at 5, the vector at H = 4"),
        ("k, H + 1", "this slice ends at H + 1 = 5, the vector at H = 4"),
        ("H, H", "this slice is empty: from H = 4 up to, not including, H = 4"),
        ("H - 6, H", "this slice begins at H - 6 = -2"),
        ("0, H/3", "this slice goes from 0 to H/3 = 4/3"),
        ("0.5, H", "the ends of a slice are whole numbers from 0 on, found 0.5"),
        ("0, z", "a size is wanted, `z` is a unit"),
        ("0, q", "unknown size `q`"),
    ],
)
def test_ends_that_are_wrong(ends: str, said: str) -> None:
    with pytest.raises(Rejected, match=re.escape(said)):
        rnnc.compile_text(inside(ends))


@pytest.mark.parametrize(
    ("ends", "sizes", "said"),
    [
        ("2, 4", {"H": 3}, "`slice(z, 2, 4)` goes from 2 up to 4 in a vector of 3 for H = 3"),
        ("k, H/2", {"H": 3}, "`slice(z, k, H/2)` goes from 1 up to 1.5 in a vector of 3 for H = 3"),
        ("H - 3, H", {"H": 2}, "`slice(z, H - 3, H)` goes from -1 up to 2 in a vector of 2 for H = 2"),
        ("0, D - 3", {"D": 8}, "`slice(z, 0, D - 3)` goes from 0 up to 5 in a vector of 4 for D = 8, H = 4"),
    ],
)
def test_slices_that_leave_their_vector_with_the_sizes_chosen(ends: str, sizes: dict[str, int], said: str) -> None:
    module = rnnc.compile_text(inside(ends))
    with pytest.raises(ValueError) as caught:
        module.init(**sizes)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("spec", "sizes", "said"),
    [
        ("unit z[n] : H/2 = full(x)", {"H": 3}, "size `H/2` comes out as 1.5 for H = 3; it has to be a positive whole"),
        ("unit z[n] : H - 3 = full(x)", {"H": 3}, "size `H - 3` comes out as 0 for H = 3; it has to be"),
        ("unit z[n] : 6/(H - 2) = full(x)", {"H": 2}, "size `H - 2` comes out as 0 for H = 2; it has to be"),
        (
            "unit z[n] : D = tanh(block(x, 2))",
            {"D": 5},
            "size `D/2` comes out as 2.5 for D = 5; it has to be a positive",
        ),
    ],
)
def test_sizes_that_come_out_wrong_with_those_chosen(spec: str, sizes: dict[str, int], said: str) -> None:
    text = f"network a(D = 4, H = 4) {{\n axis n\n input x[n] : D\n {spec}\n output y[n] : H = full(z)\n}}"
    module = rnnc.compile_text(text)
    with pytest.raises(ValueError) as caught:
        module.init(**sizes)
    assert str(caught.value).startswith(said)
    assert module.forward(module.init(), x=np.zeros((2, 4)))["y"].shape == (2, 4)


def test_sizes_read_off_plain_arrays() -> None:
    module = rnnc.compile_text("network a(H = 4) {\n axis n\n input x[n] : H\n output y[n] : H/2 = full(x)\n}")
    assert module.forward({"y.W_x": np.zeros((2, 4))}, x=np.zeros((3, 4)))["y"].shape == (3, 2)
    with pytest.raises(ValueError, match=re.escape("size `H/2` comes out as 2.5 for H = 5")):
        module.forward({"y.W_x": np.zeros((2, 5))}, x=np.zeros((3, 5)))
