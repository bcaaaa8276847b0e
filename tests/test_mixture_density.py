"""Mixtures of Gaussians against densities that are added up as they stand, and their complex-step derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import rnnc

SPEC = """network mixture(M = 3, d = 2) {{
  axis n
  input  a[n], r[n] : M
  input  u[n], v[n] : {width}
  target t[n] : {coordinates}
  output pi[n] : M = {pi}
  output sigma[n] : {width} = {sigma}
  {rho}
  loss mixture_density(pi, u, sigma, {named}t)
}}
"""
FUSED = {"pi": "softmax(a)", "sigma": "exp(v)", "rho": "unit rho[n] = tanh(r)"}
PLAIN = {"pi": "0.25 * softmax(a) + 0.75 / M", "sigma": "softplus(v)", "rho": "unit rho[n] = 0.9 * sin(r)"}
SIZES = {"d": ("d*M", "d"), "1": ("M", "1"), "2": ("2*M", "2")}


def compiled(coordinates: str, *, rho: bool = False, forms: dict[str, str] = FUSED) -> Any:
    width, count = SIZES[coordinates]
    named = "rho, " if rho else ""
    filled = {**forms, "width": width, "coordinates": count, "named": named}
    if not rho:
        filled["rho"] = "output q[n] : M = r"
    return rnnc.compile_text(SPEC.format(**filled))


def made(data: dict[str, Any], forms: dict[str, str]) -> tuple[Any, Any, Any]:
    """pi, sigma and rho of one position, from what the equations say."""
    shares = np.exp(data["a"]) / np.exp(data["a"]).sum()
    if forms is FUSED:
        return shares, np.exp(data["v"]), np.tanh(data["r"])
    return 0.25 * shares + 0.75 / len(shares), np.log(1 + np.exp(data["v"])), 0.9 * np.sin(data["r"])


def cost(data: dict[str, Any], t: Any, forms: dict[str, str], *, rho: bool) -> Any:
    """-log of the density of the coordinates that are there, added up component by component."""
    pi, sigma, correlation = made(data, forms)
    count = len(pi)
    density = 0.0
    for m in range(count):
        mu, s = data["u"][m::count], sigma[m::count]
        held = [c for c in range(len(t)) if not np.isnan(t[c])]
        z = [(t[c] - mu[c]) / s[c] for c in held]
        if rho and len(held) == 2:
            rest = 1 - correlation[m] ** 2
            exponent = -(z[0] ** 2 - 2 * correlation[m] * z[0] * z[1] + z[1] ** 2) / (2 * rest)
            factor = 2 * np.pi * s[0] * s[1] * np.sqrt(rest)
        else:
            exponent = -sum(x**2 for x in z) / 2
            factor = (2 * np.pi) ** (len(held) / 2) * np.prod([s[c] for c in held])
        density = density + pi[m] * np.exp(exponent) / factor
    return -np.log(density)


def summed(data: dict[str, Any], t: Any, forms: dict[str, str], *, rho: bool) -> Any:
    positions = [k for k in range(len(t)) if not np.isnan(t[k]).all()]
    return sum(cost({n: a[k] for n, a in data.items()}, t[k], forms, rho=rho) for k in positions)


@pytest.mark.parametrize(("coordinates", "rho"), [("1", False), ("2", False), ("d", False), ("2", True)])
@pytest.mark.parametrize("forms", [FUSED, PLAIN], ids=["fused", "plain"])
@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
def test_value_and_gradient(coordinates: str, rho: bool, forms: dict[str, str], gaps: bool) -> None:
    count = {"1": 1, "2": 2, "d": 4}[coordinates]
    rng = np.random.default_rng(7)
    m, steps = 5, 6
    data = {n: rng.normal(size=(steps, m)) for n in "ar"} | {n: rng.normal(size=(steps, count * m)) for n in "uv"}
    t = 2.0 * rng.normal(size=(steps, count))
    if gaps:
        t[1, 0] = t[2, -1] = np.nan
        t[4] = np.nan
    module = compiled(coordinates, rho=rho, forms=forms)
    p = module.init(dtype="float64", M=m, **({"d": count} if coordinates == "d" else {}))
    names = tuple(n for n in "auv" + "r" * rho)
    value, grads = module.bptt(p, **data, t=t, wrt=names)
    assert_allclose(value, summed(data, t, forms, rho=rho), rtol=1e-12)
    for name in names:
        wanted = np.zeros_like(data[name])
        for place in np.ndindex(wanted.shape):
            moved = data[name].astype(complex)
            moved[place] += 1e-30j
            wanted[place] = np.imag(summed({**data, name: moved}, t, forms, rho=rho)) / 1e-30
        assert_allclose(grads[name], wanted, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rho", [False, True])
def test_nothing_overflows(rho: bool, dtype: str) -> None:
    """Every raw number among 0, +-1, +-60 and +-1000: the cost and its gradients are numbers."""
    rng = np.random.default_rng(1)
    extremes = np.array([0.0, 1.0, -1.0, 60.0, -60.0, 1000.0, -1000.0])
    steps, m = 2000, 3
    data = {n: rng.choice(extremes, (steps, m)) for n in "ar"}
    data |= {n: rng.choice(extremes, (steps, 2 * m)) for n in "uv"}
    t = rng.choice(extremes, (steps, 2))
    if rho and dtype == "float32":
        # a distance by a reciprocal deviation by e^|r|: with more than e^20 each, more than a float32 holds
        data |= {n: np.clip(data[n], -20.0, 20.0) for n in "vr"}
    module = compiled("2", rho=rho)
    p = module.init(dtype=dtype)
    names = ("a", "u", "v", *("r" * rho))
    value, grads = module.bptt(p, **data, t=t, wrt=names)
    assert np.isfinite(value) and value.dtype == dtype
    for name in names:
        assert np.isfinite(grads[name]).all(), name


def test_far_from_every_component() -> None:
    """log N = -(300^2) / 2 - log(2 pi): the densities themselves are 0 in any float."""
    module = compiled("2")
    zero = np.zeros((1, 3))
    places = np.concatenate([np.full((1, 3), 300.0), np.zeros((1, 3))], axis=1)
    value, grads = module.bptt(
        module.init(dtype="float64"), a=zero, r=zero, u=places, v=np.zeros((1, 6)), t=np.zeros((1, 2)), wrt="u"
    )
    assert_allclose(value, 45000.0 + np.log(2 * np.pi), rtol=1e-14)
    assert_allclose(grads["u"], [[100.0] * 3 + [0.0] * 3], atol=1e-9)


def test_a_weight_of_zero_is_no_component() -> None:
    text = """network two(D = 1) { axis n input w[n] : 2 target t[n] : 1 input u[n], s[n] : 2
    loss mixture_density(w, u, s, t) output y[n] : D = sum(w) }"""
    module = rnnc.compile_text(text)
    p = module.init(dtype="float64")
    data = {"w": np.array([[1.0, 0.0]]), "u": np.array([[0.5, 9.0]]), "s": np.array([[2.0, 1.0]])}
    value, grads = module.bptt(p, **data, t=np.array([[1.5]]), wrt=("w", "u", "s"))
    assert_allclose(value, 0.125 + np.log(2.0) + 0.5 * np.log(2 * np.pi), rtol=1e-14)
    for name in ("w", "u", "s"):
        assert np.isfinite(grads[name]).all()
        assert grads[name][0, 1] == 0.0
