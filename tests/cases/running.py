"""Run a stated case on its compiled module and compare. Each spec is compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

import rnnc
from cases.stated import Stated
from cases.stored import Array

Run = Literal["float64", "float32", "padding"]
RUNS: tuple[Run, ...] = ("float64", "float32", "padding")

# What float32 keeps of forward values and of gradients, in networks of these sizes.
FORWARD32 = (2e-4, 2e-5)
GRADIENT32 = (2e-3, 2e-4)


@cache
def compiled(spec: str) -> ModuleType:
    """The module of a spec."""
    module: ModuleType = rnnc.compile_text(spec)
    return module


def check(stated: Stated, run: Run) -> None:
    """One run of a case: forward values, the loss, and all gradients it states.

    "float64" fills what `init` gives, "float32" hands over a plain dictionary, and "padding" puts NaN where
    an input or target is padded. Raises AssertionError where a number, a key or a shape differs.
    """
    module = compiled(stated.spec)
    dtype = "float32" if run == "float32" else "float64"
    parameters = _initialised(module, stated) if run == "float64" else _cast(stated.parameters, dtype)
    data = _cast(poisoned(stated) if run == "padding" else stated.data, dtype)
    extra = {} if stated.lengths is None else {"lengths": stated.lengths}

    given = module.forward(parameters, **data, **extra)
    for expected in stated.outputs:
        rtol, atol = FORWARD32 if run == "float32" else (expected.rtol, expected.atol)
        _compare(given[expected.name], expected.values, dtype, rtol, atol, expected.name)
    if stated.loss is None:
        return
    rtol, atol = FORWARD32 if run == "float32" else (stated.rtol, stated.atol)
    _compare(np.sum(given["loss"]), np.asarray(stated.loss), dtype, rtol, atol, "loss")

    wrt = tuple(name for name in stated.gradients if name not in stated.parameters)
    value, gradients = module.bptt(parameters, **data, **extra, wrt=wrt, reduce="sum")
    assert_allclose(float(value), stated.loss, rtol=rtol, atol=atol, err_msg="value")
    if run == "float32":
        rtol, atol = GRADIENT32
    for name, values in stated.gradients.items():
        _compare(gradients[name], values, dtype, rtol, atol, "gradient of " + name)


def poisoned(stated: Stated) -> dict[str, Array]:
    """The data with NaN (-1 for tokens) in every padded step of every padded array."""
    found = dict(stated.data)
    lengths = stated.lengths
    if isinstance(lengths, Mapping):
        (lengths,) = lengths.values()
    assert lengths is not None
    for name in stated.padded:
        array = found[name].copy()
        outside = np.arange(array.shape[0])[:, None] >= lengths[None, :]
        array[outside] = np.nan if array.dtype.kind == "f" else -1
        found[name] = array
    return found


def _initialised(module: ModuleType, stated: Stated) -> Any:
    """What the module's own `init` gives, filled with the case's values; keys and shapes must agree."""
    parameters = module.init(seed=0, dtype="float64", **stated.sizes)
    assert sorted(parameters) == sorted(stated.parameters)
    for name, values in stated.parameters.items():
        assert parameters[name].shape == values.shape, name
        parameters[name][...] = values
    return parameters


def _cast(arrays: Mapping[str, Array], dtype: str) -> dict[str, Array]:
    """Floats in one dtype, contiguous; whole numbers as they are."""
    return {
        name: np.ascontiguousarray(array, dtype=dtype if array.dtype.kind == "f" else None).reshape(array.shape)
        for name, array in arrays.items()
    }


def _compare(given: Any, expected: Array, dtype: str, rtol: float, atol: float, name: str) -> None:
    given = np.asarray(given)
    assert given.dtype == dtype, f"{name} is {given.dtype}"
    assert given.shape == expected.shape, f"{name} is {given.shape}, not {expected.shape}"
    stated = ~np.isnan(expected)
    assert_array_equal(np.isnan(given), False, err_msg=name)
    assert_allclose(given[stated], expected[stated], rtol=rtol, atol=atol, err_msg=name)
