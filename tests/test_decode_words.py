"""Decoders that know words, scores that come from outside, and the alignment of a known labelling."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from oracle.labellings import Floats, Labels, labelling, labellings, paths, random_posteriors

from rnnc.runtime import decode

WORDS: tuple[Labels, ...] = ((1,), (2, 1), (1, 1), (2,), (3, 2, 3))
SEEDS = range(12)


def sequences_of(words: tuple[Labels, ...], separator: int | None, longest: int) -> dict[tuple[int, ...], Labels]:
    """Labels of every sequence of word numbers that is no longer than so many labels."""
    tail = () if separator is None else (separator,)
    found: dict[tuple[int, ...], Labels] = {(): ()}
    for count in range(1, longest + 1):
        for numbers in itertools.product(range(len(words)), repeat=count):
            spelt = sum((words[number] + tail for number in numbers), ())
            found[numbers] = spelt[: len(spelt) - len(tail)]
    return {numbers: labels for numbers, labels in found.items() if len(labels) <= longest}


def best_words(
    probs: Floats, words: tuple[Labels, ...], separator: int | None, bigrams: Floats, blank: int
) -> tuple[float, list[tuple[int, ...]]]:
    """The score of the best path through words of a list, and which sequences of words reach it."""
    best: dict[Labels, float] = {}
    for path, p in paths(probs):
        labels = labelling(path, blank)
        best[labels] = max(best.get(labels, 0.0), p)
    scores = {}
    for numbers, labels in sequences_of(words, separator, len(probs)).items():
        weight = sum(bigrams[before + 1, after] for before, after in itertools.pairwise((-1, *numbers)))
        if best.get(labels, 0.0) > 0.0:
            scores[numbers] = math.log(best[labels]) + float(weight)
    top = max(scores.values())
    return top, [numbers for numbers, score in scores.items() if score > top - 1e-9]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_word_of_the_list_has_its_exact_probability(seed: int) -> None:
    probs = random_posteriors(seed, 5, 4)
    exact = labellings(probs, 0)
    wanted = sorted(((word, math.log(exact[word])) for word in WORDS), key=lambda pair: -pair[1])
    found = decode.lexicon(probs, words=[*WORDS, WORDS[0]], top=9)
    assert [word for word, _ in found] == [word for word, _ in wanted]
    np.testing.assert_allclose([p for _, p in found], [p for _, p in wanted], rtol=1e-9)
    assert decode.lexicon(probs, words=WORDS, top=2) == found[:2]


def test_words_that_do_not_fit_are_not_found() -> None:
    probs = random_posteriors(0, 2, 4)
    assert {word for word, _ in decode.lexicon(probs, words=WORDS, top=9)} == {(1,), (2, 1), (2,)}
    assert decode.lexicon(probs, words=[(1, 1, 1)]) == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("separator", [None, 4])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("lexicon", [WORDS, ((2, 1), (1, 3), (3,)), ((1, 2), (1, 3), (2, 1), (3, 1, 3))])
def test_token_passing_finds_the_best_path(
    seed: int, separator: int | None, weighted: bool, lexicon: tuple[Labels, ...]
) -> None:
    probs = random_posteriors(seed, 5, 5 if separator else 4, 2.0)
    bigrams = np.zeros((len(lexicon) + 1, len(lexicon)))
    if weighted:
        bigrams = np.random.default_rng(seed).normal(size=bigrams.shape) - seed % 3
        bigrams[2, 1] = -np.inf
    score, ways = best_words(probs, lexicon, separator, bigrams, 0)
    words, logp = decode.token_passing(probs, lexicon, separator=separator, bigrams=bigrams if weighted else None)
    assert words in ways
    assert math.isclose(logp, score, rel_tol=1e-9)
    if not weighted:
        assert decode.token_passing(probs, lexicon, separator=separator, bigrams=bigrams) == (words, logp)


def test_token_passing_without_words() -> None:
    silent = np.eye(3)[[0, 0]]
    assert decode.token_passing(silent, words=[(1,)]) == ((), 0.0)
    assert decode.token_passing(np.eye(3)[[2, 2]], words=[(1,)]) == ((), -math.inf)
    assert decode.token_passing(np.eye(3)[[1, 0, 1, 1]], words=[(1,)]) == ((0, 0), 0.0)
    assert decode.token_passing(np.eye(3)[[1, 1, 1]], words=[(1,)]) == ((0,), 0.0)


def test_a_word_that_begins_as_the_last_ended_waits_for_a_blank() -> None:
    words = [(2, 1), (1, 3)]
    for weights in (None, np.zeros((3, 2))):
        assert decode.token_passing(np.eye(4)[[2, 1, 3]], words, bigrams=weights) == ((), -math.inf)
        assert decode.token_passing(np.eye(4)[[2, 1, 0, 1, 3]], words, bigrams=weights) == ((0, 1), 0.0)
    # The best word to come from ends in the label that (1, 3) begins with; the next best does not.
    probs = np.array([[0, 0, 1, 0], [0, 0.6, 0.2, 0.2], [0, 1, 0, 0], [0, 0, 0, 1]])
    assert decode.token_passing(probs, [(2, 1), (1, 3), (2, 3)]) == ((2, 1), pytest.approx(math.log(0.2)))


def ranked(scores: dict[Labels, float]) -> list[tuple[Labels, float]]:
    return sorted(((labels, s) for labels, s in scores.items() if s > -math.inf), key=lambda pair: -pair[1])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_score_of_characters(seed: int) -> None:
    probs = random_posteriors(seed, 4, 4)
    draw = np.random.default_rng(seed)
    pairs = draw.normal(size=(4, 4))
    pairs[2, 3] = -np.inf
    asked: list[Labels] = []

    def score(labels: Labels) -> Floats:
        asked.append(labels)
        return np.asarray(pairs[labels[-1] if labels else 0])

    # At the blank stands the weight of ending.
    wanted = {
        labels: math.log(p) + sum(float(pairs[before, after]) for before, after in itertools.pairwise((0, *labels, 0)))
        for labels, p in labellings(probs, 0).items()
    }
    found = decode.beam(probs, width=500, top=20, score=score)
    assert len(asked) == len(set(asked))
    for (labels, s), (best, t) in zip(found, ranked(wanted), strict=False):
        assert labels == best
        assert math.isclose(s, t, rel_tol=1e-9)
    assert len(found) == 20


def test_a_score_of_words() -> None:
    # Labels 1 and 2 are letters, 3 is the space.
    values = {(1,): -1.0, (2,): -0.2, (1, 2): 2.0, (2, 1): -math.inf}

    def words(before: tuple[Labels, ...], word: Labels) -> float:
        return values.get(word, -3.0) + (1.5 if before[-1:] == ((1,),) else 0.0)

    probs = random_posteriors(4, 5, 4)
    wanted = {}
    for labels, p in labellings(probs, 0).items():
        text = "".join("_ab "[k] for k in labels).split()
        spelt = [tuple("_ab ".index(c) for c in word) for word in text]
        weight = sum(words(tuple(spelt[:n]), word) for n, word in enumerate(spelt))
        wanted[labels] = math.log(p) + weight
    found = decode.beam(probs, width=2000, top=30, score=decode.word_score(words, 3, size=4))
    for (labels, s), (best, t) in zip(found, ranked(wanted), strict=False):
        assert labels == best
        assert math.isclose(s, t, rel_tol=1e-9)
    assert len(found) == 30


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("labels", [(), (1,), (2, 2), (1, 3, 1)])
def test_alignment_against_every_path(seed: int, labels: Labels) -> None:
    probs = random_posteriors(seed, 5, 4)
    ours = [(path, p) for path, p in paths(probs) if labelling(path, 0) == labels]
    total = math.fsum(p for _, p in ours)
    found = decode.align(labels, probs)
    assert math.isclose(found.logp, math.log(total), rel_tol=1e-9)
    best, p = max(ours, key=lambda pair: pair[1])
    assert tuple(found.path.tolist()) == best
    assert math.isclose(found.path_logp, math.log(p), rel_tol=1e-9)
    wanted = np.zeros((5, len(labels)))
    for path, p in ours:
        for frame, place in enumerate(places(path)):
            if place is not None:
                wanted[frame, place] += p / total
    np.testing.assert_allclose(found.posteriors, wanted, atol=1e-12)
    np.testing.assert_allclose(found.blanks, 1.0 - wanted.sum(axis=1), atol=1e-12)
    np.testing.assert_allclose(found.lattice.sum(axis=1), 1.0)
    np.testing.assert_array_equal(found.route % 2 == 1, found.path != 0)
    held = [[frame for frame, place in enumerate(places(best)) if place == n] for n in range(len(labels))]
    assert found.spans == tuple((frames[0], frames[-1]) for frames in held)


def places(path: tuple[int, ...]) -> list[int | None]:
    """Which label of its labelling a path is in at each frame, None in a blank."""
    number, found = -1, []
    for before, label in itertools.pairwise((0, *path)):
        number += label not in (0, before)
        found.append(number if label else None)
    return found


def test_alignment_of_certain_frames() -> None:
    found = decode.align((1, 1, 2), np.eye(3)[[1, 0, 1, 2]])
    assert found.spans == ((0, 0), (2, 2), (3, 3))
    assert found.logp == found.path_logp == 0.0
    np.testing.assert_array_equal(found.posteriors, np.eye(4)[:, [0, 2, 3]])
