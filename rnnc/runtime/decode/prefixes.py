"""The prefixes of a beam: a tree of labels, in which the beam holds some nodes, and how the next ones are chosen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnc.runtime.decode.posteriors import Floats, Labels, real_array

Places = NDArray[np.intp]


class Prefixes:
    """The prefixes that are in the beam, by place in it; a prefix is a node of one tree of all that ever were.

    `last` is the last label of each, the blank for the empty prefix.
    """

    def __init__(self, size: int, blank: int, score: Callable[[Labels], ArrayLike] | None) -> None:
        self._size, self._blank, self._score = size, blank, score
        self._labels: list[Labels] = [()]
        self._numbers: dict[tuple[int, int], int] = {}
        self._above: list[int] = [-1]
        self._nodes: list[int] = [0]
        self._weight: list[float] = [0.0]
        self._rows: dict[int, Floats] = {}
        self.last = np.array([blank])

    def reached(self) -> tuple[list[int], list[int]]:
        """The places of prefixes whose parent is in the beam too, and the places of those parents."""
        place = {node: i for i, node in enumerate(self._nodes)}
        pairs = [(i, place[above]) for i, node in enumerate(self._nodes) if (above := self._above[node]) in place]
        return [child for child, _ in pairs], [parent for _, parent in pairs]

    def keep(self, width: int, ending_blank: Floats, ending_label: Floats, longer: Floats) -> tuple[Floats, Floats]:
        """Choose the next beam among the prefixes as they are, and these with one label more, (held, K).

        Returns the log probabilities of the chosen: ending in a blank, ending in a label.
        """
        held = len(self._nodes)
        same = np.logaddexp(ending_blank, ending_label)
        ranks = np.concatenate((same, longer.ravel()))
        if self._score is not None:
            weights = np.array([self._weight[node] for node in self._nodes])
            ranks[:held] += weights
            ranks[held:] += (weights[:, None] + self._next_weights()).ravel()
        chosen = self._choose(ranks, width)
        old, new = chosen[chosen < held], chosen[chosen >= held] - held
        parents, labels = np.divmod(new, self._size)
        nodes = [self._nodes[place] for place in old.tolist()]
        nodes += [
            self._node(self._nodes[parent], label)
            for parent, label in zip(parents.tolist(), labels.tolist(), strict=True)
        ]
        self.last = np.concatenate((self.last[old], labels))
        self._nodes = nodes
        nothing = np.full(len(new), -np.inf)
        return (
            np.concatenate((ending_blank[old], nothing)),
            np.concatenate((ending_label[old], longer.ravel()[new])),
        )

    def best(self, top: int, logp: Floats) -> list[tuple[Labels, float]]:
        """The `top` prefixes of highest log probability plus weights, that of ending included."""
        found = [
            (self._labels[node], p + self._weight[node] + self._ending(node))
            for node, p in zip(self._nodes, logp.tolist(), strict=True)
        ]
        found = [(labels, p) for labels, p in found if p > -np.inf]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:top]

    def _choose(self, ranks: Floats, width: int) -> Places:
        """Places of the `width` highest, in any order; of equals at the edge, the first in dictionary order."""
        possible = np.flatnonzero(ranks > -np.inf)
        if len(possible) <= width:
            return possible
        edge = np.partition(ranks, len(ranks) - width)[len(ranks) - width]
        above, equal = np.flatnonzero(ranks > edge), np.flatnonzero(ranks == edge)
        missing = width - len(above)
        if len(equal) > missing:
            # Of one prefix with a label more, only the lowest labels can be among the first.
            parent = np.where(equal < len(self._nodes), -1 - equal, (equal - len(self._nodes)) // self._size)
            begin = np.concatenate(([0], 1 + np.flatnonzero(parent[1:] != parent[:-1])))
            among = np.arange(len(equal)) - np.repeat(begin, np.diff(np.append(begin, len(equal))))
            equal = np.array(sorted(equal[among < missing].tolist(), key=self._labels_at)[:missing])
        return np.concatenate((above, equal))

    def _labels_at(self, place: int) -> Labels:
        """The labelling a place among `ranks` stands for."""
        held = len(self._nodes)
        if place < held:
            return self._labels[self._nodes[place]]
        parent, label = divmod(place - held, self._size)
        return (*self._labels[self._nodes[parent]], label)

    def _node(self, above: int, label: int) -> int:
        """The node of a prefix with one label more: the one it had before, if it ever was in the beam."""
        number = self._numbers.setdefault((above, label), len(self._labels))
        if number == len(self._labels):
            self._labels.append((*self._labels[above], label))
            self._above.append(above)
            self._weight.append(0.0 if self._score is None else self._weight[above] + float(self._row(above)[label]))
        return number

    def _ending(self, node: int) -> float:
        return 0.0 if self._score is None else float(self._row(node)[self._blank])

    def _next_weights(self) -> Floats:
        return np.array([self._row(node) for node in self._nodes])

    def _row(self, node: int) -> Floats:
        """What `score` says of a prefix, (K,); asked once for each."""
        if node not in self._rows:
            assert self._score is not None
            labels = self._labels[node]
            row = real_array(f"score({labels})", self._score(labels)).astype(np.float64)
            if row.shape != (self._size,):
                raise ValueError(f"`score({labels})` has shape {row.shape}, expected ({self._size},): one a label")
            if not (row < np.inf).all():
                label = int(np.flatnonzero(~(row < np.inf))[0])
                raise ValueError(f"`score({labels})` is {row[label]} at label {label}; a log weight is below +inf")
            self._rows[node] = row
        return self._rows[node]
