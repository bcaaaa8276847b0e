"""Rules that keep some terms of the influence recursion, against whole matrices (`oracle.dense_rules`) and papers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from oracle.dense_rules import EVERY, Network, Parameters, sigmoid, snap, traces

import rnnc

Array = NDArray[Any]
D, H, T = 2, 3, 7
RULES: dict[str, Callable[[Network, Parameters, Array, Array], dict[str, Array]]] = {
    "snap1": lambda net, p, x, t: snap(net, p, x, t, 1),
    "snap2": lambda net, p, x, t: snap(net, p, x, t, 2),
    "snap3": lambda net, p, x, t: snap(net, p, x, t, 3),
    "rflo": lambda net, p, x, t: traces(net, p, x, t, True),
    "eprop": lambda net, p, x, t: traces(net, p, x, t, False),
}
ROW = np.arange(H)
ROWS = ROW[:, None]
NONE = np.array(-1)


@dataclass(frozen=True)
class Case:
    """`uses`: what the uses of a tied weight are called where each counts for itself, as that of one unit."""

    text: str
    net: Network
    uses: tuple[str, ...] = ()

    def expected(self, rule: str, p: Parameters, x: Array, t: Array) -> dict[str, Array]:
        if not self.uses or rule.startswith("snap"):
            return RULES[rule](self.net, p, x, t)
        apart = {n: a for n, a in p.items() if n != "V"} | dict.fromkeys(self.uses, p["V"])
        found = RULES[rule](self.net, apart, x, t)
        return found | {"V": np.sum([found[use] for use in self.uses], axis=0)}


def network(body: str, output: str = "full(h) + bias") -> str:
    return (
        f"network counted(D = {D}, H = {H}) {{\naxis n\ninput x[n] : D\ntarget t[n] : 2\n{body}\n"
        f"output y[n] : 2 = {output}\nloss squared_error(y, t)\n}}"
    )


def squared(state: Array, before: Array, p: Parameters, t: Array) -> Any:
    there = ~np.isnan(t)
    return 0.5 * np.sum(((p["y.W_h"] @ state[-H:] + p["y.b"] - t)[there]) ** 2)


def zeros(size: int) -> Callable[[Parameters], Array]:
    return lambda p: np.zeros(size)


READOUT = {"y.W_h": NONE, "y.b": NONE}
LAYER = {"h.W_x": ROWS, "h.W_h": ROWS, "h.b": ROW}


def plain(leak: Array, own: Array, others: Array, p: Parameters, x: Array) -> Any:
    return np.tanh(p["h.W_x"] @ x + p["h.W_h"] @ others + p["h.b"])


def leaky(leak: Array, own: Array, others: Array, p: Parameters, x: Array) -> Any:
    return 0.7 * leak + 0.3 * plain(leak, own, others, p, x)


def own_feedback(leak: Array, own: Array, others: Array, p: Parameters, x: Array) -> Any:
    return 0.6 * leak + np.tanh(p["h.W_x"] @ x + p["h.w_h"] * own)


def scaled(leak: Array, own: Array, others: Array, p: Parameters, x: Array) -> Any:
    return sigmoid(p["k"]) * leak + plain(leak, own, others, p, x)


def late(leak: Array, own: Array, others: Array, p: Parameters, x: Array) -> Any:
    one, two = leak[:H], leak[H:]
    return 0.5 * one - 0.2 * two + np.tanh(p["h.W_x"] @ x + p["h.W_h"] @ others[:H] + p["V"] @ others[H:])


def lstm(leak: Array, own: Array, others: Array, p: Parameters, x: Array) -> Any:
    i, f, o = (
        sigmoid(p[f"{g}.W_x"] @ x + p[f"{g}.W_h"] @ others[H:] + p[f"{g}.b"] + p["p" + g] * own[:H]) for g in "ifo"
    )
    c = f * leak[:H] + i * np.tanh(p["c.W_x"] @ x + p["c.W_h"] @ others[H:] + p["c.b"])
    return np.concatenate([c, o * np.tanh(c)])


def gru(leak: Array, own: Array, others: Array, p: Parameters, x: Array) -> Any:
    z, r = (sigmoid(p[f"{g}.W_x"] @ x + p[f"{g}.W_h"] @ others) for g in "zr")
    return z * leak + (1 - z) * np.tanh(p["h.W_x"] @ x + p["W"] @ (r * others))


def two(leak: Array, own: Array, others: Array, p: Parameters, x: Array) -> Any:
    g = 0.4 * leak[:H] + np.tanh(p["g.W_x"] @ x + p.get("V by g", p.get("V")) @ others[:H])
    return np.concatenate([g, 0.3 * leak[H:] + np.tanh(p["h.W_g"] @ g + p.get("V by h", p.get("V")) @ others[H:])])


def after(state: Array, before: Array, p: Parameters, t: Array) -> Any:
    there = ~np.isnan(t)
    return 0.5 * np.sum(((p["y.W_h"] @ state + p["U"] @ before - t)[there]) ** 2)


PLAIN = "unit h[n] : H = tanh(full(x) + full(h[n-1]) + bias)"
GATES = "\n".join(
    f"param p{g} : H = normal(0.5)\ngate {g}[n] : H = sigmoid(full(x) + full(h[n-1]) + bias + p{g} * c[n-1])"
    for g in "ifo"
)
CASES = {
    "plain": Case(network(PLAIN), Network(plain, squared, zeros(H), ROW, {**LAYER, **READOUT})),
    "learned start": Case(
        network("param s : H = normal(0.5)\n" + PLAIN.replace("tanh(", "0.7 * h[n-1] + 0.3 * tanh(") + "\nstart h = s"),
        Network(leaky, squared, lambda p: p["s"], ROW, {**LAYER, **READOUT, "s": ROW}),
    ),
    "own feedback": Case(
        network("unit h[n] : H = 0.6 * h[n-1] + tanh(full(x) + diag(h[n-1]))"),
        Network(own_feedback, squared, zeros(H), ROW, {"h.W_x": ROWS, "h.w_h": ROW, **READOUT}),
    ),
    "shared factor": Case(
        network("param k : 1 = normal(1)\nunit h[n] : H = sigmoid(k) * h[n-1] + tanh(full(x) + full(h[n-1]) + bias)"),
        Network(scaled, squared, zeros(H), ROW, {**LAYER, **READOUT, "k": np.array(EVERY)}),
    ),
    "delays": Case(
        network(
            "param V : (H, H)\nunit h[n] : H = 0.5 * h[n-1] - 0.2 * h[n-2] + tanh(full(x) + full(h[n-1]) + V @ h[n-2])"
        ),
        Network(late, squared, zeros(2 * H), ROW, {"h.W_x": ROWS, "h.W_h": ROWS, "V": ROWS, **READOUT}, 2),
    ),
    "lstm": Case(
        network(
            GATES
            + "\nunit c[n] : H = f * c[n-1] + i * tanh(full(x) + full(h[n-1]) + bias)\nunit h[n] : H = o * tanh(c)"
        ),
        Network(
            lstm,
            squared,
            zeros(2 * H),
            np.concatenate([ROW, ROW]),
            {f"{g}.{w}": ROW if w == "b" else ROWS for g in "ifoc" for w in ("W_x", "W_h", "b")}
            | {f"p{g}": ROW for g in "ifo"}
            | READOUT,
        ),
    ),
    "gru": Case(
        network(
            "param W : (H, H)\ngate z[n] : H = sigmoid(full(x) + full(h[n-1]))\n"
            "gate r[n] : H = sigmoid(full(x) + full(h[n-1]))\n"
            "unit h[n] : H = z * h[n-1] + (1 - z) * tanh(full(x) + W @ (r * h[n-1]))"
        ),
        Network(
            gru,
            squared,
            zeros(H),
            ROW,
            {n: NONE if n[0] == "r" else ROWS for n in ("z.W_x", "z.W_h", "r.W_x", "r.W_h", "h.W_x", "W")} | READOUT,
        ),
    ),
    "two layers, tied": Case(
        network(
            "param V : (H, H)\nunit g[n] : H = 0.4 * g[n-1] + tanh(full(x) + V @ g[n-1])\n"
            "unit h[n] : H = 0.3 * h[n-1] + tanh(full(g) + V @ h[n-1])"
        ),
        Network(
            two,
            squared,
            zeros(2 * H),
            np.arange(2 * H),
            {"g.W_x": ROWS, "h.W_g": ROWS + H, "V by g": ROWS, "V by h": ROWS + H, **READOUT},
        ),
        ("V by g", "V by h"),
    ),
    "read later": Case(
        network("param U : (2, H)\n" + PLAIN.replace("tanh(", "0.7 * h[n-1] + 0.3 * tanh("), "full(h) + U @ h[n-1]"),
        Network(leaky, after, zeros(H), ROW, {**LAYER, "y.W_h": NONE, "U": NONE}),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_against_whole_matrices(name: str) -> None:
    case = CASES[name]
    module = rnnc.compile_text(case.text, learn=tuple(RULES))
    rng = np.random.default_rng(3)
    p = module.init(seed=0, dtype="float64")
    p.flat[...] = rng.standard_normal(p.flat.shape)
    x, t = rng.standard_normal((T, D)), rng.standard_normal((T, 2))
    t[2, 1] = t[4, 0] = np.nan
    for rule in RULES:
        _, found = getattr(module, rule)(p, x=x, t=t)
        expected = case.expected(rule, dict(p), x, t)
        for key in p:
            np.testing.assert_allclose(found[key], expected[key], rtol=1e-9, atol=1e-11, err_msg=f"{rule}: {key}")


def test_the_leak_of_a_rate_network_as_murray_writes_it() -> None:
    """p_ab[n] = (1 - a) p_ab[n-1] + a f'(u_a) h_b[n-1]; dW_ab = sum over n (B e[n])_a p_ab[n], B here the read-out."""
    module = rnnc.compile_text(CASES["learned start"].text, learn=("rflo",))
    rng = np.random.default_rng(1)
    p = module.init(seed=0, dtype="float64")
    p.flat[...] = rng.standard_normal(p.flat.shape)
    x, t = rng.standard_normal((T, D)), rng.standard_normal((T, 2))
    h, trace, total = p["s"].copy(), np.zeros((H, H)), np.zeros((H, H))
    for n in range(T):
        f = np.tanh(p["h.W_x"] @ x[n] + p["h.W_h"] @ h + p["h.b"])
        trace = 0.7 * trace + 0.3 * np.outer(1 - f * f, h)
        h = 0.7 * h + 0.3 * f
        error = p["y.W_h"] @ h + p["y.b"] - t[n]
        total += (p["y.W_h"].T @ error)[:, None] * trace
    np.testing.assert_allclose(module.rflo(p, x=x, t=t)[1]["h.W_h"], total, rtol=1e-10)


