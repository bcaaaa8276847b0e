"""The lattice of one labelling: every way to lay it out over the frames, added up, or the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnc.runtime.decode.posteriors import Floats, Labels, labels_of, read_posteriors


@dataclass(frozen=True)
class Alignment:
    """Where the S labels of a labelling lie in a sequence of T frames.

    The most probable path: `spans`, first and last frame of each label, both included; `path` (T,), its labels and
    blanks; `route` (T,), its states, which are blank, label, blank, ..., blank; `path_logp`, its log
    probability. Over all paths of the labelling: `lattice` (T, 2S+1), the probability of being in each state at each
    frame, a distribution; `logp`, the log probability of the labelling.
    """

    labels: Labels
    spans: tuple[tuple[int, int], ...]
    path: NDArray[np.int64]
    route: NDArray[np.int64]
    path_logp: float
    lattice: Floats
    logp: float

    @property
    def posteriors(self) -> Floats:
        """The probability of being in each label at each frame, (T, S)."""
        return self.lattice[:, 1::2]

    @property
    def blanks(self) -> Floats:
        """The probability of being in any blank at each frame, (T,)."""
        return np.asarray(self.lattice[:, ::2].sum(axis=1))


def align(
    labels: Sequence[int],
    probs: ArrayLike | None = None,
    blank: int = 0,
    *,
    log_probs: ArrayLike | None = None,
    logits: ArrayLike | None = None,
) -> Alignment:
    """Lay a known labelling out over the frames of one sequence, (T, K).

    Posteriors by the forward-backward algorithm of Graves et al. (2006), section 4.1, in log space; the path by
    Viterbi's. Of equally probable paths, the one that is further on in the labelling at the last frame where they
    differ. ValueError where `labels` holds the blank or a number out of range, or no path gives the labelling.
    """
    given = read_posteriors(probs, log_probs, logits, blank, None)
    if given.batched:
        raise ValueError("`align` takes one sequence, (frames, labels), not a batch")
    [rows] = given.rows
    wanted = labels_of("labels", labels, rows.shape[1], given.blank)
    before = forward(rows, wanted, given.blank)
    logp = _both_ends(before)
    if logp == -np.inf:
        raise ValueError(f"no path of {len(rows)} frames gives the {len(wanted)} labels of `labels`")
    # The same walk from the other end; a frame's own posterior is in both.
    after = forward(rows[::-1], wanted[::-1], given.blank)[::-1, ::-1]
    states = _states(wanted, given.blank)
    with np.errstate(invalid="ignore"):
        within = before + after - rows[:, states] - logp
    lattice = np.exp(np.where(np.isfinite(rows[:, states]), within, -np.inf))
    route = _best_route(rows, wanted, given.blank)
    at = [np.flatnonzero(route == 2 * s + 1) for s in range(len(wanted))]
    path_logp = float(rows[np.arange(len(rows)), states[route]].sum())
    spans = tuple((int(frames[0]), int(frames[-1])) for frames in at)
    return Alignment(wanted, spans, states[route], route, path_logp, lattice, logp)


def log_probability(rows: Floats, labels: Labels, blank: int) -> float:
    """Log probability of a labelling, all its paths added up; rows are log posteriors, (T, K)."""
    return _both_ends(forward(rows, labels, blank))


def forward(rows: Floats, labels: Labels, blank: int) -> Floats:
    """Log forward variables (T, 2S+1) of blank, label, blank, ..., blank (Graves et al. 2006, equations 5-8)."""
    states = _states(labels, blank)
    skips = np.flatnonzero(_skippable(states))
    found = np.full((len(rows), len(states)), -np.inf)
    found[0, :2] = rows[0, states[:2]]
    for frame in range(1, len(rows)):
        before, now = found[frame - 1], found[frame]
        now[0] = before[0]
        np.logaddexp(before[1:], before[:-1], out=now[1:])
        now[skips] = np.logaddexp(now[skips], before[skips - 2])
        now += rows[frame, states]
    return found


def _best_route(rows: Floats, labels: Labels, blank: int) -> NDArray[np.int64]:
    """The state at each frame of the most probable path, (T,)."""
    states = _states(labels, blank)
    skippable = _skippable(states)
    frames, size = len(rows), len(states)
    back = np.zeros((frames, size), dtype=np.int64)
    best = np.full(size, -np.inf)
    best[:2] = rows[0, states[:2]]
    for frame in range(1, frames):
        steps = np.full((3, size), -np.inf)
        steps[0] = best
        steps[1, 1:] = best[:-1]
        steps[2, 2:] = np.where(skippable[2:], best[:-2], -np.inf)
        back[frame] = steps.argmax(axis=0)
        best = steps.max(axis=0) + rows[frame, states]
    state = size - 1 if size == 1 or best[-1] >= best[-2] else size - 2
    route = np.empty(frames, dtype=np.int64)
    for frame in range(frames - 1, -1, -1):
        route[frame] = state
        state -= back[frame, state]
    return route


def _states(labels: Labels, blank: int) -> NDArray[np.int64]:
    """The labels with a blank before, between and after, (2S+1,)."""
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    return states


def _skippable(states: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which states may follow the one two before them: labels that differ from the label before."""
    skippable = np.zeros(len(states), dtype=bool)
    skippable[3::2] = states[3::2] != states[1:-2:2]
    return skippable


def _both_ends(found: Floats) -> float:
    return float(np.logaddexp.reduce(found[-1, -2:]))
