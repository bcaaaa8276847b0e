"""Figures of `rnnc.runtime.fidelity` against gradients by complex steps (Squire and Trapp 1998) of networks written out
in NumPy: whole sequences, windows with a past, the truncated gradient, targets that are missing or forced."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import rnnc
from rnnc.runtime.data import open_data
from rnnc.runtime.fidelity.draw import draw
from rnnc.runtime.fidelity.figures import Figures, figures
from rnnc.runtime.fidelity.measure import ALL, Fidelity, NotComparable, measure

Array = NDArray[Any]
Arrays = Mapping[str, Array]
Loss = Callable[[Arrays], Array]

STEPS, SEQUENCES, EDGES = 11, 3, (0, 4, 7, 11)
SPEC = """network two(D = 2, H = 3, G = 2) {{
  axis n
  input  x[n] : D
  target t[n] : G
  unit   h[n] : H = tanh(full(x[n]) + full({h}[n-1]) + bias)
  unit   g[n] : G = tanh(full(h[n]) + full(g[n-1]) + bias)
  output y[n] : G = g
  {more}
  loss {loss}
}}"""
NETWORKS = {
    "sum": SPEC.format(h="h", more="", loss="squared_error(y, t)"),
    "mean": SPEC.format(h="h", more="", loss="mean over n (squared_error(y, t))"),
    "forced": SPEC.format(h="h", more="unit z[n] : G = forced(g, t)", loss="squared_error(y, t)").replace(
        "full(g[n-1])", "full(z[n-1])"
    ),
}


def run(p: Arrays, x: Array, t: Array, kind: str, held: Callable[[int], bool], counted: slice) -> Array:
    """The loss of the steps `counted`; where `held`, a step's gradient ends at the states before it."""
    present = ~np.isnan(t)
    h, g = np.zeros((x.shape[1], 3), complex), np.zeros((x.shape[1], 2), complex)
    losses = []
    for n in range(len(x)):
        if held(n):
            h, g = h.real + 0j, g.real + 0j
        back = np.where(present[n - 1], t[n - 1], g) if kind == "forced" and n else g
        h = np.tanh(x[n] @ p["h.W_x"].T + h @ p["h.W_h"].T + p["h.b"])
        recurrent = p["g.W_z"] if kind == "forced" else p["g.W_g"]
        g = np.tanh(h @ p["g.W_h"].T + back @ recurrent.T + p["g.b"])
        losses.append((np.where(present[n], g - np.where(present[n], t[n], 0.0), 0.0) ** 2).sum(-1) / 2)
    total = np.array(losses)[counted].sum(0)
    if kind == "mean":
        total = total / np.maximum(present[counted].any(-1).sum(0), 1)
    return np.asarray(total.mean())


def by_complex_steps(loss: Loss, p: Arrays) -> dict[str, Array]:
    found = {}
    for name in p:
        grad = np.zeros(p[name].shape)
        for place in np.ndindex(grad.shape):
            moved = {key: array.astype(complex) for key, array in p.items()}
            moved[name][place] += 1e-30j
            grad[place] = loss(moved).imag / 1e-30
        found[name] = grad
    return found


def subject(kind: str) -> tuple[ModuleType, Any, dict[str, Array]]:
    module = rnnc.compile_text(NETWORKS[kind], learn=("rtrl", "truncated_gradient"))
    p = module.init(seed=3, dtype="float64")
    p.flat *= 2.0  # so that what is left out counts
    return module, p, draw(module, module.SIZES, {"n": STEPS}, SEQUENCES, 5)


def measured(kind: str, rules: tuple[str, ...]) -> Fidelity:
    module, p, data = subject(kind)
    return measure(module, p, open_data(data, module), rules, count=3, draws=2, seed=0)


def check(figures: Figures, found: Array, exact: Array) -> None:
    assert figures.error == pytest.approx(np.linalg.norm(found - exact) / np.linalg.norm(exact), rel=1e-9)
    cosine = (found * exact).sum() / np.linalg.norm(found) / np.linalg.norm(exact)
    assert figures.cosine == pytest.approx(cosine, rel=1e-9)


def agree(found: Mapping[str, Figures], grads: Sequence[Arrays], exact: Sequence[Arrays]) -> None:
    every = []
    for name in exact[0]:
        pair = [np.concatenate([one[name].ravel() for one in side]) for side in (grads, exact)]
        every.append(pair)
        check(found[name], *pair)
    check(found[ALL], *(np.concatenate(side) for side in zip(*every, strict=True)))


def never(n: int) -> bool:
    return False


