"""The optimisers against recorded trajectories, against each other's forms, and against wrong input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FlatArrays
from numpy.typing import NDArray

from rnnc.runtime import optim

CASES = Path(__file__).parent / "data" / "cases" / "optim"
TRAJECTORIES = sorted(path.stem for path in CASES.glob("*.json") if not path.stem.startswith("clip_"))
SEQUENCES = ("dense", "sparse", "scale", "zero")
RULES: dict[str, Callable[..., optim.Optimiser]] = {rule.__name__: rule for rule in optim.OPTIMISERS}

Floats = NDArray[np.float64]


def recorded(name: str) -> tuple[dict[str, Any], dict[str, Floats]]:
    case: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    with np.load(CASES / f"{name}.npz", allow_pickle=False) as arrays:
        return case, dict(arrays)


def built(hyper: dict[str, Any]) -> optim.Optimiser:
    options = {key: tuple(v) if isinstance(v, list) else v for key, v in hyper.items() if key != "kind"}
    return RULES[hyper["kind"]](**options)


def test_every_case_is_here() -> None:
    assert len(TRAJECTORIES) == 14
    assert len(list(CASES.glob("clip_*.json"))) == 3


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("name", TRAJECTORIES)
def test_trajectory(name: str, sequence: str) -> None:
    case, arrays = recorded(name)
    opt = built(case["hyper"])
    p = {"W": arrays["init.p"].copy()}
    wanted = arrays[f"out.p_{sequence}"]
    for step, grad in enumerate(arrays[f"in.grads_{sequence}"]):
        opt.step(p, {"W": grad})
        np.testing.assert_allclose(p["W"], wanted[step + 1], rtol=1e-10, atol=1e-13, err_msg=f"step {step + 1}")


@pytest.mark.parametrize("name", ["clip_norm_100_noop", "clip_norm_inf_2", "clip_value_0.5"])
def test_clipping_case(name: str) -> None:
    _, arrays = recorded(name)
    grads = {"a": arrays["in.g1"].copy(), "b": arrays["in.g2"].copy()}
    if name == "clip_value_0.5":
        optim.clip_value(grads, 0.5)
    else:
        norm = optim.clip_norm(grads, 100.0 if "100" in name else 2.0, np.inf if "inf" in name else 2.0)
        np.testing.assert_allclose(norm, arrays["out.total_norm"], rtol=1e-12)
    np.testing.assert_allclose(grads["a"], arrays["out.g1"], rtol=1e-12)
    np.testing.assert_allclose(grads["b"], arrays["out.g2"], rtol=1e-12)


VARIANTS: tuple[Callable[[], optim.Optimiser], ...] = (
    *optim.OPTIMISERS,
    lambda: optim.SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1, maximize=True),
    lambda: optim.RMSprop(centered=True, momentum=0.5, maximize=True),
    lambda: optim.Adam(amsgrad=True, weight_decay=0.1, maximize=True),
    lambda: optim.AdamW(weight_decay=0.1, maximize=True),
    lambda: optim.NAdam(weight_decay=0.1, decoupled_weight_decay=True, maximize=True),
)


def sample_arrays(seed: int, dtype: type[np.floating[Any]] = np.float64) -> dict[str, NDArray[Any]]:
    draw = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {"h.W": (4, 3), "h.b": (4,), "s": ()}
    return {name: np.asarray(draw.normal(size=shape), dtype=dtype) for name, shape in shapes.items()}


@pytest.mark.parametrize("number", range(len(VARIANTS)))
@pytest.mark.parametrize("flat_gradient", [True, False])
def test_one_buffer_moves_as_its_views_would(number: int, flat_gradient: bool) -> None:
    apart, together = VARIANTS[number](), VARIANTS[number]()
    p = sample_arrays(0)
    q = FlatArrays(sample_arrays(0))
    for step in range(1, 6):
        grads = sample_arrays(step)
        apart.step(p, grads)
        # Every other step in the other form: both must find the same memory.
        as_buffer = flat_gradient == bool(step % 2)
        together.step(q, FlatArrays(grads) if as_buffer else grads)
    for name, value in p.items():
        np.testing.assert_array_equal(q[name], value)
        assert np.shares_memory(q[name], q.flat)


@pytest.mark.parametrize("number", range(len(VARIANTS)))
def test_single_precision_stays_single(number: int) -> None:
    opt, p = VARIANTS[number](), sample_arrays(0, np.float32)
    opt.step(p, sample_arrays(1, np.float32))
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in p.values())
    assert all(a.dtype == np.float32 for slot in opt.slots.values() for a in slot.arrays.values())


@pytest.mark.parametrize("number", range(len(VARIANTS)))
def test_gradients_are_left_as_they_are(number: int) -> None:
    opt, p, grads, same = VARIANTS[number](), sample_arrays(0), sample_arrays(1), sample_arrays(1)
    for _ in range(3):
        opt.step(p, grads)
    for name, grad in same.items():
        np.testing.assert_array_equal(grads[name], grad)


def test_fixed_arrays_beside_the_buffer_stay() -> None:
    p = FlatArrays(sample_arrays(0), fixed={"mask": np.ones(3)})
    optim.Adam().step(p, FlatArrays(sample_arrays(1)))
    np.testing.assert_array_equal(p["mask"], np.ones(3))


def test_strided_views_of_the_buffer() -> None:
    p, apart = FlatArrays(sample_arrays(0)), sample_arrays(0)
    p["h.W"] = p.flat[:12].reshape(3, 4).T
    apart["h.W"] = p["h.W"].copy()
    grads = sample_arrays(1)
    optim.SGD(lr=0.1).step(p, grads)
    optim.SGD(lr=0.1).step(apart, grads)
    np.testing.assert_array_equal(p["h.W"], apart["h.W"])


def test_a_missing_gradient_is_named_and_nothing_moves() -> None:
    p, grads = sample_arrays(0), sample_arrays(1)
    del grads["s"]
    with pytest.raises(ValueError, match="no gradient for parameter `s`"):
        optim.SGD().step(p, grads)
    np.testing.assert_array_equal(p["h.W"], sample_arrays(0)["h.W"])
    with pytest.raises(ValueError, match="no gradient for parameter `s`"):
        optim.SGD().step(FlatArrays(p), grads)


def test_a_wrong_shape_is_named() -> None:
    grads = sample_arrays(1)
    grads["h.b"] = np.zeros(5)
    for p in (sample_arrays(0), FlatArrays(sample_arrays(0))):
        with pytest.raises(ValueError, match=r"gradient of `h.b` has shape \(5,\), the parameter \(4,\)"):
            optim.Adam().step(p, grads)


def test_a_parameter_that_cannot_move_is_named() -> None:
    whole: dict[str, NDArray[Any]] = {"n": np.zeros(2, dtype=np.int64)}
    with pytest.raises(ValueError, match="parameter `n` has dtype int64"):
        optim.SGD().step(whole, whole)
    still = np.zeros(2)
    still.flags.writeable = False
    with pytest.raises(ValueError, match="parameter `W` is read-only"):
        optim.SGD().step({"W": still}, {"W": np.zeros(2)})


def test_a_parameter_that_changes_its_shape_is_named() -> None:
    opt = optim.Adam()
    opt.step({"W": np.zeros(2)}, {"W": np.zeros(2)})
    with pytest.raises(ValueError, match="`W` has changed its shape"):
        opt.step({"W": np.zeros(3)}, {"W": np.zeros(3)})


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: optim.SGD(lr=-1.0), "lr is -1.0"),
        (lambda: optim.SGD(lr=float("nan")), "lr is nan"),
        (lambda: optim.SGD(momentum=-0.1), "momentum is -0.1"),
        (lambda: optim.SGD(nesterov=True), "nesterov needs a momentum"),
        (lambda: optim.Adam(betas=(0.9, 1.0)), r"betas\[1\] is 1.0"),
        (lambda: optim.Adam(eps=-1e-8), "eps is -1e-08"),
        (lambda: optim.AdamW(weight_decay=-1.0), "weight_decay is -1.0"),
        (lambda: optim.Adadelta(rho=1.5), "rho is 1.5"),
        (lambda: optim.Adagrad(lr_decay=-1.0), "lr_decay is -1.0"),
        (lambda: optim.RMSprop(alpha=-1.0), "alpha is -1.0"),
        (lambda: optim.NAdam(momentum_decay=-1.0), "momentum_decay is -1.0"),
        (lambda: optim.Rprop(etas=(1.5, 1.2)), "etas is"),
        (lambda: optim.Rprop(step_sizes=(1.0, 0.5)), "step_sizes is"),
        (lambda: optim.clip_norm({}, -1.0), "max_norm is -1.0"),
        (lambda: optim.clip_norm({}, 1.0, 0.0), "norm_type is 0.0"),
        (lambda: optim.clip_norm({"n": np.zeros(2, dtype=np.int64)}, 1.0), "gradient of `n`"),
        (lambda: optim.clip_value({}, -1.0), "clip_value is -1.0"),
    ],
)
def test_a_bad_number_is_named(build: Callable[[], object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        build()


def test_norm_of_one_buffer_equals_that_of_its_views() -> None:
    for kind in (1.0, 2.0, 3.0, np.inf):
        apart, together = sample_arrays(3), FlatArrays(sample_arrays(3))
        assert optim.clip_norm(together, 0.5, kind) == pytest.approx(optim.clip_norm(apart, 0.5, kind), rel=1e-12)
        for name, grad in apart.items():
            np.testing.assert_allclose(together[name], grad, rtol=1e-12)


def test_norm_of_gradients_whose_squares_overflow() -> None:
    grads = {"W": np.full(4, 1e30, dtype=np.float32)}
    assert optim.clip_norm(grads, 1.0) == pytest.approx(2e30, rel=1e-6)
    np.testing.assert_allclose(grads["W"], 0.5, rtol=1e-5)
    assert np.isnan(optim.clip_norm({"W": np.array([1.0, np.nan])}, 1.0))