def test_eligibility_traces_of_an_lstm_as_bellec_and_others_write_them() -> None:
    """epsilon[n] = f[n] epsilon[n-1] + d c[n] / d W, e[n] = d h[n] / d c[n] epsilon[n]; an output gate has no past."""
    text = network(
        "gate i[n] : H = sigmoid(full(x) + full(h[n-1]))\ngate f[n] : H = sigmoid(full(x) + full(h[n-1]))\n"
        "gate o[n] : H = sigmoid(full(x) + full(h[n-1]))\n"
        "unit c[n] : H = f * c[n-1] + i * tanh(full(x) + full(h[n-1]))\nunit h[n] : H = o * tanh(c)"
    )
    module = rnnc.compile_text(text, learn=("eprop",))
    rng = np.random.default_rng(2)
    p = module.init(seed=0, dtype="float64")
    p.flat[...] = rng.standard_normal(p.flat.shape)
    x, t = rng.standard_normal((T, D)), rng.standard_normal((T, 2))
    h, c = np.zeros(H), np.zeros(H)
    traced = {g: np.zeros((H, H)) for g in "ifc"}
    total = {g: np.zeros((H, H)) for g in "ifco"}
    for n in range(T):
        i, f, o = (sigmoid(p[f"{g}.W_x"] @ x[n] + p[f"{g}.W_h"] @ h) for g in "ifo")
        z = np.tanh(p["c.W_x"] @ x[n] + p["c.W_h"] @ h)
        now = {"i": z * i * (1 - i), "f": c * f * (1 - f), "c": i * (1 - z * z)}
        c = f * c + i * z
        traced = {g: f[:, None] * traced[g] + np.outer(now[g], h) for g in traced}
        gate = np.outer(np.tanh(c) * o * (1 - o), h)
        h = o * np.tanh(c)
        signal = p["y.W_h"].T @ (p["y.W_h"] @ h + p["y.b"] - t[n])
        for g in "ifc":
            total[g] += (signal * o * (1 - np.tanh(c) ** 2))[:, None] * traced[g]
        total["o"] += signal[:, None] * gate
    _, found = module.eprop(p, x=x, t=t)
    for g in "ifco":
        np.testing.assert_allclose(found[f"{g}.W_h"], total[g], rtol=1e-10, atol=1e-13, err_msg=g)