@pytest.mark.parametrize("kind", NETWORKS)
def test_figures_are_those_of_gradients_by_complex_steps(kind: str) -> None:
    _, p, data = subject(kind)
    x, t = data["x"], data["t"]
    assert 0.2 < np.isnan(t).mean() < 0.8
    whole = slice(0, STEPS)
    exact = by_complex_steps(lambda q: run(q, x, t, kind, never, whole), p)
    spans = [slice(a, b) for a, b in pairwise(EDGES[1:])]
    inside = [by_complex_steps(lambda q, s=s: run(q, x, t, kind, never, s), p) for s in spans]  # type: ignore[misc]
    found = measured(kind, ("bptt", "rtrl", "truncated_gradient"))
    bptt, rtrl, truncated = found.rules
    assert found.edges == EDGES
    np.testing.assert_allclose([found.norms[n] for n in exact], [np.linalg.norm(exact[n]) for n in exact], rtol=1e-10)
    alone = [
        by_complex_steps(lambda q, s=s: run(q, x, t, kind, lambda n: n == s.start, s), p)  # type: ignore[misc]
        for s in spans
    ]
    assert bptt.windows is not None and rtrl.windows is not None and truncated.windows is not None
    agree(bptt.windows, alone, inside)
    always = by_complex_steps(lambda q: run(q, x, t, kind, lambda n: True, whole), p)
    agree(truncated.whole, [always], [exact])
    every = [by_complex_steps(lambda q, s=s: run(q, x, t, kind, lambda n: True, s), p) for s in spans]  # type: ignore[misc]
    agree(truncated.windows, every, inside)
    for one in (bptt.whole, rtrl.whole, rtrl.windows):
        assert max(f.error for f in one.values()) < 1e-10
    assert truncated.whole[ALL].error > 0.05 and bptt.windows[ALL].error > 0.01


def test_draws_are_summed_up_as_their_statistics_say() -> None:
    rng = np.random.default_rng(0)
    exact = rng.standard_normal(7)
    draws = exact + 0.1 + 0.5 * rng.standard_normal((40, 7))
    found = figures(list(draws), [exact] * 40, means=True)
    scale = math.sqrt((exact**2).sum())
    assert found.error == pytest.approx(math.sqrt(((draws - exact) ** 2).sum(1).mean()) / scale)
    assert found.mean_error == pytest.approx(math.sqrt(((draws.mean(0) - exact) ** 2).sum()) / scale)
    assert found.standard_error == pytest.approx(math.sqrt((draws.var(0, ddof=1) / 40).sum()) / scale)
    cosines = [d @ exact / math.sqrt(d @ d) / scale for d in draws]
    assert found.cosine == pytest.approx(sum(cosines) / 40)
    # another mask for every draw, as by dropout: each is compared with its own
    own = figures([2 * exact, 4 * exact], [exact, 3 * exact], means=True)
    assert own.error == pytest.approx(1 / math.sqrt(5)) and own.mean_error == pytest.approx(1 / 2)


def test_gradients_that_are_zero() -> None:
    zero, one = np.zeros(3), np.ones(3)
    assert figures([zero], [zero]) == Figures(0.0, None)
    assert figures([one], [zero]) == Figures(math.inf, None)
    assert figures([zero], [one]) == Figures(1.0, None)
    tiny = figures([1e-200 * one], [2e-200 * one])
    assert tiny.error == pytest.approx(0.5) and tiny.cosine == pytest.approx(1.0)


def test_what_has_no_windows_says_why() -> None:
    several = rnnc.compile_file("specs/rnn2d.rnn")
    data = open_data(draw(several, several.SIZES, {"i": 3, "j": 4}, 2, 0), several)
    found = measure(several, several.init(dtype="float64"), data, ("bptt",), count=3, draws=2, seed=0)
    assert found.edges == () and "several axes" in found.without and found.rules[0].windows is None
    # without its targets another past, and no sum over the steps: neither way gives the loss of a window
    text = NETWORKS["forced"].replace("loss squared_error(y, t)", "loss mean over n (squared_error(y, t))")
    module = rnnc.compile_text(text)
    data = open_data(draw(module, module.SIZES, {"n": 9}, 2, 0), module)
    found = measure(module, module.init(dtype="float64"), data, ("bptt",), count=3, draws=2, seed=0)
    assert found.edges == () and "cannot be told" in found.without
    assert found.rules[0].whole[ALL].error == 0.0


def test_a_loss_that_is_not_finite_is_not_compared() -> None:
    module, p, data = subject("sum")
    p["h.W_x"] = np.inf
    with pytest.raises(NotComparable), np.errstate(all="ignore"):
        measure(module, p, open_data(data, module), ("bptt",), count=2, draws=2, seed=0)
