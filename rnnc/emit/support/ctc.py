"""Connectionist temporal classification in a generated module: loss and gradient of whole batches, from logits.

Graves, Fernandez, Gomez & Schmidhuber (2006), "Connectionist temporal classification", ICML; the forward and the
backward variables are those of Graves (2012), chapter 7, here run side by side in one recursion: the backward one is
the forward one of the sequence and its labels reversed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# ---- copied from here


class Lattice:
    """All alignments of a batch of label sequences, summed over: `loss` (batch,) float64 and its gradient.

    `logits` (frames, batch, K), `labels` (positions, batch), each sequence's `frames` and `positions`; a label of -1
    and what follows it are no labels, and without `labels` nothing is asked (loss 0). Where no alignment exists the
    loss is +inf and the gradient 0. Raises ValueError, naming `name` and its `axis`, for a logit that is not finite.

    Probabilities are summed in float64 without logarithms, rescaled every few frames. The probability of the labels
    is the product of a forward and a backward sum at every frame, so a sum that lost anything to underflow shows as a
    product that is small beside the largest of both; such sequences are done again with logarithms.
    """

    SURE = 1e-200  # a frame's product above this has lost less than rounding does
    HELD = 4_000_000  # numbers of work space: longer batches are done some sequences at a time
    NEAR = 20_000  # states of a few frames at a time stay in the processor's cache

    def __init__(
        self, logits: Any, labels: Any, frames: Any, positions: Any, blank: int, name: str = "p", axis: str = "n"
    ) -> None:
        self.slope = frame_probabilities(logits, frames, name, axis)
        length, batch, _ = logits.shape
        self.asked = labels is not None
        self.loss = np.zeros(batch)
        if labels is None:
            return
        labels, count = label_sequences(labels, positions)
        repeats = np.sum((labels[1:] == labels[:-1]) & (labels[1:] >= 0), axis=0)
        self.feasible = count + repeats <= frames
        parts = -(-length * batch * (5 * len(labels) + 2) // self.HELD)
        group = -(-batch // min(batch, parts))
        least = np.zeros(batch)
        for b in range(0, batch, group):
            rows = slice(b, b + group)
            own = self.slope[:, rows]
            self.loss[rows], least[rows] = path_sums(own, labels[:, rows], count[rows], frames[rows], blank)
        sure = (least > self.SURE) & np.isfinite(self.loss)
        doubtful = np.flatnonzero(self.feasible & ~sure)
        if len(doubtful):
            z = np.array(logits[:, doubtful], np.float64)
            again = log_sums(z, frames[doubtful], labels[:, doubtful], count[doubtful], blank)
            self.loss[doubtful], self.slope[:, doubtful] = again
        self.loss = np.where(self.feasible, np.maximum(self.loss, 0.0), np.inf)

    def gradient(self, seed: Any, out: Any) -> None:
        """seed times the derivative of `loss` by the logits (Graves 2006, equation 16) into `out`, of their shape."""
        if not self.asked:
            out[...] = 0.0
            return
        np.multiply(self.slope, np.where(self.feasible, seed, 0.0)[:, None], out=out)
        if not np.all(self.feasible):
            out[:, ~self.feasible] = 0.0


def frame_probabilities(logits: Any, frames: Any, name: str, axis: str) -> Any:
    """softmax in float64, 0 in the padding. Raises ValueError for a logit of a sequence that is not finite."""
    y = np.array(logits, np.float64)
    past = np.arange(len(y))[:, None] >= frames
    ragged = bool(np.any(past))
    if ragged:
        y[past] = 0.0
    # where nothing can overflow the largest of a frame need not go first
    if not (y.max() < 300.0 and y.min() > -300.0):
        wrong = np.argwhere(~np.isfinite(y))
        if len(wrong):
            t, b, k = (int(i) for i in wrong[0])
            found = f"logit {k} of `{name}` is {y[t, b, k]}"
            raise ValueError(f"sequence {b}, {axis} = {t}: {found}, ctc needs finite ones")
        y -= y.max(axis=2, keepdims=True)
    np.exp(y, out=y)
    y /= np.einsum("tbk->tb", y)[..., None]
    if ragged:
        y[past] = 0.0
    return y


def label_sequences(labels: Any, positions: Any) -> tuple[Any, Any]:
    """The labels up to each sequence's end, -1 behind it, and how many they are."""
    inside = np.arange(len(labels))[:, None] < positions
    present = labels >= 0
    for m in range(1, len(labels) if not np.all(present | ~inside) else 0):
        present[m] &= present[m - 1]
    inside &= present
    count = inside.sum(axis=0)
    many = int(count.max()) if len(labels) else 0
    return np.where(inside, labels, -1)[:many], count