SATURATED = ("plain", "delays", "lstm", "gru", "two layers, tied", "read later")


@pytest.mark.parametrize("name", SATURATED)
def test_enough_steps_are_exact(name: str) -> None:
    module = rnnc.compile_text(CASES[name].text, learn=("rtrl", "snap9"))
    p = module.init(seed=0, dtype="float64")
    rng = np.random.default_rng(4)
    x, t = rng.standard_normal((T, 3, D)), rng.standard_normal((T, 3, 2))
    found, expected = (getattr(module, rule)(p, x=x, t=t)[1] for rule in ("snap9", "bptt"))
    np.testing.assert_allclose(found.flat, expected.flat, rtol=1e-10, atol=1e-12)


ELEMENTS = "unit g[n] : H = tanh(diag(g[n-1]) + full(x) + bias)\nunit h[n] : H = g * h[n-1] + diag(g[n-2])"


@pytest.mark.parametrize("rule", ["snap1", "eprop", "focused"])
def test_entry_by_entry_they_are_exact(rule: str) -> None:
    # the one step back of a parameter to a second unit is more than snap1 keeps
    body = ELEMENTS if rule != "snap1" else "unit h[n] : H = tanh(diag(h[n-1]) + full(x) + bias)"
    module = rnnc.compile_text(network(body), learn=(rule,))
    p = module.init(seed=0, dtype="float64")
    rng = np.random.default_rng(5)
    p.flat[...] = 0.5 * rng.standard_normal(p.flat.shape)
    x, t = rng.standard_normal((T, 3, D)), rng.standard_normal((T, 3, 2))
    found, expected = (getattr(module, name)(p, x=x, t=t)[1] for name in (rule, "bptt"))
    np.testing.assert_allclose(found.flat, expected.flat, rtol=1e-10, atol=1e-12)


