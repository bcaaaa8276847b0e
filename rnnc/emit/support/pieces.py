"""A sequence in pieces: each is a call of its own, told of the steps before it and of what those after it are worth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rnnc.emit.support.calls import Call
from rnnc.emit.support.facts import (
    AXES,
    CARRIED,
    ENDS,
    INPUTS,
    KEPT,
    LOSS,
    MASKS,
    STARTS,
    STATES,
    SUMS,
    TARGETS,
    _begin,
    _begin_back,
    _end,
    _end_back,
    _piece,
    _piece_back,
    carried_shapes,
    kept_parts,
)
from rnnc.emit.support.parameters import Parameters

# ---- copied from here


class PieceCall(Call):
    """The steps `first` to `stop` of a checked call, of the sequences `who`, whose numbers are on the host. `given` is
    what the piece is told."""

    def __init__(self, whole: Any, first: int, stop: int, who: Any = None) -> None:
        self.__dict__.update(whole.__dict__)
        (axis,) = AXES
        own = self.own_lengths(whole.asked_lengths[axis], first, stop, who)
        self.ragged = bool(min(own) < stop - first)
        self.who = who = slice(None) if who is None else self.there(who)
        self.whole, self.first = whole, first
        self.state, self.missing, self.past = None, {}, {}
        self.begin = (whole.begin + first)[who]
        self.own, self.steps = self.there(own), stop - first
        self.lengths, self.length, self.batch = {axis: self.own}, {axis: stop - first}, len(own)
        self.short = {axis} if self.ragged else set()
        self.data = {
            name: self.there(a[first:stop, who] if self._record(name)["axes"] else a[who])
            for name, a in whole.data.items()
        }
        self.given: dict[str, Any] = {}
        steps = np.arange(first, stop)[:, None]
        for end in ENDS:
            there = steps == (whole.lengths[axis][who] - 1 if end == "last" else 0)
            self.given[f"{end} of {axis}"] = there.astype(self.real)

    def own_lengths(self, lengths: Any, first: int, stop: int, who: Any) -> Any:
        """How many of the steps `first` to `stop` each sequence has."""
        own = np.clip(lengths - first, 0, stop - first)
        return own if who is None else own[who]

    def mask(self, key: str, rate: float, shape: tuple[int, ...]) -> Any:
        """Dropout's mask: of that of the whole call what belongs to the piece."""
        if self.seed is None:
            return self.there(np.ones((), self.real))
        rng = np.random.default_rng([self.seed, *key.encode()])
        batch = int(MASKS[key])
        rest = shape[batch + 1 :]
        if batch:
            bits: Any = rng.bit_generator
            bits.advance(self.first * self.whole.batch * math.prod(rest))
        kept = rng.uniform(size=(*shape[:batch], self.whole.batch, *rest)) >= rate
        kept = self.there(kept.astype(self.real) / self.real.type(1.0 - rate))
        return self.there(kept[:, self.who] if batch else kept[self.who])

    def follow(self, states: Any) -> None:
        """Tells what stands before the piece: of every value that is carried (steps, batch, ...)."""
        for name, rows in states.items():
            learned = name in INPUTS and CARRIED[name]["learned"]
            for k in range(1, len(rows) + 1):
                (self.data if learned else self.given)[f"{name} before {k}"] = rows[-k]

    def weigh(self, sums: Any, since: int, after: Any) -> dict[str, Any]:
        """Tells the adjoints of what is summed, from position `since` on, and of the states after the piece; returns
        what of these belongs to the states before it, where a sequence has fewer steps than are carried."""
        for name, a in sums.items():
            rows = np.zeros((self.steps, *a.shape), a.dtype)
            rows[since:] = a
            past = self.padding(*AXES)
            if past is not None:
                rows = self.without(past, rows)
            self.given[f"d({name}) given"] = rows
        passed = {}
        b = np.arange(self.batch)
        for name, a in after.items():
            steps = len(a)
            rows = np.zeros((steps + self.steps, *a.shape[1:]), a.dtype)
            for k in range(steps):
                rows[self.own + k, b] = a[k]
            passed[name], self.given[f"d({name}) after"] = rows[:steps].copy(), rows[steps:]
        return passed

    def unweighed(self, states: Any) -> None:
        """Tells that the states after the piece are worth nothing."""
        for name, rows in states.items():
            if CARRIED[name]["learned"]:
                whole = (self.steps, self.batch, *rows.shape[2:])
                self.given[f"d({name}) after"] = np.zeros(whole, self.real)

    def left(self, saved: Any, states: Any) -> dict[str, Any]:
        """The states after the piece."""
        b, result = np.arange(self.batch), {}
        for name, rows in states.items():
            record, steps = CARRIED[name], len(rows)
            a = saved[record["saved"]] if record["saved"] else np.concatenate([rows, self.rows(name)])
            a = a[record["rows"] :]
            result[name] = np.stack([a[self.own + k, b] for k in range(steps)])
        return result

    def rows(self, name: str) -> Any:
        """An input or target at every step."""
        return self.data[name] if name in INPUTS else self.target(name, *AXES)

    def backed(self, saved: Any, wrt: tuple[str, ...], grads: Any) -> Any:
        """Adds the piece's gradients to `grads`; returns those by what is no parameter."""
        own = Parameters(self.sizes, self.real)
        found = _piece_back(self, saved, None, wrt, own)
        grads.flat += own.flat
        return found


