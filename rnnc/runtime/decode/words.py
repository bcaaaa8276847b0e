"""The words a decoder may use: checked, as a prefix tree, and as scores for a beam."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.decode.posteriors import Floats, Labels, labels_of, whole


def word_list(words: Sequence[Sequence[int]], size: int, blank: int) -> tuple[Labels, ...]:
    """A list of words as labels; ValueError for an empty list, an empty word, the blank, or a label out of range."""
    found = tuple(labels_of(f"words[{place}]", word, size, blank) for place, word in enumerate(words))
    if not found:
        raise ValueError("`words` is empty; a lexicon has at least one word")
    if () in found:
        raise ValueError(f"`words[{found.index(())}]` is empty; a word has at least one label")
    return found


@dataclass(frozen=True)
class PrefixTree:
    """Words that share their beginnings, (nodes,) each; node 0 is the root, a parent comes before its children.

    `ends`: the node at which each word ends, by word.
    """

    labels: NDArray[np.int64]
    parents: NDArray[np.int64]
    ends: NDArray[np.int64]


def prefix_tree(words: tuple[Labels, ...], blank: int) -> PrefixTree:
    """The tree of some words; the root has the blank for a label."""
    labels, parents, ends = [blank], [0], []
    numbers: dict[tuple[int, int], int] = {}
    for word in words:
        node = 0
        for label in word:
            below = numbers.setdefault((node, label), len(labels))
            if below == len(labels):
                labels.append(label)
                parents.append(node)
            node = below
        ends.append(node)
    return PrefixTree(np.array(labels), np.array(parents), np.array(ends))


def word_score(
    score: Callable[[tuple[Labels, ...], Labels], float], separator: int, *, size: int, blank: int = 0
) -> Callable[[Labels], Floats]:
    """A scoring function for `beam` made of one for words, which the label `separator` parts.

    `score(words before, word)` is the log weight of a word, given those before it; it is added when the word is over,
    by a separator or by the end. -inf forbids a word. `size`: how many labels there are, the blank among them. Two
    separators in a row, and one at an end, have no word between them and no weight.
    """
    size = whole("size", size, 1)
    blank, separator = whole("blank", blank, 0, size - 1), whole("separator", separator, 0, size - 1)
    if separator == blank:
        raise ValueError(f"`separator` is {separator}, the blank")

    def next_weights(labels: Labels) -> Floats:
        weights = np.zeros(size)
        *before, word = split(labels, separator)
        if word:
            weights[[separator, blank]] = score(tuple(w for w in before if w), word)
        return weights

    return next_weights


def split(labels: Labels, separator: int) -> list[Labels]:
    """The labels between separators; at least one word, maybe empty."""
    places = [-1, *(place for place, label in enumerate(labels) if label == separator), len(labels)]
    return [labels[before + 1 : after] for before, after in itertools.pairwise(places)]