def test_a_sparse_connection_keeps_what_it_has_of_the_unit_itself() -> None:
    """J_ia[n] = h'_i (sum over connections k of i to itself W_ik) J_ia[n-1] + h'_i z_a: the diagonal of a sparse W."""
    text = network("unit h[n] : H = tanh(full(x) + sparse(h[n-1], density = 0.5) + bias)").replace("H = 3", "H = 7")
    module = rnnc.compile_text(text, learn=("snap1",))
    rng = np.random.default_rng(6)
    p = module.init(seed=3, dtype="float64")
    p.flat[...] = rng.standard_normal(p.flat.shape)
    weight = np.zeros((7, 7))
    np.add.at(weight, (np.arange(7)[:, None], p["h.W_h.columns"]), p["h.W_h"])
    assert 0 < np.count_nonzero(np.diag(weight)) < 7
    x, t = rng.standard_normal((T, D)), rng.standard_normal((T, 2))
    h, trace, total = np.zeros(7), np.zeros((7, D)), np.zeros((7, D))
    for n in range(T):
        h = np.tanh(p["h.W_x"] @ x[n] + weight @ h + p["h.b"])
        slope = 1 - h * h
        trace = (slope * np.diag(weight))[:, None] * trace + np.outer(slope, x[n])
        total += (p["y.W_h"].T @ (p["y.W_h"] @ h + p["y.b"] - t[n]))[:, None] * trace
    np.testing.assert_allclose(module.snap1(p, x=x, t=t)[1]["h.W_x"], total, rtol=1e-10, atol=1e-13)


def test_what_goes_into_a_wider_influence_is_held_as_wide() -> None:
    """`g` depends on all of V at once, `h` on a row of it and, entry by entry, on `g` before: both are held whole."""
    text = network(
        "param V : (H, D)\nunit g[n] : H = tanh(full(sigmoid(V @ x)))\n"
        "unit h[n] : H = 0.5 * (g[n-1] + h[n-1]) + tanh(V @ x)"
    )
    module = rnnc.compile_text(text, learn=("snap1",))
    p = module.init(seed=0, dtype="float64")
    rng = np.random.default_rng(7)
    x, t = rng.standard_normal((T, 3, D)), rng.standard_normal((T, 3, 2))
    _, expected = module.bptt(p, x=x, t=t)
    np.testing.assert_allclose(module.snap1(p, x=x, t=t)[1]["V"], expected["V"], rtol=1e-10, atol=1e-13)
