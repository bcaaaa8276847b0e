"""Prefix search decoding: the most probable labellings, found best prefix first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnc.runtime.decode.beam import search
from rnnc.runtime.decode.best_first import best_first
from rnnc.runtime.decode.lattice import log_probability
from rnnc.runtime.decode.posteriors import Floats, Labels, read_posteriors, whole

Scored = tuple[Labels, float]


class Found(list[Scored]):
    """Labellings with their log probabilities, best first.

    `complete` is False where the search was ended by its limit: these are then the best that were seen.
    """

    def __init__(self, scored: list[Scored], *, complete: bool) -> None:
        super().__init__(scored)
        self.complete = complete


def prefix_search(
    probs: ArrayLike | None = None,
    blank: int = 0,
    top: int = 3,
    *,
    log_probs: ArrayLike | None = None,
    logits: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    threshold: float = 0.9999,
    limit: int = 100_000,
) -> Any:
    """`[(labels, log probability), ...]`, the `top` most probable labellings, best first; for a batch a list of those.

    Graves et al. (2006), section 3.2; Graves (2012), "Supervised sequence labelling with recurrent neural
    networks", section 7.5. The sequence is cut at every frame where the blank is at least as probable as `threshold`
    (all else together has no more than what is left of 1), the pieces are searched by themselves, and
    their labellings put together. A threshold of 1 cuts only where nothing else is possible: the labellings are then
    the most probable. The log probabilities are those of the whole labellings over the whole sequence, whatever the
    cuts. Ties stand in dictionary order.

    The time can grow exponentially with the frames of a piece. A prefix is followed over all of them; after `limit`
    such steps in one piece its search ends, the answer's `complete` is False, and what a beam of width 25
    finds in that piece counts as seen.

    One of `probs`, `log_probs` and `logits`: (T, K), or (T, B, K) with `lengths` (B,). ValueError for input that is
    none of these, `top` or `limit` below 1, a threshold outside 0..1.
    """
    given = read_posteriors(probs, log_probs, logits, blank, lengths)
    top, limit = whole("top", top, 1), whole("limit", limit, 1)
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"`threshold` is {threshold}; it must be above 0 and at most 1")
    with np.errstate(divide="ignore"):
        rest = float(np.log1p(-threshold))
    return given.each(lambda rows: _decode(rows, given.blank, top, rest, limit))


def _decode(rows: Floats, blank: int, top: int, rest: float, limit: int) -> Found:
    complete = True
    spoken = np.logaddexp.reduce(np.delete(rows, blank, axis=1), axis=1)
    joined: dict[Labels, float] = {(): 0.0}
    for piece in _pieces(rows, spoken <= rest):
        best, ended = best_first(piece, blank, top, 1 + limit // len(piece))
        if not ended:
            complete = False
            seen = (labels for labels, _ in search(piece, blank, 25, min(top, 25)))
            best = _ranked(dict(best) | {labels: log_probability(piece, labels, blank) for labels in seen})[:top]
        longer: dict[Labels, float] = {}
        for before, p in joined.items():
            for labels, q in best:
                both = before + labels
                longer[both] = float(np.logaddexp(longer.get(both, -np.inf), p + q))
        joined = dict(_ranked(longer)[:top])
    return Found(_ranked({labels: log_probability(rows, labels, blank) for labels in joined}), complete=complete)


def _ranked(found: dict[Labels, float]) -> list[Scored]:
    possible = [(labels, p) for labels, p in found.items() if p > -np.inf]
    return sorted(possible, key=lambda pair: (-pair[1], pair[0]))


def _pieces(rows: Floats, cut: NDArray[np.bool_]) -> Iterator[Floats]:
    """What lies between the frames that are cut out."""
    edges = [-1, *np.flatnonzero(cut).tolist(), len(rows)]
    for before, after in itertools.pairwise(edges):
        if after - before > 1:
            yield rows[before + 1 : after]