KEPT: list[Any] = []
"""Work space of calls that are over, for the next ones: new memory costs more than the sums."""


def path_sums(y: Any, labels: Any, count: Any, frames: Any, blank: int) -> tuple[Any, Any]:
    """The loss of each sequence, and the least of its frames' products beside the largest of both their factors;
    `y` becomes the derivative by the logits.

    Every frame's factors are taken relative to the blank's, which is then 1, so that its states need no product.
    """
    length, batch, classes = y.shape
    many = len(labels)
    held = KEPT.pop() if KEPT else np.empty(0)
    if held.size < length * batch * (5 * many + 2):
        held = np.empty(length * batch * (5 * many + 2))
    of_labels = length * batch * many
    label = held[:of_labels].reshape(length, many, batch)
    states = held[of_labels : 3 * of_labels].reshape(length, many, 2, batch)
    blanks = held[3 * of_labels : length * batch * (5 * many + 2)].reshape(length, many + 1, 2, batch)
    base = np.where(np.arange(length)[:, None] < frames, y[:, :, blank], 1.0)
    place = np.maximum(labels, 0) + np.arange(batch) * classes
    chosen = np.take(y.reshape(length, -1), place.reshape(-1), axis=1).reshape(label.shape)
    np.divide(chosen, base[:, None], out=label)
    if np.any(labels < 0):
        label *= labels >= 0
    total, scale = walk(label, states, blanks, labels, count, frames)
    loss = -(np.log(total) + scale + np.log(base).sum(axis=0))
    least = meet(y, label, states, blanks, place, frames, blank)
    KEPT.append(held)
    return loss, least


def walk(label: Any, states: Any, blanks: Any, labels: Any, count: Any, frames: Any) -> tuple[Any, Any]:
    """Sums over all ways to each state, before the frame's own factor, into `states` (frames, labels, 2, batch) and
    `blanks` (frames, labels + 1, 2, batch): forward, and backward with frames and labels turned round.

    Gives the sum over all ways of all frames, and the logarithm of what it was divided by.
    """
    length, many, batch = label.shape
    every, tiny = 16, 1e-280  # frames between two rescalings; what is smaller beside the largest is left out
    sums = np.zeros((2 * many + 2, 2, batch))
    own, before = sums[: many + 1], sums[many + 1 :]
    inner, shifted, now = own[:-1], before[:-1], before[1:]
    forward, backward = now[:, 0], now[:, 1]
    same = labels[1:] == labels[:-1]
    passes = np.ones((many, 2, batch))
    passes[1:, 0][same] = 0.0
    passes[1:, 1][same[::-1]] = 0.0
    repeats = bool(np.any(same))
    work = np.empty_like(passes)
    scale = np.zeros((2, batch))
    before[0, 0] = 1.0
    late = length - frames  # where the backward sums of a sequence begin
    entries = set(late.tolist())
    factors = zip(label, label[::-1, ::-1], strict=True)
    sides = zip(states[:, :, 0], states[:, :, 1], strict=True)
    rows = zip(blanks, blanks[:, :-1], states, sides, factors, strict=True)
    for t, (u, u_inner, v, (v_forward, v_backward), (e_forward, e_backward)) in enumerate(rows):
        if t in entries:
            chosen = np.flatnonzero(late == t)
            before[many - count[chosen], 1, chosen] = 1.0
        np.add(own, before, out=u)
        if repeats:
            np.multiply(shifted, passes, out=work)
            np.add(work, inner, out=work)
            np.add(work, now, out=v)
        else:
            np.add(u_inner, now, out=v)
        np.multiply(v_forward, e_forward, out=forward)
        np.multiply(v_backward, e_backward, out=backward)
        own, inner = u, u_inner
        if t == 0 or t in entries:
            before[0] = 0.0
        if t % every == every - 1:
            sums[: many + 1] = u
            top = sums.max(axis=0)
            top = np.where(top > 0.0, top, 1.0)
            sums /= top
            sums[sums < tiny] = 0.0
            scale += np.log(top)
            own, inner = sums[: many + 1], sums[:many]
    return own[-1, 1] + before[-1, 1], scale[1]


