"""The loss ctc of generated modules: stored cases, every path walked, long inputs, ragged batches, bad data."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from cases import stored
from ctc_oracle import by_paths, by_sums
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

import rnnc

Array = NDArray[Any]
SPECS = Path(__file__).resolve().parent.parent / "specs"
CASES = tuple(stored.load("ctc", name) for name in stored.names("ctc"))

ALONE = """
network alone(K = 9, blank = 0) {
  axis n, m
  input  z[n] : K
  target l[m] : token(K)
  output p[n] : K = softmax(z + bias)
  loss ctc(p, l, blank = blank)
}
"""


@cache
def alone(blank: int) -> ModuleType:
    """The loss by itself: its logits are the input and a bias of 0, which knows the dtype."""
    module: ModuleType = rnnc.compile_text(ALONE, settings={"blank": float(blank)})
    return module


def learned(
    blank: int, z: Array, labels: Array, frames: Array, positions: Array, dtype: str = "float64"
) -> tuple[Array, Array]:
    """Loss (batch,) and gradient by the logits."""
    module = alone(blank)
    p = module.init(K=z.shape[2], dtype=dtype)
    data = {"z": z.astype(dtype), "l": labels, "lengths": {"n": frames, "m": positions}}
    loss = module.forward(p, **data)["loss"]
    value, grads = module.bptt(p, **data, wrt="z", reduce="sum")
    assert_array_equal(value, loss.sum())
    assert loss.dtype == grads["z"].dtype == dtype
    return loss, grads["z"]


def batch_of(case: stored.Stored) -> tuple[Array, Array, Array, Array]:
    """Logits (frames, batch, classes), labels (positions, batch), and the lengths of both."""
    z, positions = case["in.logits"], case["tgt.label_lengths"]
    many = len(positions)
    z = np.repeat(z[:, None], many, axis=1) if z.ndim == 2 else z.transpose(1, 0, 2)
    frames = case["in.lengths"] if "in.lengths" in case else np.full(many, len(z))
    return z, case["tgt.labels"].reshape(many, -1).T, frames, positions


@pytest.mark.parametrize("logarithms", [False, True], ids=["sums", "logarithms"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: stored.Stored, logarithms: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stored case, by both ways to add alignments up, with NaN in the padding; the printed values too."""
    blank = int(case.hyper["blank"])
    if logarithms:
        monkeypatch.setattr(alone(blank).Lattice, "SURE", np.inf)
    z, labels, frames, positions = batch_of(case)
    past = np.arange(len(z))[:, None] >= frames
    z = np.where(past[..., None], np.nan, z)
    loss, gradient = learned(blank, z, labels, frames, positions)
    assert_allclose(loss, case["out.loss"], rtol=case.rtol, atol=case.atol)
    expected = case["grad.logits"].transpose(1, 0, 2)
    assert_allclose(gradient[~past], expected[~past], rtol=case.rtol, atol=case.atol)
    assert_array_equal(gradient[past], 0.0)
    assert_allclose(gradient.sum(axis=2), 0.0, atol=1e-12)
    single, coarse = learned(blank, z, labels, frames, positions, "float32")
    assert_allclose(single, case["out.loss"], rtol=1e-5, atol=1e-5)
    assert_allclose(coarse[~past], expected[~past], rtol=0, atol=2e-5)


def test_how_many_cases() -> None:
    assert len(CASES) == 31
    assert sum(len(case["tgt.label_lengths"]) for case in CASES) > 1000


