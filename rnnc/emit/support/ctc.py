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
    """All alignments of a batch of label sequences, summed over: `loss` (batch,) float64 and what its gradient needs.

    `logits` (frames, batch, K), `labels` (positions, batch), each sequence's `frames` and `positions`; a label of -1
    and what follows it are no labels, and without `labels` nothing is asked (loss 0). Where no alignment exists the
    loss is +inf and the gradient 0. Raises ValueError, naming `name` and its `axis`, for a logit that is not finite.

    Probabilities are summed in float64 without logarithms, rescaled every few frames. The probability of the labels
    is the product of a forward and a backward sum at every frame, so a sum that lost anything to underflow shows as a
    product that is small beside the largest of both; such sequences are done again with logarithms.
    """

    EVERY = 8  # frames between two rescalings
    TINY = 1e-280  # what is smaller than this beside the largest state is left out
    SURE = 1e-200  # a frame's product above this has lost less than rounding does

    def __init__(
        self, logits: Any, labels: Any, frames: Any, positions: Any, blank: int, name: str = "p", axis: str = "n"
    ) -> None:
        self.blank = blank
        self.frames = frames
        self.y = frame_probabilities(logits, frames, name, axis)
        self.asked = labels is not None
        if labels is None:
            self.loss = np.zeros(logits.shape[1])
            return
        self.labels, self.count = label_sequences(labels, positions)
        same = self.labels[1:] == self.labels[:-1]
        needed = self.count + np.sum(same & (self.labels[1:] >= 0), axis=0)
        self.feasible = needed <= frames
        self._sum(same)
        doubtful = np.flatnonzero(self.feasible & ~self._sure())
        if len(doubtful):
            self._again(logits, doubtful)
        self.loss = np.where(self.feasible, np.maximum(self.loss, 0.0), np.inf)

    def _sum(self, same: Any) -> None:
        """Forward and backward sums of every blank and label state, before the frame's own factor."""
        many, batch = self.labels.shape
        length = len(self.y)
        blank, label = self._factors()
        blanks = np.empty((length, 2, many + 1, batch))
        states = np.empty((length, 2, many, batch))
        sums = np.zeros((2, 2 * many + 2, batch))
        own, before = sums[:, : many + 1], sums[:, many + 1 :]
        inner, shifted, now = own[:, :-1], before[:, :-1], before[:, 1:]
        passes = np.ones((2, many, batch))
        passes[0, 1:] = passes[1, 1:] = 1.0
        passes[0, 1:][same] = 0.0
        passes[1, 1:][same[::-1]] = 0.0
        work = np.empty_like(passes)
        repeats = bool(np.any(passes == 0.0))
        entries = self._entries(many)
        scale = np.zeros((2, batch))
        for t, (u, v, y, e) in enumerate(zip(blanks, states, blank, label, strict=True)):
            if t in entries:
                for side, place, b in entries[t]:
                    before[side, place, b] = 1.0
            np.add(own, before, out=u)
            if repeats:
                np.multiply(shifted, passes, out=work)
                np.add(work, inner, out=work)
                np.add(work, now, out=v)
            else:
                np.add(u[:, :-1], now, out=v)
            np.multiply(u, y, out=own)
            np.multiply(v, e, out=now)
            if t in entries:
                before[:, 0] = 0.0
            if t % self.EVERY == self.EVERY - 1:
                top = sums.max(axis=1)
                top = np.where(top > 0.0, top, 1.0)
                sums /= top[:, None]
                sums[sums < self.TINY] = 0.0
                scale += np.log(top)
        total = own[1, -1] + before[1, -1]
        self.loss = -(np.log(total) + scale[1])
        self._meet(blanks, states, blank, label)

    def _factors(self) -> tuple[Any, Any]:
        """The probabilities of the blank and of every label, as the sums of both directions meet them."""
        many, batch = self.labels.shape
        length, _, classes = self.y.shape
        blank = np.empty((length, 2, 1, batch))
        blank[:, 0, 0] = self.y[:, :, self.blank]
        blank[:, 1] = blank[::-1, 0]
        self.place = np.maximum(self.labels, 0) + np.arange(batch) * classes
        label = np.empty((length, 2, many, batch))
        chosen = np.take(self.y.reshape(length, -1), self.place.reshape(-1), axis=1)
        label[:, 0] = chosen.reshape(length, many, batch)
        if np.any(self.labels < 0):
            label[:, 0] *= self.labels >= 0
        label[:, 1] = label[::-1, 0, ::-1]
        return blank, label

    def _entries(self, many: int) -> dict[int, list[tuple[Any, Any, Any]]]:
        """Where a sequence enters: forward at its first frame and label, backward at its last of both."""
        batch = len(self.count)
        every = np.arange(batch)
        starts: dict[int, list[tuple[Any, Any, Any]]] = {0: [(0, 0, every)]}
        late = len(self.y) - self.frames
        for t in np.unique(late):
            chosen = np.flatnonzero(late == t)
            starts.setdefault(int(t), []).append((1, many - self.count[chosen], chosen))
        return starts

    def _meet(self, blanks: Any, states: Any, blank: Any, label: Any) -> None:
        """How probable each state is at each frame, up to the frame's sum over all states."""
        self.at_label = states[:, 0] * states[::-1, 1, ::-1]
        self.at_label *= label[:, 0]
        self.at_blank = np.einsum("tib,tib->tb", blanks[:, 0], blanks[::-1, 1, ::-1]) * blank[:, 0, 0]
        self.total = self.at_label.sum(axis=1) + self.at_blank

    def _sure(self) -> Any:
        """The sequences whose sums lost nothing that counts."""
        inside = np.arange(len(self.y))[:, None] < self.frames
        return np.all((self.total > self.SURE) | ~inside, axis=0) & np.isfinite(self.loss)

    def _again(self, logits: Any, chosen: Any) -> None:
        """The chosen sequences with logarithms."""
        z = np.array(logits[:, chosen], np.float64)
        inside = np.arange(len(z))[:, None] < self.frames[chosen]
        z[~inside] = 0.0
        z -= z.max(axis=2, keepdims=True)
        z -= np.log(np.exp(z).sum(axis=2, keepdims=True))
        loss, states = log_sums(z, inside, self.labels[:, chosen], self.count[chosen], self.blank)
        self.loss[chosen] = loss
        self.at_label[:, :, chosen] = states[:, 1::2]
        self.at_blank[:, chosen] = states[:, ::2].sum(axis=1)
        self.total[:, chosen] = 1.0

    def gradient(self, seed: Any, out: Any) -> None:
        """seed times the derivative of `loss` by the logits (Graves 2006, equation 16) into `out`, of their shape."""
        if not self.asked:
            out[...] = 0.0
            return
        _, batch, classes = self.y.shape
        share = np.where(self.total > 0.0, self.total, 1.0)
        states = self.at_label / share[:, None]
        row = np.arange(0, self.y.size, batch * classes)[:, None, None]
        # without a label there is nothing to count, and what it gives is not real
        expected = np.bincount((self.place + row).reshape(-1), states.reshape(-1), self.y.size).astype(np.float64)
        expected = expected.reshape(self.y.shape)
        expected[:, :, self.blank] += self.at_blank / share
        np.subtract(self.y, expected, out=expected)
        expected *= np.where(self.feasible, seed, 0.0)[:, None]
        out[...] = expected


