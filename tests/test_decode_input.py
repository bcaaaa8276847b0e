"""What decoders read: three forms, batches and lengths, NaN in padding, and everything that is refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from oracle.labellings import random_posteriors

from rnnc.runtime import decode

WORDS = ((1, 2), (3,), (2, 2, 1), (1,))
RUNS: dict[str, Callable[..., Any]] = {
    "best_path": decode.best_path,
    "prefix_search": decode.prefix_search,
    "beam": decode.beam,
    "lexicon": lambda probs=None, **named: decode.lexicon(probs, WORDS, **named),
    "token_passing": lambda probs=None, **named: decode.token_passing(probs, WORDS, **named),
}
PROBS = np.array([[0.1, 0.6, 0.2, 0.1], [0.5, 0.2, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25], [0.1, 0.1, 0.1, 0.7]])

every_decoder = pytest.mark.parametrize("run", RUNS.values(), ids=list(RUNS))


def numbers(found: Any) -> list[Any]:
    """What was found as nested lists, log probabilities rounded to what float64 allows."""
    if isinstance(found, float):
        return [found if math.isinf(found) else round(found, 9)]
    return [numbers(part) for part in found] if isinstance(found, list | tuple) else [found]


def test_every_decoder_is_here() -> None:
    assert {f.__name__ for f in decode.DECODERS} == set(RUNS)


@every_decoder
def test_three_forms_say_the_same(run: Callable[..., Any]) -> None:
    wanted = numbers(run(PROBS))
    assert numbers(run(log_probs=np.log(PROBS))) == wanted
    assert numbers(run(logits=np.log(PROBS) + np.array([[5.0], [-700.0], [0.0], [1e4]]))) == wanted
    assert numbers(run(PROBS.tolist())) == wanted
    assert numbers(run(PROBS, blank=np.int64(0))) == wanted


@every_decoder
def test_a_batch_is_its_sequences_and_padding_is_not_read(run: Callable[..., Any]) -> None:
    sequences = [random_posteriors(seed, frames, 4, 2.0) for seed, frames in enumerate((5, 1, 8, 3))]
    batch = np.full((8, 4, 4), np.nan)
    for b, rows in enumerate(sequences):
        batch[: len(rows), b] = rows
    lengths = np.array([len(rows) for rows in sequences])
    found = run(batch, lengths=lengths)
    assert found == [run(rows) for rows in sequences]
    order = [2, 0, 3, 1]
    assert run(batch[:, order], lengths=lengths[order]) == [found[b] for b in order]
    assert run(batch[:3, [0, 2]], lengths=3) == run(batch[:3, [0, 2]])
    assert run(batch[:, 0], lengths=5) == found[0]


@every_decoder
def test_float32_decodes_as_float64(run: Callable[..., Any]) -> None:
    probs = random_posteriors(1, 30, 4, 3.0)
    for dtype, close in ((np.float32, 1e-5), (np.float16, 3e-2)):
        found, wanted = run(probs.astype(dtype)), run(probs)
        first, best = (found, wanted) if isinstance(found, tuple) else (found[0], wanted[0])
        assert first[0] == best[0]
        assert math.isclose(first[1], best[1], abs_tol=close)


def with_(place: tuple[int, int], value: float, *, of: str = "probs") -> dict[str, Any]:
    rows = PROBS.copy() if of == "probs" else np.log(PROBS)
    rows[place] = value
    return {of: rows}


BATCH = np.stack([PROBS, PROBS], axis=1)
REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "one of `probs`, `log_probs` and `logits`; given: none"),
    ({"probs": PROBS, "logits": PROBS}, "given: `probs` and `logits`"),
    ({"probs": PROBS[0]}, r"`probs` has shape \(4,\), expected \(frames, labels\) or \(frames, batch, labels\)"),
    ({"probs": PROBS[:0]}, r"`probs` has shape \(0, 4\)"),
    ({"logits": [[1.0], [1.0, 2.0]]}, "`logits` is not an array: its rows differ in length"),
    ({"logits": PROBS.astype(complex)}, "`logits` has dtype complex128; expected real numbers"),
    ({"probs": [["a"]]}, "`probs` has dtype <U1"),
    (with_((2, 1), np.nan), "`probs` is nan at frame 2, label 1"),
    (with_((2, 1), np.inf), "`probs` is inf at frame 2, label 1"),
    (with_((0, 3), -0.1), r"`probs` is -0\.1 at frame 0, label 3: below 0"),
    (with_((1, 0), 0.7), r"probabilities of `probs` at frame 1 sum to 1\.2, not to 1; `logits=`"),
    (with_((1, 0), 0.7, of="log_probs"), r"exponentials of `log_probs` at frame 1 sum to 2\.51"),
    (with_((1, 0), 5000.0, of="log_probs"), "exponentials of `log_probs` at frame 1 sum to inf"),
    (with_((3, 0), np.nan, of="log_probs"), "`log_probs` is nan at frame 3, label 0"),
    (with_((3, 0), np.inf, of="log_probs"), "`log_probs` is inf at frame 3, label 0"),
    (with_((3, 0), np.inf, of="logits"), "`logits` is inf at frame 3, label 0"),
    (with_((3, 0), -np.inf, of="logits"), "`logits` is -inf at frame 3, label 0"),
    ({"probs": np.where(np.arange(2)[:, None] == 1, np.nan, BATCH)}, "nan at frame 0, sequence 1, label 0"),
    ({"probs": BATCH * [[1.0], [1.5]]}, r"frame 0, sequence 1 sum to 1\.5"),
    ({"probs": PROBS, "blank": 4}, r"`blank` is 4; it must be in 0\.\.3"),
    ({"probs": PROBS, "blank": -1}, "`blank` is -1"),
    ({"probs": PROBS, "blank": 1.0}, r"`blank` is 1\.0; it must be a whole number"),
    ({"probs": PROBS, "blank": True}, "`blank` is True; it must be a whole number"),
    ({"probs": PROBS, "lengths": 5}, r"`lengths` is 5; it must be in 1\.\.4"),
    ({"probs": PROBS, "lengths": 0}, "`lengths` is 0"),
    ({"probs": PROBS, "lengths": 2.0}, "`lengths` has .* float64; expected one whole number"),
    ({"probs": BATCH, "lengths": [4, 5]}, r"`lengths\[1\]` is 5; it must be in 1\.\.4"),
    ({"probs": BATCH, "lengths": [4, -1]}, r"`lengths\[1\]` is -1"),
    ({"probs": BATCH, "lengths": [4, 4, 4]}, r"`lengths` has shape \(3,\) .* or 2$"),
)


@every_decoder
@pytest.mark.parametrize(("given", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refused_by_name(run: Callable[..., Any], given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(**given)


@pytest.mark.parametrize(
    ("call", "message"),
    (
        (lambda: decode.beam(PROBS, width=0), "`width` is 0; it must be at least 1"),
        (lambda: decode.beam(PROBS, top=0), "`top` is 0"),
        (lambda: decode.prefix_search(PROBS, top=cast(int, 2.5)), "`top` is 2.5; it must be a whole number"),
        (lambda: decode.prefix_search(PROBS, limit=0), "`limit` is 0"),
        (lambda: decode.prefix_search(PROBS, threshold=0.0), "`threshold` is 0.0"),
        (lambda: decode.prefix_search(PROBS, threshold=math.nan), "`threshold` is nan"),
        (lambda: decode.lexicon(PROBS, words=[]), "`words` is empty"),
        (lambda: decode.lexicon(PROBS, words=[(1,), ()]), r"`words\[1\]` is empty"),
        (lambda: decode.lexicon(PROBS, words=[(1, 0)]), r"`words\[0\]\[1\]` is 0, the blank"),
        (lambda: decode.lexicon(PROBS, words=[(1,), (2, 4)]), r"`words\[1\]\[1\]` is 4; it must be in 0..3"),
        (lambda: decode.token_passing(PROBS, words=[(1, 2)], separator=2), r"`words\[0\]` holds 2, the separator"),
        (lambda: decode.token_passing(PROBS, words=[(1, 2)], separator=0), "`separator` is 0, the blank"),
        (lambda: decode.token_passing(PROBS, words=[(1,)], bigrams=[0.0]), r"`bigrams` has shape \(1,\), .* \(2, 1\)"),
        (lambda: decode.token_passing(PROBS, words=[(1,)], bigrams=[[0.0], [np.nan]]), r"`bigrams\[1, 0\]` is nan"),
        (lambda: decode.beam(PROBS, score=lambda labels: np.zeros(3)), r"`score\(\(\)\)` has shape \(3,\)"),
        (lambda: decode.beam(PROBS, score=lambda labels: [0, np.nan, 0, 0]), r"`score\(\(\)\)` is nan at label 1"),
        (lambda: decode.word_score(lambda before, word: 0.0, 0, size=4), "`separator` is 0, the blank"),
        (lambda: decode.align([0], PROBS), r"`labels\[0\]` is 0, the blank"),
        (lambda: decode.align([9], PROBS), r"`labels\[0\]` is 9; it must be in 0..3"),
        (lambda: decode.align([1, 1, 1], PROBS), "no path of 4 frames gives the 3 labels"),
        (lambda: decode.align([1], BATCH), "takes one sequence"),
    ),
)
def test_wrong_options(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_anything_decodes_or_is_refused() -> None:
    """Random logits, with infinities and NaN among them: an answer, or a ValueError that says where."""
    draw = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        frames, batch, size = (int(n) for n in draw.integers(1, 6, 3))
        logits = draw.normal(size=(frames, batch, size)) * 10.0 ** draw.integers(-3, 5)
        lengths = draw.integers(1, frames + 1, batch)
        if draw.random() < 0.5:
            logits.flat[draw.integers(logits.size)] = draw.choice([np.nan, np.inf, -np.inf])
        bad = any(not np.isfinite(logits[:length, b]).all() for b, length in enumerate(lengths))
        for run in (decode.best_path, decode.prefix_search, decode.beam):
            try:
                found = run(logits=logits, lengths=lengths, blank=int(draw.integers(size)))
            except ValueError as error:
                assert bad
                assert "`logits` is " in str(error)
                refused += 1
            else:
                assert not bad
                assert len(found) == batch
    assert refused > 50
