"""Decoding to one word of a list: the exact probability of every word, all at once over their prefix tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnnc.runtime.decode.posteriors import Floats, Labels, read_posteriors, whole
from rnnc.runtime.decode.words import PrefixTree, prefix_tree, word_list


def lexicon(
    probs: ArrayLike | None = None,
    words: Sequence[Sequence[int]] = (),
    blank: int = 0,
    top: int = 3,
    *,
    log_probs: ArrayLike | None = None,
    logits: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
) -> Any:
    """`[(word, log probability), ...]`, best first, of the words in a list; for a batch a list of those.

    The log probabilities are exact: the sums over all paths of Graves et al. (2006), equation 3, of which words
    share the part that they begin with. Fewer than `top` come back where fewer are possible. Words of equal
    probability stand in dictionary order. `token_passing` finds several words in a row.

    `words`: sequences of labels, at least one, none empty or with the blank. One of `probs`, `log_probs` and
    `logits`: (T, K), or (T, B, K) with `lengths` (B,). ValueError for input that is none of these.
    """
    given = read_posteriors(probs, log_probs, logits, blank, lengths)
    top = whole("top", top, 1)
    known = word_list(words, given.rows[0].shape[1], given.blank)
    tree = prefix_tree(known, given.blank)
    return given.each(lambda rows: _decode(rows, known, tree, given.blank, top))


def _decode(
    rows: Floats, words: tuple[Labels, ...], tree: PrefixTree, blank: int, top: int
) -> list[tuple[Labels, float]]:
    label = np.full(len(tree.labels), -np.inf)
    silent = np.full(len(tree.labels), -np.inf)
    silent[0] = 0.0
    repeats = tree.labels == tree.labels[tree.parents]
    for row in rows:
        total = np.logaddexp(label, silent)
        begin = np.where(repeats, silent[tree.parents], total[tree.parents])
        label = np.logaddexp(label, begin) + row[tree.labels]
        label[0] = -np.inf
        silent = total + row[blank]
    logp = np.logaddexp(label, silent)[tree.ends]
    found = {word: p for word, p in zip(words, logp.tolist(), strict=True) if p > -np.inf}
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:top]