def frame_probabilities(logits: Any, frames: Any, name: str, axis: str) -> Any:
    """softmax in float64, 0 in the padding. Raises ValueError for a logit of a sequence that is not finite."""
    y = np.array(logits, np.float64)
    past = np.arange(len(y))[:, None] >= frames
    if np.any(past):
        y[past] = 0.0
    if not np.isfinite(y.sum()):
        wrong = np.argwhere(~np.isfinite(y))
        if len(wrong):
            t, b, k = (int(i) for i in wrong[0])
            found = f"logit {k} of `{name}` is {y[t, b, k]}"
            raise ValueError(f"sequence {b}, {axis} = {t}: {found}, ctc needs finite ones")
    y -= y.max(axis=2, keepdims=True)
    np.exp(y, out=y)
    y /= y.sum(axis=2, keepdims=True)
    if np.any(past):
        y[past] = 0.0
    return y


def label_sequences(labels: Any, positions: Any) -> tuple[Any, Any]:
    """The labels up to each sequence's end, -1 behind it, and how many they are."""
    inside = np.arange(len(labels))[:, None] < positions
    inside &= np.logical_and.accumulate(labels >= 0, axis=0)
    count = inside.sum(axis=0)
    many = int(count.max(initial=0))
    return np.where(inside, labels, -1)[:many], count


def log_sums(z: Any, inside: Any, labels: Any, count: Any, blank: int) -> tuple[Any, Any]:
    """The same sums with logarithms: the loss, and how probable each state (blanks and labels in turn) is."""
    many, batch = labels.shape
    length, size = len(z), 2 * many + 1
    emitted = np.full((length, size, batch), -np.inf)
    emitted[:, ::2] = z[:, None, :, blank]
    place = np.broadcast_to(np.maximum(labels, 0).T, (length, batch, many))
    emitted[:, 1::2] = np.take_along_axis(z, place, axis=2).transpose(0, 2, 1)
    state = np.arange(size)[:, None]
    emitted[:, state[:, 0]] += np.where(state <= 2 * count, 0.0, -np.inf)
    emitted[~np.broadcast_to(inside[:, None], emitted.shape)] = -np.inf
    forward = log_walk(emitted, labels, np.zeros(batch, np.int64), np.zeros(batch, np.int64))
    late = length - inside.sum(axis=0)
    backward = log_walk(emitted[::-1, ::-1], labels[::-1], late, 2 * (many - count))[::-1, ::-1]
    both = forward + emitted + backward
    top = both.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    shares = np.exp(both - top)
    total = shares.sum(axis=1, keepdims=True)
    return -(top + np.log(total))[0, 0], shares / np.where(total > 0.0, total, 1.0)


def log_walk(emitted: Any, labels: Any, start: Any, enter: Any) -> Any:
    """Logarithms of the sums over all ways to each state, before the frame's own factor; sequence b enters at frame
    start[b] in state enter[b] or the one after it."""
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
        if size > 1:
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
