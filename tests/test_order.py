"""The order of data: every sequence once an epoch, all windows of it in turn, a pure function of (seed, step)."""

from __future__ import annotations

import numpy as np
import pytest
from test_data_formats import SERIES, checked

from rnnc.runtime.data import DataError
from rnnc.runtime.data.splits import split_data
from rnnc.runtime.order import Order

LENGTHS = np.random.default_rng(0).integers(1, 30, size=103)


def test_an_epoch_has_every_sequence_once() -> None:
    order = Order(LENGTHS, 8, seed=1)
    begins = [order.begin_of(epoch) for epoch in range(3)]
    assert begins == [0, 13, 26]
    for epoch in range(2):
        turns = [order.turn(step) for step in range(begins[epoch], begins[epoch + 1])]
        assert sorted(n for turn in turns for n in turn.chosen) == list(range(103))
        assert {turn.epoch for turn in turns} == {epoch}


@pytest.mark.parametrize("window", [None, 7])
def test_the_order_depends_on_seed_and_step_alone(window: int | None) -> None:
    forward = Order(LENGTHS, 8, seed=1, window=window)
    steps = range(120)
    seen = [forward.turn(step) for step in steps]
    for step in (119, 3, 50, 0, 77):
        again = Order(LENGTHS, 8, seed=1, window=window).turn(step)
        assert (again.epoch, again.begin, again.fresh) == (seen[step].epoch, seen[step].begin, seen[step].fresh)
        np.testing.assert_array_equal(again.chosen, seen[step].chosen)
    other = [Order(LENGTHS, 8, seed=2, window=window).turn(step).chosen.tolist() for step in range(5)]
    assert other != [turn.chosen.tolist() for turn in seen[:5]]


def test_sequences_side_by_side_are_of_similar_length() -> None:
    lengths = np.random.default_rng(1).integers(1, 1000, size=512)
    order = Order(lengths, 16, seed=0)
    spread = [np.ptp(lengths[order.turn(step).chosen]) for step in range(32)]
    assert np.mean(spread) < 100
    assert order.turn(0).chosen.tolist() != order.turn(32).chosen.tolist()


def test_windows_cover_every_position_once() -> None:
    order = Order(LENGTHS, 8, seed=3, window=7)
    seen = [np.zeros(n, int) for n in LENGTHS]
    before: list[int] = []
    for step in range(order.begin_of(1)):
        turn = order.turn(step)
        assert turn.end is not None and turn.fresh is (turn.begin == 0)
        chosen = turn.chosen.tolist()
        assert turn.fresh or chosen == before[: len(chosen)]
        before = chosen
        for number in chosen:
            assert turn.begin < LENGTHS[number]
            seen[number][turn.begin : turn.end] += 1
    assert all((count == 1).all() for count in seen)


def test_alike_means_equal_lengths() -> None:
    order = Order(LENGTHS, 8, seed=3, window=1, alike=True)
    for step in range(order.begin_of(1)):
        assert len(set(LENGTHS[order.turn(step).chosen])) == 1


def test_splits() -> None:
    data = checked({"x": np.arange(40.0).reshape(2, 20, 1), "t": np.zeros((2, 20, 1))}, SERIES)
    parts = split_data(data, (80, 10, 10), seed=5)
    assert [len(part) for part in parts] == [16, 2, 2]
    assert sorted(n for part in parts for n in part.picks) == list(range(20))
    again = split_data(data, (80, 10, 10), seed=5)
    assert all((a.picks == b.picks).all() for a, b in zip(parts, again, strict=True))
    assert any((a.picks != b.picks).any() for a, b in zip(parts, split_data(data, (80, 10, 10), 6), strict=True))
    picks = parts[1].picks
    batch = parts[1].batch(np.array([1, 0]))
    np.testing.assert_array_equal(batch.given["x"][0, :, 0], picks[::-1])
    with pytest.raises(DataError, match=r"20 sequences are too few for a share of 0\.001"):
        split_data(data, (999, 1), 0)
    with pytest.raises(DataError, match="numbers of at least 0, the first above it, not 1/-1"):
        split_data(data, (1, -1), 0)


def test_one_sequence_is_split_in_time() -> None:
    data = checked({"x": np.arange(10.0)[:, None], "t": np.zeros((10, 1))}, SERIES)
    first, second = split_data(data, (0.7, 0.3), seed=5)
    assert first.batch(np.array([0])).given["x"].ravel().tolist() == list(range(7))
    assert second.batch(np.array([0])).given["x"].ravel().tolist() == [7, 8, 9]