@pytest.mark.parametrize(("frames", "classes", "blank"), [(5, 3, 0), (4, 3, 1), (4, 4, 3), (6, 2, 1), (1, 3, 2)])
def test_every_labelling(frames: int, classes: int, blank: int) -> None:
    """All of them in one batch: loss and gradient as from all paths, and the probabilities add up to 1."""
    draw = np.random.default_rng(frames * classes + blank)
    z = 2.0 * draw.standard_normal((frames, classes))
    names = [k for k in range(classes) if k != blank]
    every = [labels for many in range(frames + 2) for labels in product(names, repeat=many)]
    positions = np.array([len(labels) for labels in every])
    labels = np.full((frames + 1, len(every)), -1)
    for b, one in enumerate(every):
        labels[: len(one), b] = one
    batch = np.repeat(z[:, None], len(every), axis=1)
    loss, gradient = learned(blank, batch, labels, np.full(len(every), frames), positions)
    assert_allclose(np.exp(-loss).sum(), 1.0, rtol=1e-12)
    for b in draw.permutation(len(every))[:40]:
        expected, by_logits = by_paths(z, every[b], blank)
        assert_allclose(loss[b], expected, rtol=1e-12)
        assert_allclose(gradient[:, b], by_logits, atol=1e-13)


@pytest.mark.parametrize("kind", ["flat", "random", "peaked", "very peaked", "blank", "huge", "wrong"])
def test_long_inputs_in_single_precision(kind: str) -> None:
    """T = 500 with 50 labels: the gradient's relative error is below 1e-5, and nothing is NaN."""
    draw = np.random.default_rng(7)
    frames, classes, many = 500, 40, 50
    labels = draw.integers(1, classes, many)
    labels[10:13] = labels[9]
    z = draw.standard_normal((frames, classes))
    if kind == "flat":
        z *= 0.01
    elif kind == "huge":
        z = draw.choice([-1e4, 1e4], z.shape)
    elif kind == "blank":
        z[:, 0] += 20.0
    elif kind.endswith("peaked"):
        z[np.arange(frames), np.where(np.arange(frames) % 10 == 5, labels[np.arange(frames) // 10], 0)] += (
            15.0 if kind == "peaked" else 90.0
        )
    elif kind == "wrong":
        z[:, 39] += 200.0
    z = z.astype(np.float32)
    expected, by_logits = by_sums(z, labels.tolist(), 0)
    lengths = np.array([frames]), np.array([many])
    for dtype, rtol in (("float64", 1e-9), ("float32", 1e-5)):
        loss, gradient = learned(0, z[:, None], labels[:, None], *lengths, dtype)
        assert_allclose(loss[0], expected, rtol=rtol / 10, atol=1e-15)
        assert np.linalg.norm(gradient[:, 0] - by_logits) <= rtol * np.linalg.norm(by_logits)
        assert_allclose(gradient.sum(axis=2), 0.0, atol=1e-6 if dtype == "float32" else 1e-12)


def test_ragged_batches_are_their_sequences() -> None:
    """Random lengths of both axes, many infeasible: each alone, permuted, and by the oracle."""
    draw = np.random.default_rng(3)
    for _ in range(20):
        longest, many, batch, classes = (int(n) for n in draw.integers((1, 0, 1, 2), (14, 7, 7, 5)))
        frames = draw.integers(1, longest + 1, batch)
        positions = draw.integers(0, many + 1, batch)
        blank = int(draw.integers(0, 2))
        z = draw.standard_normal((longest, batch, classes)) * draw.choice([1.0, 10.0, 1e3])
        labels = draw.integers(0, classes - 1, (many, batch))
        labels += labels >= blank
        loss, gradient = learned(blank, z, labels, frames, positions)
        order = draw.permutation(batch)
        moved, turned = learned(blank, z[:, order], labels[:, order], frames[order], positions[order])
        assert_array_equal(moved, loss[order])
        assert_array_equal(turned, gradient[:, order])
        for b in range(batch):
            n, m = frames[b], positions[b]
            one = (z[:n, b : b + 1], labels[:m, b : b + 1], frames[b : b + 1], positions[b : b + 1])
            own, by_own = learned(blank, *one)
            assert_allclose(own[0], loss[b], rtol=1e-12)
            assert_allclose(by_own[:, 0], gradient[:n, b], atol=1e-12)
            expected, by_logits = by_sums(z[:n, b], labels[:m, b].tolist(), blank)
            assert_allclose(loss[b], expected, rtol=1e-10, atol=1e-12)
            assert_allclose(gradient[:n, b], by_logits, atol=1e-11)


def test_infeasible_sequences_cost_infinity_and_teach_nothing() -> None:
    module, labels = alone(0), np.array([[1, 1, 2], [1, 2, 1], [2, 1, -1]])
    loss, gradient = learned(0, np.zeros((3, 3, 4)), labels, np.array([3, 3, 2]), np.array([3, 3, 2]))
    assert_array_equal(np.isinf(loss), [True, False, False])
    assert_array_equal(gradient[:, 0], 0.0)
    assert np.all(np.isfinite(gradient)) and np.any(gradient[:, 1])
    value, grads = module.bptt(module.init(K=4), z=np.zeros((1, 4)), l=np.array([1, 2]), wrt="z")
    assert value == np.inf and not np.any(grads["z"])


def test_labels_end_at_their_length_or_at_a_missing_one() -> None:
    """-1 behind the last label, a length, or both; none at all is the empty labelling."""
    module, z = alone(0), np.random.default_rng(0).standard_normal((5, 2, 4))
    p = module.init(dtype="float64", K=4)
    padded = np.array([[1, 3], [2, -1], [-1, -1]])
    first = module.forward(p, z=z, l=padded)["loss"]
    assert_array_equal(first, module.forward(p, z=z, l=padded, lengths={"m": np.array([2, 1])})["loss"])
    garbage = np.array([[1, 3], [2, 0], [0, 2]])
    assert_array_equal(first, module.forward(p, z=z, l=garbage, lengths={"m": np.array([2, 1])})["loss"])
    nothing = module.forward(p, z=z, l=np.zeros((0, 2), int))["loss"]
    assert_array_equal(nothing, module.forward(p, z=z, l=np.full((3, 2), -1))["loss"])
    assert_allclose(nothing[0], by_paths(z[:, 0], (), 0)[0], rtol=1e-12)
    assert "loss" not in module.forward(p, z=z)
    assert_allclose(module.forward(p, z=z[:, 0], l=padded[:, 0])["loss"], first[0])


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([[1, 2], [3, 0]], "sequence 1, m = 1: target `l` is 0, the blank of ctc"),
        ([[1, 2], [4, 1]], "sequence 0, m = 1: target `l` is 4, expected a token 0 to 3"),
        ([[1, 2], [-2, 1]], "sequence 0, m = 1: target `l` is -2"),
        ([[1, -1], [3, 2]], "sequence 1, m = 1: target `l` follows a missing one"),
        ([[1.0, 2.0]], "`l` holds tokens: whole numbers"),
    ],
)
def test_wrong_labels_are_named(labels: list[list[float]], said: str) -> None:
    module = alone(0)
    for function in (module.forward, module.bptt):
        with pytest.raises(ValueError, match=re.escape(said)):
            function(module.init(K=4), z=np.zeros((5, 2, 4)), l=np.array(labels))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_logit_that_is_not_finite_is_named(value: float) -> None:
    module, z = alone(0), np.zeros((5, 2, 4))
    z[3, 1, 2] = value
    lengths = {"n": np.array([5, 3])}
    module.forward(module.init(K=4), z=z, l=np.array([[1, 2]]), lengths=lengths)
    with pytest.raises(ValueError, match=f"sequence 1, n = 3: logit 2 of `p` is {value}"):
        module.bptt(module.init(K=4), z=z, l=np.array([[1, 2]]))


