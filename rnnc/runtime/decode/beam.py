"""Prefix beam search in log space: the paths of a labelling added up, the best prefixes kept from frame to frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnnc.runtime.decode.posteriors import Floats, Labels, read_posteriors, whole
from rnnc.runtime.decode.prefixes import Prefixes

# Given a labelling: log weights (K,) of each label as the next; at the blank, of ending there.
Score = Callable[[Labels], ArrayLike]


def beam(
    probs: ArrayLike | None = None,
    blank: int = 0,
    width: int = 25,
    top: int | None = None,
    *,
    log_probs: ArrayLike | None = None,
    logits: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    score: Score | None = None,
) -> Any:
    """`[(labels, log probability), ...]`, best first, of the prefixes left in a beam; for a batch a list of those.

    Graves & Jaitly (2014), "Towards end-to-end speech recognition with recurrent neural networks", ICML, algorithm
    1; Hannun et al. (2014), arXiv:1408.2873. The log probability is that of the paths the beam has followed, so at
    most that of the labelling: equal to it where `width` prefixes are all there are. `top`: how many labellings,
    3 or fewer where the width is below; fewer come back where no more are possible. Prefixes of equal score stand
    in dictionary order, in the beam and in what is returned.

    `score(labels)` gives log weights (K,) to add when each label follows `labels`, and at the blank the
    weight of ending there; -inf forbids. What is ranked and returned is then the log probability plus the weights.
    `word_score` makes such a function of one for words.

    One of `probs`, `log_probs` and `logits`: (T, K), or (T, B, K) with `lengths` (B,). ValueError for input that is
    none of these, `top` above `width`, weights that are NaN or +inf or not (K,).
    """
    given = read_posteriors(probs, log_probs, logits, blank, lengths)
    width = whole("width", width, 1)
    top = min(3, width) if top is None else whole("top", top, 1)
    if top > width:
        raise ValueError(f"`top` is {top}, but a beam of `width` {width} holds no more than {width}")
    return given.each(lambda rows: search(rows, given.blank, width, top, score))


def search(rows: Floats, blank: int, width: int, top: int, score: Score | None = None) -> list[tuple[Labels, float]]:
    """The same for one sequence of log posteriors, (T, K)."""
    held = Prefixes(rows.shape[1], blank, score)
    # Log probability of the paths that end in a blank and of those that end in a label, by prefix in the beam.
    ending_blank, ending_label = np.zeros(1), np.full(1, -np.inf)
    for row in rows:
        total = np.logaddexp(ending_blank, ending_label)
        longer = total[:, None] + row
        last = held.last
        beam_places = np.arange(len(last))
        # A repeat of the last label is a new one only after a blank; of the empty prefix, the blank stands for it.
        longer[beam_places, last] = ending_blank + row[last]
        longer[:, blank] = -np.inf
        ending_label = ending_label + row[last]
        ending_blank = total + row[blank]
        # A prefix in the beam that is another with one label more is reached from there as well.
        child, parent = held.reached()
        ending_label[child] = np.logaddexp(ending_label[child], longer[parent, last[child]])
        longer[parent, last[child]] = -np.inf
        ending_blank, ending_label = held.keep(width, ending_blank, ending_label, longer)
    return held.best(top, np.logaddexp(ending_blank, ending_label))