def meet(y: Any, label: Any, states: Any, blanks: Any, place: Any, frames: Any, blank: int) -> Any:
    """Takes from `y` how probable each class is at each frame among all alignments; the least of the frames' sums
    over all states for every sequence."""
    length, batch, classes = y.shape
    inside = np.arange(length)[:, None] < frames
    least = np.full(batch, np.inf)
    block = min(length, max(1, Lattice.NEAR // (batch * (len(place) + 1))))
    index = place + np.arange(0, block * batch * classes, batch * classes)[:, None, None]
    for t in range(0, length, block):
        here, there = slice(t, t + block), slice(max(0, length - t - block), length - t)
        product = states[here, :, 0] * states[there, :, 1][::-1, ::-1]
        product *= label[here]
        between = np.sum(blanks[here, :, 0] * blanks[there, :, 1][::-1, ::-1], axis=1)
        total = product.sum(axis=1)
        total += between
        least = np.minimum(least, np.where(inside[here], total, np.inf).min(axis=0))
        total = np.where(total > 0.0, total, 1.0)
        product /= total[:, None]
        weights = product.reshape(-1)
        counted = np.bincount(index[: len(total)].reshape(-1), weights, total.size * classes)
        y[here] -= counted.reshape(len(total), batch, classes)
        y[here, :, blank] -= between / total
    return least


def log_sums(z: Any, frames: Any, labels: Any, count: Any, blank: int) -> tuple[Any, Any]:
    """The same with logarithms, from logits: the loss and its derivative by them."""
    many, batch = labels.shape
    length, size = len(z), 2 * many + 1
    inside = np.arange(length)[:, None] < frames
    z = np.where(inside[..., None], z, 0.0)
    z -= z.max(axis=2, keepdims=True)
    z -= np.log(np.exp(z).sum(axis=2, keepdims=True))
    emitted = np.full((length, size, batch), -np.inf)
    emitted[:, ::2] = z[:, None, :, blank]
    place = np.broadcast_to(np.maximum(labels, 0).T, (length, batch, many))
    emitted[:, 1::2] = np.take_along_axis(z, place, axis=2).transpose(0, 2, 1)
    emitted += np.where(np.arange(size)[:, None] <= 2 * count, 0.0, -np.inf)
    emitted += np.where(inside[:, None], 0.0, -np.inf)
    nowhere = np.zeros(batch, np.int64)
    forward = log_walk(emitted, labels, nowhere, nowhere)
    late, enter = length - frames, 2 * (many - count)
    backward = log_walk(emitted[::-1, ::-1], labels[::-1], late, enter)[::-1, ::-1]
    both = forward + emitted + backward
    top = both.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    shares = np.exp(both - top)
    total = shares.sum(axis=1, keepdims=True)
    shares /= np.where(total > 0.0, total, 1.0)
    slope = np.where(inside[..., None], np.exp(z), 0.0)
    slope[:, :, blank] -= shares[:, ::2].sum(axis=1)
    for m in range(many):
        slope[:, np.arange(batch), np.maximum(labels[m], 0)] -= shares[:, 2 * m + 1]
    return -(top + np.log(total))[0, 0], slope


def log_walk(emitted: Any, labels: Any, start: Any, enter: Any) -> Any:
    """Logarithms of the sums over all ways to each state (blanks and labels in turn), before the frame's own factor;
    sequence b enters at frame start[b] in state enter[b] or the one after it."""
    length, size, batch = emitted.shape
    every = np.arange(batch)
    skip = np.full((size, batch), -np.inf)
    skip[3::2] = np.where(labels[1:] != labels[:-1], 0.0, -np.inf)
    sums = np.full((length, size, batch), -np.inf)
    now = np.full((size + 2, batch), -np.inf)
    for t in range(length):
        sums[t] = np.logaddexp(np.logaddexp(now[2:], now[1:-1]), now[:-2] + skip)
        first = every[start == t]
        sums[t, enter[first], first] = 0.0
        sums[t, np.minimum(enter[first] + 1, size - 1), first] = 0.0
        np.add(sums[t], emitted[t], out=now[2:])
    return sums


def checked_labels(call: Any, name: str, axis: str, blank: int, title: str) -> None:
    """Raises ValueError for a label that is the blank, for one that follows a missing one, and where `title`, of
    these sizes, has no such output as the blank."""
    outputs = call.units[name][1]
    if not 0 <= blank < outputs:
        raise ValueError(f"the blank of ctc is output {blank}, `{title}` has outputs 0 to {outputs - 1}")
    if name not in call.data:
        return
    labels = call.data[name]
    inside = np.arange(len(labels))[:, None] < call.lengths[axis]
    for wrong, said in (
        (inside & (labels == blank), f"is {blank}, the blank of ctc, which is no label"),
        (inside[1:] & (labels[1:] >= 0) & (labels[:-1] < 0), "follows a missing one: -1 stands behind the last label"),
    ):
        places = np.argwhere(wrong)
        if len(places):
            step, b = int(places[0][0]) + len(labels) - len(wrong), int(places[0][1])
            raise ValueError(f"sequence {b}, {axis} = {step}: target `{name}` {said}")


# ---- copied to here