def test_the_blank_follows_the_sizes() -> None:
    """`blank = K - 1` of deep_blstm_ctc; a fixed one that a smaller K does not have is refused."""
    module = rnnc.compile_file(SPECS / "deep_blstm_ctc.rnn")
    data = {"x": np.zeros((4, 1, 3)), "l": np.array([[4]])}
    with pytest.raises(ValueError, match="target `l` is 4, the blank"):
        module.forward(module.init(), **data)
    assert np.isfinite(module.forward(module.init(K=6), **data)["loss"])
    with pytest.raises(ValueError, match="the blank of ctc is output 3, `p` has outputs 0 to 2"):
        alone(3).forward(alone(3).init(K=3), z=np.zeros((2, 1, 3)), l=np.array([[1]]))


def test_gradients_of_a_network_are_differences() -> None:
    """Every parameter of blstm_ctc, by central differences along random directions; ragged."""
    module = rnnc.compile_file(SPECS / "blstm_ctc.rnn")
    draw = np.random.default_rng(11)
    p = module.init(seed=2, dtype="float64")
    p.flat[...] += 0.3 * draw.standard_normal(p.flat.shape)
    data = {
        "x": draw.standard_normal((9, 3, 3)),
        "l": np.array([[1, 2, 4], [1, 3, -1], [2, -1, -1]]),
        "lengths": {"n": np.array([9, 5, 2])},
    }
    _, grads = module.bptt(p, **data, reduce="sum")
    for name in grads:
        direction, step = draw.standard_normal(p[name].shape), 1e-3

        def loss(by: float, name: str = name, direction: Array = direction) -> float:
            moved = {**p, name: p[name] + by * direction}
            return float(module.forward(moved, **data)["loss"].sum())

        slope = (loss(-2 * step) - 8 * loss(-step) + 8 * loss(step) - loss(2 * step)) / (12 * step)
        assert_allclose(np.sum(grads[name] * direction), slope, rtol=1e-7, atol=1e-8, err_msg=name)


