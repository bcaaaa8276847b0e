"""scikit-learn's interface: lists of sequences in, predictions out, clones and cross-validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from run_parts import SPEC, module

from rnnc.runtime.data import DataError
from rnnc.runtime.network import UnfitNetwork

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

from rnnc.runtime.estimator import Network

CLASSES = """
network classes(D = 2, H = 6) {
  axis n
  input  x[n] : D
  target l : token(2)
  unit   h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)
  output p : 2 = softmax(full(h[last]) + bias)
  loss cross_entropy(p, l)
}
"""
OPTIONS = {"epochs": 15, "lr": 0.02, "batch": 10}


def sequences(count: int = 60) -> list[np.ndarray[Any, Any]]:
    draw = np.random.default_rng(0)
    return [draw.normal(size=(n, 2)) for n in draw.integers(3, 9, size=count)]


def test_classes() -> None:
    x = sequences()
    y = np.array([int(one.sum() > 0) for one in x])
    net = Network(module(CLASSES), OPTIONS).fit(x, y)
    assert net.score(x, y) == pytest.approx(np.mean(net.predict(x) == y)) and net.score(x, y) > 0.8
    scores = cross_val_score(clone(net), x, y, cv=3)
    assert scores.shape == (3,) and scores.mean() > 0.6


def test_sequences_of_numbers_and_learning_in_parts() -> None:
    x = sequences()
    y = [one.sum(-1, keepdims=True).cumsum(0) for one in x]
    net = Network(module(SPEC), OPTIONS).fit(x, y)
    outputs = net.predict(x)
    assert [one.shape for one in outputs] == [one.shape for one in y]
    errors = np.concatenate([a - b for a, b in zip(outputs, y, strict=True)])
    share = 1 - (errors**2).mean() / np.concatenate(y).var()
    assert net.score(x, y) == pytest.approx(share, rel=1e-5)
    parts, scores = Network(module(SPEC), OPTIONS), []
    for _ in range(15):
        scores.append(parts.partial_fit(x, y).score(x, y))
    assert scores[-1] > scores[0] and scores[-1] > 0.5 * net.score(x, y)


def test_what_does_not_fit() -> None:
    x = sequences(4)
    with pytest.raises(DataError, match="4 sequences in X, and 3 in y"):
        Network(module(CLASSES)).fit(x, np.array([0, 1, 1]))
    with pytest.raises(DataError, match=r"sequence 1 has units \(3,\), sequence 0 has \(2,\)"):
        Network(module(CLASSES)).fit([np.ones((2, 2)), np.ones((2, 3))], np.array([0, 1]))
    two = "network two(D = 2) { input a : D input b : D target t : D output y : D = a + b loss squared_error(y, t) }"
    with pytest.raises(UnfitNetwork, match="one input, one target and one output"):
        Network(module(two)).fit(x, x)


def test_the_first_sequence_does_not_say_the_kind_of_numbers() -> None:
    x = [np.array([[1, 2], [3, 4]]), np.array([[0.5, 0.25], [0.75, -0.5]])]
    net = Network(module(SPEC), {"epochs": 1}).fit(x, [one.sum(-1, keepdims=True) for one in x])
    for one, other in zip(net.predict(x), net.predict(x[::-1])[::-1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    alone = net.predict([x[1]])[0]
    np.testing.assert_allclose(net.predict(x)[1], alone, rtol=1e-6)


def test_mistakes_have_names() -> None:
    x = sequences(4)
    with pytest.raises(ValueError, match="no option `epoch`; did you mean `epochs`"):
        Network(module(CLASSES), {"epoch": 3}).fit(x, np.array([0, 1, 1, 0]))
    with pytest.raises(DataError, match="the network has no size `Q`; it has D, H"):
        Network(module(CLASSES), sizes={"Q": 3}).fit(x, np.array([0, 1, 1, 0]))
    with pytest.raises(DataError, match="input `x`: there is no sequence"):
        Network(module(CLASSES)).fit([], [])
    with pytest.raises(DataError, match="input `x`: sequence 0 is a single value"):
        Network(module(CLASSES)).fit([1.0, 2.0], np.array([0, 1]))  # type: ignore[list-item]
    with pytest.raises(DataError, match="input `x`, sequence 0: its lists differ in length"):
        Network(module(CLASSES)).fit([[[1, 2], [3]]], np.array([0]))  # type: ignore[list-item]
    with pytest.raises(NotFittedError):
        Network(module(CLASSES)).predict(x)


def test_targets_without_a_variance_have_no_score() -> None:
    x = sequences(4)
    y = [np.ones((len(one), 1)) for one in x]
    assert np.isnan(Network(module(SPEC), {"epochs": 1}).fit(x, y).score(x, y))


def test_an_output_that_runs_along_what_its_target_does_not() -> None:
    x = sequences(5)
    own = CLASSES.replace("output p : 2 = softmax(full(h[last]) + bias)", "output p[n] : 2 = softmax(full(h) + bias)")
    net = Network(module(own.replace("(p, l)", "(p[last], l)")), {"steps": 1}).fit(x, np.zeros(5, int))
    assert [one.shape for one in net.predict(x)] == [(len(one),) for one in x]
    with pytest.raises(UnfitNetwork, match="no score of every token of target `l` at its positions"):
        net.score(x, np.zeros(5, int))
    still = SPEC.replace("output y[n] : 1 = full(h[n])", "output y : 1 = full(h[last])")
    net = Network(module(still), {"steps": 1}).fit(x, [np.zeros((len(one), 1)) for one in x])
    assert net.predict(x).shape == (5, 1)


def test_learning_in_parts_goes_on_where_it_was() -> None:
    """Draws of dropout, the rise of the rate, and the average do not begin anew with every part."""
    x = sequences(8)
    y = [one.sum(-1, keepdims=True) for one in x]
    dropped = SPEC.replace("full(x[n])", "full(dropout(x[n], 0.5))")
    options = {"batch": 8, "lr": 0.01, "warmup": 4, "average": 0.9, "optimizer": "sgd"}
    net, gradients, rates, kept = Network(module(dropped), options), [], [], []
    for _ in range(6):
        before = getattr(net, "trainer_", None)
        old, average = (None, None) if before is None else (before.p.flat.copy(), np.array(before.average))
        trainer = net.partial_fit(x, y).trainer_
        rates.append(trainer.optimiser.lr)
        if old is not None and average is not None:
            gradients.append((old - trainer.p.flat) / trainer.optimiser.lr)
            gap = np.abs(average - trainer.p.flat)
            place = int(gap.argmax())
            kept.append((trainer.average - trainer.p.flat)[place] / (average - trainer.p.flat)[place])
    np.testing.assert_allclose(rates, [0.002, 0.004, 0.006, 0.008, 0.01, 0.01])
    np.testing.assert_allclose(kept, [n / (n + 10) for n in range(2, 7)], rtol=1e-2)
    # the weights hardly move between two parts: what makes the gradients differ is what is dropped
    assert np.abs(gradients[-1] - gradients[-2]).max() > 0.2 * np.abs(gradients[-1]).max()