class WholeCall:
    """A call that is run in pieces: `states` stand before its first step, `value` and `sums` (the adjoints of what is
    summed) are there once all pieces have been run; gradients are gathered in `grads` and, of inputs, `found`."""

    def __init__(self, call: Any, wrt: tuple[str, ...]) -> None:
        (self.axis,) = AXES
        self.call, self.wrt = call, wrt
        self.grads = Parameters(call.sizes, call.real)
        self.totals: dict[str, Any] = {}
        for name in INPUTS:
            if name not in call.data:  # which only starts read, and a state stands in for them
                call.data[name] = call.input_or_zero(name, *INPUTS[name]["axes"])
        self.all = PieceCall(call, 0, call.length[self.axis])
        self.found = {name: np.zeros(call.data[name].shape, call.real) for name in wrt}
        self.started = _begin(self.all)
        self.states = {name: self._first(name) for name in CARRIED}

    def _first(self, name: str) -> Any:
        """What stands before the first step: (steps, batch, ...), the nearest last."""
        call, starts = self.call, CARRIED[name]["starts"]
        if name in INPUTS or name in TARGETS:
            data = self.all.rows(name)
            rows = np.zeros((len(starts), *data.shape[1:]), data.dtype)
        else:
            rows = np.zeros((len(starts), call.batch, *carried_shapes(**call.sizes)[name]), call.real)
        for k, start in enumerate(starts, 1):
            if start is not None:
                rows[-k] = self.started[start]
        if call.state is not None and name in call.state:
            known = call.state[name]
            rows[-len(known) :] = known
        return rows

    def before(self, first: int) -> dict[str, Any]:
        """Of the inputs and targets that are carried what stands before position `first`."""
        found = {}
        for name, rows in self.states.items():
            if name in INPUTS or name in TARGETS:
                data, late = self.all.rows(name), first - len(rows)
                found[name] = data[late:first] if late >= 0 else np.concatenate([rows[first:], data[:first]])
        return found

    def add(self, saved: Any) -> None:
        """What a piece has summed up."""
        for name, (variable, _) in SUMS.items():
            self.totals[name] = self.totals.get(name, 0) + saved[variable]

    def finish(self, reduce: str) -> None:
        """The loss, and what the sums are worth to it."""
        self.all.given.update(self.totals)
        saved = _end(self.all)
        self.value = saved[LOSS].mean() if reduce == "mean" else saved[LOSS].sum()
        seed = np.full(self.call.batch, 1.0 / self.call.batch if reduce == "mean" else 1.0, self.call.real)
        back = self._outside(_end_back, saved, seed)
        self.sums = {name: back[name] for name, (_, learned) in SUMS.items() if learned}

    def begin_back(self, before: Any) -> None:
        """The gradient through the starts, given that of the states before the first step."""
        if self.call.state is not None:
            return  # which was given: gradients stop there
        for start in STARTS:
            self.all.given[f"d({start}) given"] = sum(
                rows[-k]
                for name, rows in before.items()
                for k, own in enumerate(CARRIED[name]["starts"], 1)
                if own == start
            )
        self._outside(_begin_back, self.started, None)

    def _outside(self, function: Any, saved: Any, seed: Any) -> Any:
        own = Parameters(self.call.sizes, self.call.real)
        back = function(self.all, saved, seed, self.wrt, own)
        self.grads.flat += own.flat
        self.gather(back, 0)
        return back

    def gather(self, back: Any, first: int) -> None:
        """The gradients of inputs, of the piece that begins at `first`."""
        for name in self.wrt:
            if name in back:
                whole = self.found[name]
                place = whole[first : first + len(back[name])] if INPUTS[name]["axes"] else whole
                place += back[name]

    def result(self, states: Any) -> tuple[Any, Any, dict[str, Any]]:
        """Value, gradients, and the state after the last piece."""
        call, state = self.call, {}
        for name, a in self.found.items():
            self.grads[name] = call.give(a, *INPUTS[name]["axes"])
        for name, steps in STATES.items():
            if name == self.axis:
                state[name] = call.begin + call.lengths[name]
            else:
                state[name] = states[name][-steps:] if steps > 1 else states[name][-1]
        if not call.batched:
            state = {name: a[:, 0] if STATES[name] > 1 else a[0] for name, a in state.items()}
        return self.value, self.grads, state