def test_beside_other_losses() -> None:
    """Scaled and added; as a log-softmax and without a unit; labels that are not passed ask nothing."""
    text = """network two(K = 4) {
      axis n, m
      input  z[n] : K
      target t[n] : K
      target l[m] : token(K)
      output p[n] : K = log_softmax(z + bias)
      loss 0.5 * ctc(p, l, blank = 2) + 0.25 * ctc(softmax(z), l, blank = 2)
      loss mean over n (squared_error(p, t))
    }"""
    module, draw = rnnc.compile_text(text), np.random.default_rng(0)
    p, z, t = module.init(dtype="float64"), draw.standard_normal((6, 2, 4)), draw.standard_normal((6, 2, 4))
    labels = np.array([[0, 3], [0, 1]])
    whole, both = module.bptt(p, z=z, t=t, l=labels, wrt="z", reduce="sum")
    rest, by_rest = module.bptt(p, z=z, t=t, wrt="z", reduce="sum")
    loss, gradient = learned(2, z, labels, np.full(2, 6), np.full(2, 2))
    assert_allclose(whole - rest, 0.75 * loss.sum(), rtol=1e-12)
    assert_allclose(both["z"] - by_rest["z"], 0.75 * gradient, atol=1e-12)


def test_long_batches_are_done_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work space bounds how many sequences go together, never the numbers; threads do not share it."""
    draw = np.random.default_rng(5)
    frames, positions = np.array([9, 4, 7, 9, 2]), np.array([3, 2, 0, 1, 1])
    batches = [(3 * draw.standard_normal((9, 5, 4)), draw.integers(1, 4, (3, 5)), frames, positions) for _ in range(24)]
    once = [learned(0, *batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for whole, again in zip(once, pool.map(lambda batch: learned(0, *batch), batches), strict=True):
            assert_array_equal(whole[0], again[0])
            assert_array_equal(whole[1], again[1])
    for held in (1, 400):
        monkeypatch.setattr(alone(0).Lattice, "HELD", held)
        for whole, batch in zip(once, batches, strict=True):
            parts = learned(0, *batch)
            assert_allclose(parts[0], whole[0], rtol=1e-13)
            assert_allclose(parts[1], whole[1], atol=1e-14)


def test_sums_that_lost_a_little_are_done_again() -> None:
    """50 labels in 120 frames that are nearly all blank: the sums alone would be off in the third digit."""
    draw = np.random.default_rng(7)
    labels, z = draw.integers(1, 40, 50), draw.standard_normal((120, 40))
    z[:, 0] += 16.0
    loss, gradient = learned(0, z[:, None], labels[:, None], np.array([120]), np.array([50]))
    expected, by_logits = by_sums(z, labels.tolist(), 0)
    assert_allclose(loss[0], expected, rtol=1e-12)
    assert_allclose(gradient[:, 0], by_logits, atol=1e-10)
