"""Learning forward in time against independent numbers: gradients of every step through the whole past, sensitivities,
weights that change from step to step (Williams and Zipser 1989), teacher forcing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import stored
from cases.families import state
from cases.running import compiled
from cases.stated import Stated
from cases.williams_zipser import GATES, KEYS, keyed_weights, layer_weights
from numpy.testing import assert_allclose
from oracle.forward_in_time import ONLINE
from oracle.properties import Subject, adjoint_is_the_unrolled_gradient

ALL = tuple(stored.load("rtrl", name) for name in stored.names("rtrl"))
RECURRENT = tuple(c for c in ALL if c.name.startswith("frn"))
LAYERS = tuple(c for c in ALL if c.name.split("_")[0] in GATES)
RTOL, ATOL = 1e-10, 1e-11


def started(stated: Stated) -> tuple[Any, dict[str, Any], Any]:
    """Module, learner and parameters; a learner is a dict of arrays, copied here to show that it is all there is."""
    module = compiled(stated.spec)
    p = module.init(dtype="float64", **stated.sizes)
    for name, values in stated.parameters.items():
        p[name][...] = values
    starts = {name: stated.data[name] for name in ("y0", "h0", "c0") if name in stated.data}
    learner = module.rtrl_start(p, **starts)
    return module, {name: array.copy() for name, array in learner.items()}, p


def at_step(stated: Stated, n: int) -> dict[str, Any]:
    return {name: array[n] for name, array in stated.data.items() if name not in ("y0", "h0", "c0")}


@pytest.mark.parametrize("case", RECURRENT, ids=lambda c: c.name)
def test_every_step_of_a_fully_recurrent_network(case: stored.Stored) -> None:
    (stated,) = state(case)
    module, learner, p = started(stated)
    source = "z" if "forced" in case.name else "y"
    for n in range(int(case.hyper["T"])):
        value, grads, learner = module.rtrl_step(p, learner, **at_step(stated, n))
        assert_allclose(value, case["step.loss"][n], RTOL, ATOL)
        for name, expected in keyed_weights(case, case["step.grad_W"][n]).items():
            assert_allclose(grads[name], expected, RTOL, ATOL, err_msg=f"{name}, step {n}")
        if source == "z":
            continue
        for name, expected in keyed_weights(case, case["step.P"][n]).items():
            assert_allclose(learner[f"y by {name}"], expected, RTOL, ATOL, err_msg=f"influence of {name}, step {n}")


@pytest.mark.parametrize("case", RECURRENT, ids=lambda c: c.name)
def test_weights_that_change_at_every_step(case: stored.Stored) -> None:
    """The influence is carried over, not computed anew."""
    (stated,) = state(case)
    module, learner, p = started(stated)
    for n in range(int(case.hyper["T"])):
        for name, expected in keyed_weights(case, case["online.W"][n]).items():
            assert_allclose(p[name], expected, RTOL, ATOL, err_msg=f"{name} before step {n}")
        _, grads, learner = module.rtrl_step(p, learner, **at_step(stated, n))
        for name, expected in keyed_weights(case, case["online.grad_W"][n]).items():
            assert_allclose(grads[name], expected, RTOL, ATOL, err_msg=f"{name}, step {n}")
        p.flat -= float(case["online.lr"]) * grads.flat


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.name)
def test_every_step_of_a_layer(case: stored.Stored) -> None:
    (stated,) = state(case)
    module, learner, p = started(stated)
    for n in range(int(case.hyper["T"])):
        value, grads, learner = module.rtrl_step(p, learner, **at_step(stated, n))
        assert_allclose(value, case["step.loss"][n], RTOL, ATOL)
        for name, expected in layer_weights(case, {key: case[f"step.grad_{key}"][n] for key in KEYS}).items():
            assert_allclose(grads[name], expected, RTOL, ATOL, err_msg=f"{name}, step {n}")
        sensitivity = np.moveaxis(case["step.sens_Wh"][n], 0, -1)
        for name, expected in layer_weights(case, {"Wh": sensitivity}).items():
            found = np.moveaxis(learner[f"h by {name}"], 0, -1)
            assert_allclose(found, expected, RTOL, ATOL, err_msg=f"influence of {name}, step {n}")


@pytest.mark.parametrize("case", (*RECURRENT, *LAYERS), ids=lambda c: c.name)
def test_a_whole_sequence(case: stored.Stored) -> None:
    (stated,) = state(case)
    module, _, p = started(stated)
    value, grads = module.rtrl(p, **stated.data)
    assert_allclose(value, case["loss"], RTOL, ATOL)
    for name in p:
        assert_allclose(grads[name], stated.gradients[name], RTOL, ATOL, err_msg=name)


SPARSE = """
network sparse(D = 3, H = 6) {
  axis n
  input  x[n] : D
  target t[n] : H
  gate   f[n] : H = sigmoid(full(x) + sparse(h[n-1], density = 0.3) + bias)
  unit   c[n] : H = f * c[n-1] + (1 - f) * tanh(full(x) + sparse(h[n-2], density = 0.5) + bias)
  unit   g[n] : H = tanh(diag(g[n-1]) + full(x))
  unit   h[n] : H = tanh(c + sparse(g[n-1], density = 0.3)) - 0.5 * h[n-1]
  loss squared_error(h, t)
}
"""
BLOCKS = """
network blocks(D = 3, H = 6) {
  axis n
  input  x[n] : D
  target t[n] : 2
  gate   f[n] : H = sigmoid(full(x) + block(h[n-1], 3) + diag(h[n-2]) + bias)
  unit   h[n] : H = f * h[n-1] + (1 - f) * tanh(full(x) + block(h[n-1], 3) + bias)
  start  h = learned
  unit   g[n] : H = tanh(block(h[n-1], 2) + block(g[n-1], 2) + block(g[n-3], 2, as = V))
  output y[n] : 2 = full(h, g[n-1], h[n-2..n-1]) + bias
  loss squared_error(y, t)
}
"""
SLICED = """
network moved(D = 4, H = 6) {
  axis n
  input  x[n] : D
  target t[n] : 2
  param  W : (4, 4)
  unit   a[n] : 2 = tanh(slice(W @ h[n-1], 0, 2) + bias)
  unit   h[n] : 4 = concat(a, 0.5 * slice(x, 1, 3)) * sigmoid(max(h[n-1]) + softmax(full(x) + h[n-1]))
  unit   b[n] : H = tanh(block(b[n-1], 2) + full(h) + bias) / (1 + norm(b[n-1]))
  output y[n] : 2 = full(b, h[n-3..n]) + bias
  loss squared_error(y, t)
}
"""


@pytest.mark.parametrize("spec", (SPARSE, BLOCKS, SLICED), ids=("sparse", "blocks", "sliced"))
def test_operations_that_random_specs_seldom_meet(spec: str) -> None:
    """`rtrl`, and its steps summed, are `bptt` (which the unrolled graph holds to account)."""
    subject = Subject(spec, 3)
    for holds in (*ONLINE, adjoint_is_the_unrolled_gradient):
        holds(subject)
    assert hasattr(subject.module, "rtrl_step")


def test_count() -> None:
    assert (len(RECURRENT), len(LAYERS)) == (7, 3)