def leads_on(name: str, wrt: tuple[str, ...]) -> bool:
    """Whether the adjoint of a carried value leads to a gradient that is asked for."""
    record = CARRIED[name]
    return bool(record["learned"]) and (name not in INPUTS or name in wrt or any(record["starts"]))


def in_checkpoints(call: Any, wrt: tuple[str, ...], reduce: str) -> tuple[Any, Any, Any]:
    """Value, gradients and next state of a checked call in pieces of about the square root of its steps: the states
    between them are kept, and from the last to the first each is run again."""
    whole = WholeCall(call, wrt)
    length = call.length[whole.axis]
    steps = math.isqrt(length - 1) + 1
    states = [whole.states]
    for first in range(0, length, steps):
        piece = PieceCall(call, first, min(length, first + steps))
        piece.follow(states[-1])
        saved: Any = None  # of the piece before: only one of them at a time
        saved = _piece(piece)
        whole.add(saved)
        states.append(piece.left(saved, states[-1]))
    last = states.pop()
    whole.finish(reduce)
    after = {name: np.zeros(last[name].shape, call.real) for name in last if leads_on(name, wrt)}
    asked = (*wrt, *(f"{name} before {k}" for name in after for k in range(1, len(after[name]) + 1)))
    while states:
        piece = PieceCall(call, first, min(length, first + steps))
        before = states.pop()
        piece.follow(before)
        piece.unweighed(before)
        if saved is None:
            saved = _piece(piece)
        after = piece.weigh(whole.sums, 0, after)
        back, saved = piece.backed(saved, asked, whole.grads), None
        for name, rows in after.items():
            for k in range(1, len(rows) + 1):
                rows[-k] += back[f"{name} before {k}"]
        whole.gather(back, first)
        first -= steps
    whole.begin_back(after)
    return whole.result(last)


def over_windows(call: Any, k1: int, k2: int, reduce: str) -> tuple[Any, Any, Any]:
    """Value, truncated gradients and next state of a checked call: every k1 steps, and at a sequence's end, the loss of
    the steps since the last time goes back over k2 steps. What these windows read is computed once, for all steps."""
    whole = WholeCall(call, ())
    length = call.length[whole.axis]
    every = PieceCall(call, 0, length)
    every.follow(whole.states)
    saved = _piece(every)
    whole.add(saved)
    whole.finish(reduce)
    before = {name: np.zeros(a.shape, call.real) for name, a in whole.states.items() if leads_on(name, ())}
    asked = tuple(f"{name} before {k}" for name in before for k in range(1, len(before[name]) + 1))
    parts = kept_parts(**call.sizes)
    for stop, some in window_ends(call.asked_lengths[whole.axis], k1):
        first = max(0, stop - k2)
        piece = PieceCall(call, first, stop, some)
        who = piece.who
        piece.follow({name: rows[:, who] for name, rows in whole.before(first).items()})
        piece.unweighed({name: rows[:, who] for name, rows in whole.states.items()})
        piece.weigh({name: a[who] for name, a in whole.sums.items()}, (stop - 1) // k1 * k1 - first, {})
        back = piece.backed(kept_of(saved, parts, first, stop, who), asked, whole.grads)
        for name, rows in before.items() if not first else ():
            for k in range(1, len(rows) + 1):
                rows[-k, who] += back[f"{name} before {k}"]
    whole.begin_back(before)
    return whole.result(every.left(saved, whole.states))


def window_ends(lengths: Any, k1: int) -> list[tuple[int, Any]]:
    """Where windows end, ascending, and of which sequences: every k1 steps, and where a sequence ends."""
    ends = {*range(k1, int(lengths.max()) + 1, k1), *(int(n) for n in lengths)}
    return [(stop, np.flatnonzero(lengths >= stop if stop % k1 == 0 else lengths == stop)) for stop in sorted(ends)]


def kept_of(saved: Any, parts: Any, first: int, stop: int, who: Any) -> dict[str, Any]:
    """Of what was kept of a whole sequence a copy of what belongs to the steps `first` to `stop`: the way back
    overwrites it. `parts` are those that lie in others, as they do in the copy."""
    found = {}
    for name, a in saved.items():
        if name in parts:
            continue
        more, batch = KEPT[name]
        rows = a[first : stop + more] if more >= 0 else a
        found[name] = np.array(rows if batch is None else rows[(slice(None),) * batch + (who,)], order="C")
    for name, (whole, index) in parts.items():
        found[name] = found[whole][index]
    return found


# ---- copied to here
