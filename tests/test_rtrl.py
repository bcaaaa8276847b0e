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


def test_count() -> None:
    assert (len(RECURRENT), len(LAYERS)) == (7, 3)
