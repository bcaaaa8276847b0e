"""Best path, prefix search and beam: recorded cases, exhaustive search, ties, what each promises of the others."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from oracle.labellings import Floats, Labels, labellings, most_probable, paths, random_posteriors
from oracle.prefix_beam import prefix_beam

from rnnc.runtime import decode

CASES = Path(__file__).parent / "data" / "cases" / "decode"
EXACT = sorted(path.stem for path in CASES.glob("exact_*.json"))
Found = list[tuple[Labels, float]]


def recorded(name: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    case: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    with np.load(CASES / f"{name}.npz", allow_pickle=False) as arrays:
        return case, dict(arrays)


def unpadded(labels: NDArray[Any]) -> Labels:
    return tuple(int(label) for label in labels if label >= 0)


def assert_same(found: Found, wanted: Found) -> None:
    assert [labels for labels, _ in found] == [labels for labels, _ in wanted]
    np.testing.assert_allclose([p for _, p in found], [p for _, p in wanted], rtol=1e-9, atol=1e-11)


def test_every_case_is_here() -> None:
    assert len(EXACT) == 4
    assert len(list(CASES.glob("*.json"))) == 10


@pytest.mark.parametrize("name", EXACT)
def test_exact_case(name: str) -> None:
    case, arrays = recorded(name)
    blank, wrong = case["hyper"]["blank"], 0
    for place, probs in enumerate(arrays["in.probs"]):
        top = zip(arrays["out.top5"][place], np.log(arrays["out.top5_p"][place]), strict=True)
        wanted = [(unpadded(labels), float(p)) for labels, p in top]
        assert wanted[0][0] == unpadded(arrays["out.best"][place])
        assert_same(decode.prefix_search(probs, blank=blank, top=5), wanted)
        assert_same(decode.beam(probs, blank=blank, width=2000, top=5), wanted)
        labels, logp = decode.best_path(probs, blank=blank)
        assert labels == unpadded(arrays["out.greedy"][place])
        assert math.isclose(logp, arrays["out.greedy_logp"][place], rel_tol=1e-9)
        wrong += labels != wanted[0][0]
    assert wrong >= 3


def test_best_path_is_wrong_where_graves_says_so() -> None:
    _, arrays = recorded("graves_best_path_wrong")
    labels, logp = decode.best_path(arrays["in.probs"], blank=1)
    assert labels == ()
    assert math.isclose(math.exp(logp), 0.42)
    for found in (decode.prefix_search(arrays["in.probs"], blank=1), decode.beam(arrays["in.probs"], blank=1)):
        assert [labels for labels, _ in found] == [(0,), ()]
        np.testing.assert_allclose([math.exp(p) for _, p in found], [0.58, 0.42])


def test_a_beam_of_twenty_prefers_another_labelling_than_all_paths_do() -> None:
    case, arrays = recorded("ctcdecode_seq1")
    probs, blank, letters = arrays["in.probs"], case["hyper"]["blank"], case["hyper"]["vocab"]
    assert list(decode.best_path(probs, blank=blank)[0]) == case["expect"]["greedy"]
    found = decode.beam(probs, blank=blank, width=20, top=5)
    wanted = case["checks"]["own_beam20_top5"]
    assert ["".join(letters[k] for k in labels) for labels, _ in found] == [text for text, _ in wanted]
    np.testing.assert_allclose([p for _, p in found], [p for _, p in wanted], rtol=1e-9)
    exact = decode.prefix_search(probs, blank=blank, top=5)
    wanted = case["checks"]["exact_top5_by_7^6_enumeration"]
    assert ["".join(letters[k] for k in labels) for labels, _ in exact] == [text for text, _ in wanted]
    np.testing.assert_allclose([math.exp(p) for _, p in exact], [p for _, p in wanted], rtol=1e-9)


def test_a_beam_of_two_has_the_mass_it_followed_and_no_third() -> None:
    case, arrays = recorded("tf_beam_W2_hibernating")
    logits, blank = arrays["in.logits"], case["hyper"]["blank"]
    found = decode.beam(logits=logits, blank=blank, width=2, top=2)
    assert_same(found, [(tuple(labels), p) for labels, p in case["checks"]["own_beam_W2"]])
    np.testing.assert_allclose([p for _, p in found], case["expect"]["log_prob"], atol=1e-5)
    with pytest.raises(ValueError, match="`top` is 3, but a beam of `width` 2"):
        decode.beam(logits=logits, blank=blank, width=2, top=3)
    # All paths of that labelling, by its own width.
    assert math.isclose(dict(decode.prefix_search(logits=logits, blank=blank, top=9))[(1, 0)], -4.717032, abs_tol=1e-5)


def test_rows_that_are_no_distribution_are_logits() -> None:
    case, arrays = recorded("tf_greedy_batch1")
    with pytest.raises(ValueError, match=r"`probs` at frame 3 sum to 1\.1, not to 1"):
        decode.best_path(arrays["in.probs"], blank=3)
    logits = np.log(np.maximum(arrays["in.probs"], 1e-300))
    labels, logp = decode.best_path(logits=logits, blank=3)
    assert list(labels) == case["expect"]["greedy"]
    # The case's own score has the 1.1 in it.
    assert math.isclose(-logp - math.log(1.1), case["expect"]["greedy_neg_sum_log_prob"], rel_tol=1e-9)
    moved = np.insert(np.delete(logits, 3, axis=1), 2, logits[:, 3], axis=1)
    assert decode.best_path(logits=moved, blank=2) == (labels, logp)


def test_words_of_several_public_decoders() -> None:
    case, arrays = recorded("pyctcdecode_stateful_nolm")
    assert list(decode.beam(arrays["in.probs"], blank=7)[0][0]) == case["expect"]["top1"]
    case, arrays = recorded("pyctcdecode_stretched")
    labels, _ = decode.best_path(arrays["in.probs"], blank=7)
    assert "".join(case["hyper"]["vocab"][k] for k in labels) == case["expect"]["greedy_text"]
    [(word, frames)] = case["expect"]["word_frames"]
    spans = decode.align(labels, arrays["in.probs"], blank=7).spans
    assert [spans[1][0], spans[len(word)][1] + 1] == frames


SMALL = [
    (seed, frames, size, scale)
    for seed, (frames, size, scale) in enumerate(
        (frames, size, scale) for frames in (1, 2, 4, 5) for size in (1, 2, 3, 4) for scale in (0.3, 2.0, 30.0)
    )
]


@pytest.mark.parametrize(("seed", "frames", "size", "scale"), SMALL)
def test_against_every_path(seed: int, frames: int, size: int, scale: float) -> None:
    probs, blank = random_posteriors(seed, frames, size, scale), seed % size
    wanted = most_probable(probs, blank, 6)
    assert_same(decode.prefix_search(probs, blank=blank, top=6, threshold=1.0), wanted)
    assert_same(decode.beam(probs, blank=blank, width=10_000, top=6), wanted)
    path, p = max(paths(probs), key=lambda pair: pair[1])
    assert math.isclose(decode.best_path(probs, blank=blank)[1], math.log(p), rel_tol=1e-9, abs_tol=1e-12)
    assert decode.beam(probs, blank=blank, width=10_000, top=10_000)[0][0] == wanted[0][0]
    total = sum(math.exp(p) for _, p in decode.beam(probs, blank=blank, width=10_000, top=10_000))
    assert math.isclose(total, 1.0, rel_tol=1e-9)
    assert len(path) == frames


def test_growing_beams_converge() -> None:
    for seed in range(20):
        probs = random_posteriors(seed, 6, 4)
        exact = labellings(probs, 0)
        wanted = most_probable(probs, 0, 1)
        best = -math.inf
        for width in (1, 2, 4, 8, 16, 64, 256, 4096):
            found = decode.beam(probs, width=width)
            # What a beam counts are paths of the labelling, never more than all of them.
            assert all(p <= math.log(exact[labels]) + 1e-12 for labels, p in found)
            best = max(best, found[0][1])
        assert_same(found[:1], wanted)
        assert math.isclose(best, wanted[0][1], rel_tol=1e-9)


def test_cuts_at_confident_blanks_find_the_same_in_less() -> None:
    draw = np.random.default_rng(3)
    frames = np.arange(25)
    spoken = np.where(frames % 5 == 2, draw.integers(1, 5, 25), 0)
    logits = 14.0 * np.eye(5)[spoken] * (frames % 10 != 1)[:, None] + draw.normal(size=(25, 5))
    cut, whole = decode.prefix_search(logits=logits), decode.prefix_search(logits=logits, threshold=1.0)
    assert cut.complete
    assert whole.complete
    assert_same(cut, whole)
    # Steps that are enough for the pieces are not for the whole.
    assert decode.prefix_search(logits=logits, limit=400).complete
    assert not decode.prefix_search(logits=logits, threshold=1.0, limit=400).complete


def test_a_labelling_may_be_cut_in_several_ways() -> None:
    probs = np.array([[0.9, 0.1], [1.0, 0.0], [0.1, 0.9]])
    found = decode.prefix_search(probs, top=2)
    assert found[0] == ((1,), pytest.approx(math.log(0.82)))


@pytest.mark.parametrize("width", [1, 2, 3, 5, 10, 25])
@pytest.mark.parametrize("weighted", [False, True])
def test_against_a_beam_of_dictionaries(width: int, weighted: bool) -> None:
    for seed in range(8):
        frames, size = 9, 5
        probs, blank = random_posteriors(seed, frames, size), seed % size
        pairs = np.random.default_rng(seed).normal(size=(size, size)) * weighted
        pairs[(blank + 1) % size, (blank + 2) % size] -= np.inf if weighted else 0.0

        def score(labels: Labels, pairs: Floats = pairs, blank: int = blank) -> Floats:
            return np.asarray(pairs[labels[-1] if labels else blank])

        found = decode.beam(probs, blank=blank, width=width, top=width, score=score if weighted else None)
        assert_same(found, prefix_beam(probs, blank, width, score))


def test_prefix_search_ends_whatever_it_reads() -> None:
    flat = np.full((200, 40), 1.0 / 40.0)
    found = decode.prefix_search(flat, limit=4000)
    assert not found.complete
    assert len(found) == 3
    assert found[0][1] >= decode.beam(flat)[0][1]
    # Whatever was found has the probability of all its paths, also where the search was ended.
    probs = random_posteriors(5, 6, 4)
    exact = labellings(probs, 0)
    for limit in (1, 10, 50):
        for labels, p in decode.prefix_search(probs, limit=limit):
            assert math.isclose(p, math.log(exact[labels]), rel_tol=1e-9)


def test_ties_stand_in_dictionary_order() -> None:
    flat = np.full((1, 4), 0.25)
    wanted = [((), math.log(0.25)), ((0,), math.log(0.25)), ((1,), math.log(0.25)), ((3,), math.log(0.25))]
    assert_same(decode.prefix_search(flat, blank=2, top=4), wanted)
    for width in (1, 2, 3, 4, 9):
        top = min(width, 4)
        assert_same(decode.beam(flat, blank=2, width=width, top=top), wanted[:top])
    assert decode.best_path(flat, blank=2)[0] == (0,)
    # Two labels whose columns are equal: the lower goes first, in the beam as well.
    probs = np.array([[0.2, 0.4, 0.4], [0.6, 0.2, 0.2]])
    assert [labels for labels, _ in decode.beam(probs, width=2)] == [(1,), (2,)]
    assert [labels for labels, _ in decode.prefix_search(probs, top=2)] == [(1,), (2,)]
    # An eighth each for (0), (0, 1), (1), (1, 3): in the beam's order (1) stands before the new (0, 1).
    probs = np.array([[0.5, 0.25, 0.0, 0.25], [0.0, 0.25, 0.25, 0.5]])
    order = [(0, 3), (3,), (0,), (0, 1), (1,), (1, 3), (3, 1)]
    for width in (3, 4, 5, 6, 7, 20):
        found = decode.beam(probs, blank=2, width=width, top=min(width, 7))
        assert [labels for labels, _ in found] == order[:width]
    assert [labels for labels, _ in decode.prefix_search(probs, blank=2, top=7)] == order


@pytest.mark.parametrize("size", [2, 4, 8])
def test_a_beam_among_equals_keeps_the_first(size: int) -> None:
    """Powers of two, of which sums and products are exact."""
    for frames in (1, 2, 3, 4):
        flat = np.full((frames, size), 1.0 / size)
        for blank in (0, size - 1):
            for width in (1, 2, 5, 13):
                wanted = prefix_beam(flat, blank, width, lambda labels: np.zeros(size))
                assert_same(decode.beam(flat, blank=blank, width=width, top=width), wanted)


def test_what_cannot_be_is_not_returned() -> None:
    certain = np.eye(3)[[0, 1, 1, 0, 1]]
    for found in (decode.beam(certain), decode.prefix_search(certain)):
        assert found == [((1, 1), 0.0)]
    assert decode.best_path(certain) == ((1, 1), 0.0)


def test_logits_far_apart() -> None:
    logits = 1e4 * np.random.default_rng(0).normal(size=(12, 5))
    labels, logp = decode.best_path(logits=logits)
    assert decode.beam(logits=logits)[0] == (labels, pytest.approx(logp))
    assert decode.prefix_search(logits=logits)[0] == (labels, pytest.approx(logp))
    second = decode.prefix_search(logits=logits)[1][1]
    assert -math.inf < second < -100.0
    assert decode.beam(logits=logits, width=200)[1][1] == pytest.approx(second)


def test_edit_distance() -> None:
    assert decode.edit_distance("kitten", "sitting") == 3
    assert decode.edit_distance("", "abc") == decode.edit_distance((1, 2, 3), ()) == 3
    assert decode.edit_distance([1, 2, 3, 4], [1, 3, 4, 5]) == 2
    assert decode.edit_distance("intention", "execution") == 5
    assert decode.label_error_rate([(1, 2), (3,)], [(1, 2), (3, 3, 3)]) == 2 / 5
    with pytest.raises(ValueError, match="`found` has 1 labellings, `wanted` 2"):
        decode.label_error_rate([(1,)], [(1,), (2,)])
    with pytest.raises(ValueError, match="`wanted` has no label"):
        decode.label_error_rate([(1,)], [()])
