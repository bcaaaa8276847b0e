"""Decoding to words of a list in a row, by token passing: the best path through all words at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnc.runtime.decode.posteriors import Floats, Labels, read_posteriors, real_array, whole
from rnnc.runtime.decode.words import word_list

Places = NDArray[np.int64]


def token_passing(
    probs: ArrayLike | None = None,
    words: Sequence[Sequence[int]] = (),
    blank: int = 0,
    *,
    separator: int | None = None,
    bigrams: ArrayLike | None = None,
    log_probs: ArrayLike | None = None,
    logits: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
) -> Any:
    """`(word numbers, log probability)` of the most probable path that spells words of a list; for a batch a list.

    Graves (2012), "Supervised sequence labelling with recurrent neural networks", section 7.5.3, after Young,
    Russell & Thornton (1989). Any number of words, none included; between two of them stands the label `separator`,
    where there is one. `bigrams` (1+W, W): log weights, row 0 of each word as the first, row 1+i of each word after
    word i; -inf forbids. The log probability is that of one path, plus the weights. -inf and no words where no path
    is possible. Of ways equally good, to stay goes before moving on, and an earlier word before a later.

    `words`: W sequences of labels, none empty or with the blank or the separator. One of `probs`, `log_probs` and
    `logits`: (T, K), or (T, B, K) with `lengths` (B,). ValueError for input that is none of these.
    """
    given = read_posteriors(probs, log_probs, logits, blank, lengths)
    size = given.rows[0].shape[1]
    known = word_list(words, size, given.blank)
    if separator is not None:
        separator = whole("separator", separator, 0, size - 1)
        if separator == given.blank:
            raise ValueError(f"`separator` is {separator}, the blank")
        for place, word in enumerate(known):
            if separator in word:
                raise ValueError(f"`words[{place}]` holds {separator}, the separator")
    weights = None if bigrams is None else _weights(bigrams, len(known))
    chains = _chains(known, given.blank, separator)
    return given.each(lambda rows: _decode(rows, chains, weights))


def _weights(bigrams: ArrayLike, count: int) -> Floats:
    weights = real_array("bigrams", bigrams).astype(np.float64)
    if weights.shape != (1 + count, count):
        raise ValueError(f"`bigrams` has shape {weights.shape}, expected {(1 + count, count)}: (1 + words, words)")
    if not (weights < np.inf).all():
        first, second = np.argwhere(~(weights < np.inf))[0]
        raise ValueError(f"`bigrams[{first}, {second}]` is {weights[first, second]}; a log weight is below +inf")
    return weights


@dataclass(frozen=True)
class _Chains:
    """Every word as a chain label, blank, label, blank, ..., one after another; a separator comes on top.

    The last state is the blank before any word. By state: `labels`; `skippable`, whether it may follow the state two
    before. By word: its first state; the states in which it may end; those from which another may begin, the
    first of them holding the label `last`.
    """

    labels: Places
    skippable: NDArray[np.bool_]
    first: Places
    ends: Places
    exits: Places
    last: Places


def _chains(words: tuple[Labels, ...], blank: int, separator: int | None) -> _Chains:
    tail = () if separator is None else (separator,)
    longer = [word + tail for word in words]
    labels = np.array([state for word in longer for label in word for state in (label, blank)] + [blank])
    over = 2 * np.cumsum([len(word) for word in longer])
    first = np.concatenate(([0], over[:-1]))
    skippable = np.zeros(len(labels), dtype=bool)
    skippable[2:] = (labels[2:] != labels[:-2]) & (labels[2:] != blank)
    skippable[first] = False
    exits = np.stack((over - 2, over - 1))
    return _Chains(labels, skippable, first, exits - 2 * len(tail), exits, labels[exits[0]])


def _decode(rows: Floats, chains: _Chains, weights: Floats | None) -> tuple[tuple[int, ...], float]:
    size, states = len(chains.labels), np.arange(len(chains.labels))
    best = np.full(size, -np.inf)
    best[-1] = 0.0
    back = np.empty((len(rows), size), dtype=np.int64)
    for frame, row in enumerate(rows):
        ways = np.full((3, size), -np.inf)
        ways[0] = best
        ways[1, 1:] = best[:-1]
        ways[1, chains.first] = ways[1, -1] = -np.inf
        ways[2, 2:] = np.where(chains.skippable[2:], best[:-2], -np.inf)
        choice = ways.argmax(axis=0)
        back[frame] = states - choice
        enter, source = _entries(best, chains, weights)
        best = ways[choice, states]
        taken = enter > best[chains.first]
        best[chains.first[taken]] = enter[taken]
        back[frame, chains.first[taken]] = source[taken]
        best += row[chains.labels]
    final = np.append(chains.ends.T.ravel(), size - 1)
    state = int(final[best[final].argmax()])
    logp = float(best[state])
    return (_words(back, state, chains) if logp > -np.inf else ()), logp


def _entries(best: Floats, chains: _Chains, weights: Floats | None) -> tuple[Floats, Places]:
    """How well each word can be entered, and from which state, (W,) each."""
    begins = chains.labels[chains.first]
    spoken, silent = best[chains.exits]
    if weights is not None:
        # A label after itself begins only after a blank.
        apart = np.where(chains.last[:, None] != begins, spoken[:, None], -np.inf)
        ways = np.vstack((best[-1] + weights[0], np.maximum(apart, silent[:, None]) + weights[1:]))
        choice = ways.argmax(axis=0)
        after = np.maximum(choice - 1, 0)
        from_label = apart[after, np.arange(len(begins))] > silent[after]
        source = np.where(from_label, chains.exits[0][after], chains.exits[1][after])
        return ways[choice, np.arange(len(begins))], np.where(choice == 0, len(best) - 1, source)
    # The best exit of all, and for words that begin with its label the best with another.
    leaders = [len(best) - 1, int(chains.exits[1][silent.argmax()]), int(chains.exits[0][spoken.argmax()])]
    other = np.where(chains.last != chains.labels[leaders[2]], spoken, -np.inf)
    leaders.append(int(chains.exits[0][other.argmax()]))
    ways = np.repeat(best[leaders][:, None], len(begins), axis=1)
    for row in (2, 3):
        ways[row, begins == chains.labels[leaders[row]]] = -np.inf
    choice = ways.argmax(axis=0)
    return ways[choice, np.arange(len(begins))], np.array(leaders)[choice]


def _words(back: Places, state: int, chains: _Chains) -> tuple[int, ...]:
    """The words of the path that ends in a state: one wherever a first state is entered."""
    number = {int(first): word for word, first in enumerate(chains.first)}
    found = []
    for source in back[::-1]:
        before = int(source[state])
        if state in number and before != state:
            found.append(number[state])
        state = before
    return tuple(found[::-1])
