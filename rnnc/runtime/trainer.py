"""One run of training, step by step: weights, optimiser, schedule, average, and the place in the data."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime import optim
from rnnc.runtime.checkpoints import Checkpoint, nested, unnested
from rnnc.runtime.data import Sequences
from rnnc.runtime.evaluate import evaluate
from rnnc.runtime.learn import Rule, first_sequences
from rnnc.runtime.not_finite import NotFinite, check_gradients, check_loss, picked
from rnnc.runtime.options import Options
from rnnc.runtime.order import Order, Turn
from rnnc.runtime.weights import WeightsError

Array = NDArray[Any]


@dataclass(frozen=True)
class Step:
    """What a step was: its number (from 1) and epoch (from 1), its loss and the norm of its gradient before
    clipping (None where nothing clips by norm), the learning rate, how many positions it read, and the sequences
    that it skipped since no weights give them a finite loss."""

    step: int
    epoch: int
    loss: float
    norm: float | None
    lr: float
    positions: int
    skipped: tuple[int, ...] = ()


@dataclass(frozen=True)
class Check:
    """What a validation found: the loss, whether it is the best so far, and the label error rate of every target of
    a `ctc` loss."""

    loss: float
    best: bool
    label_error_rate: Mapping[str, float]


class Trainer:
    """Trains the weights `p` of a module on data, in place; `best` is the least validation loss so far."""

    def __init__(
        self, module: Any, data: Sequences, options: Options, sizes: Mapping[str, int], valid: Sequences | None = None
    ) -> None:
        self.module, self.options, self.valid = module, options, valid
        if valid is None:
            options.check_unvalidated()
        window = 1 if options.online else options.window
        self.rule = Rule(
            module, options.learn, window=window is not None, online=options.online, more=options.windows()
        )
        self.data = _in_streams(data, options.batch) if window is not None else data
        self.order = Order(
            self.data.longest,
            options.batch,
            options.seed,
            window=window,
            alike=options.online and options.learn != "bptt",
        )
        self.total = options.steps or self.order.begin_of(options.epochs or 10)
        self.sizes = dict(sizes)
        self.p = module.init(seed=options.seed, dtype=options.dtype, **sizes)
        self.good = self.p.flat.copy()
        self.average = self.p.flat.copy() if options.average is not None else None
        self.optimiser = options.optimiser()
        self.base = self.optimiser.lr
        self.schedule = options.plan()
        self.step, self.best, self.waited = 0, math.inf, 0
        self.before = 0
        """How many steps were made of these weights on other data: draws and rates go on from there."""
        self.skipped: set[int] = set()
        self._carried: Any = None

    def advance(self) -> Step:
        """One step. NotFinite where its loss or gradient is not finite; `p` then holds the last good weights."""
        turn = self.order.turn(self.step)
        batch = self.data.batch(turn.chosen, turn.begin, turn.end)
        given = batch.arguments(tuple(self.module.AXES))
        where = f"step {self.step + 1}"
        carried = None if turn.fresh else self._cut(len(turn.chosen))
        # A warning would come on top of the message that ends the run.
        with np.errstate(all="ignore"):
            loss, grads, after = self.rule.gradients(
                self.p,
                given,
                carried,
                batch=len(turn.chosen),
                seed=self.options.seed * 1_000_003 + self.before + self.step,
            )
            loss, skipped = self._possible(loss, grads, given, turn)
            try:
                check_loss(self.module, self.p, given, carried, loss, where, picked(self.data, turn.chosen))
            except NotFinite:
                np.copyto(self.p.flat, self.good)
                raise
            check_gradients(grads, where)
            np.copyto(self.good, self.p.flat)
            norm = None
            if self.options.clip_value is not None:
                optim.clip_value(grads, self.options.clip_value)
            if self.options.clip is not None:
                norm = optim.clip_norm(grads, self.options.clip)
            self.optimiser.lr = self.schedule.rate(self.base, self.before + self.step, self.total)
            self.optimiser.step(self.p, grads)
        self._carried = after if turn.end is not None else None
        self.step += 1
        self._follow()
        self.skipped.update(skipped)
        return Step(self.step, turn.epoch + 1, loss, norm, self.optimiser.lr, batch.positions, skipped)

    def weights(self) -> Any:
        """What is to be used: the weights, or their average where one is kept; of the form of `p`."""
        if self.average is None:
            return self.p
        found = self.module.init(seed=0, dtype=self.options.dtype, **self.sizes)
        for name, value in self.p.items():
            found[name] = value
        np.copyto(found.flat, self.average)
        return found

    def check(self) -> Check:
        """How well the weights do on the validation data. NotFinite where the loss is no number."""
        assert self.valid is not None
        window = self.options.window or (256 if self.options.online else None)
        score = evaluate(self.module, self.weights(), self.valid, batch=self.options.batch, window=window)
        loss = score.mean
        if math.isnan(loss):
            raise NotFinite(f"step {self.step}: the loss on {self.valid.name} is {loss}")
        better = loss < self.best
        self.best, self.waited = (loss, 0) if better else (self.best, self.waited + 1)
        self.schedule.heard(loss)
        return Check(loss, better, score.label_error_rates)

    def _possible(self, loss: float, grads: Any, given: Mapping[str, Any], turn: Turn) -> tuple[float, tuple[int, ...]]:
        """The loss without the sequences that cannot have a finite one, and these.

        Such is one too short for its labels under `ctc`: its loss is infinite and its gradient exactly zero.
        """
        if loss != math.inf or turn.end is not None or not np.isfinite(grads.flat).all():
            return loss, ()
        losses = np.atleast_1d(self.module.forward(self.p, **given)["loss"])
        bad = np.flatnonzero(np.isposinf(losses))
        alone = self.data.batch(turn.chosen[bad]).arguments(tuple(self.module.AXES))
        _, still, _ = self.rule.gradients(self.p, alone, None, batch=len(bad), seed=0)
        if still.flat.any():
            return loss, ()
        rest = np.delete(losses, bad)
        return float(rest.mean()) if len(rest) else 0.0, tuple(int(n) for n in self.data.picks[turn.chosen[bad]])

    @property
    def tired(self) -> bool:
        """Whether so many validations in a row were no better that the run is over."""
        return self.options.patience is not None and self.waited >= self.options.patience

    def _cut(self, count: int) -> Any:
        state = self._carried
        # Side by side in a rule's steps are only sequences that end together.
        return state if self.rule.steps else first_sequences(self.module, state, count)

    def _follow(self) -> None:
        if self.average is not None and self.options.average is not None:
            # The first weights are random: an average that is young forgets them faster.
            made = self.before + self.step
            keep = min(self.options.average, made / (made + 10.0))
            self.average *= keep
            self.average += (1.0 - keep) * self.p.flat

    def checkpoint(self, facts: Mapping[str, Any]) -> Checkpoint:
        """All that a later run needs to go on to the same bits; `facts` are kept beside it."""
        arrays: dict[str, Array] = {f"weights/{name}": value for name, value in self.p.items()}
        slots, numbers = self.optimiser.memory()
        arrays |= {f"optimiser/{kind}/{name}": value for (name, kind), value in slots.items()}
        arrays["good"] = self.good
        if self.average is not None:
            arrays["average"] = self.average
        if self._carried is not None:
            nested(self._carried, "state", arrays)
        own = {"optimiser": numbers, "schedule": self.schedule.memory(), "best": self.best, "waited": self.waited}
        return Checkpoint(self.step, arrays, {**facts, **own})

    def restore(self, found: Checkpoint) -> None:
        """Go on from a checkpoint. WeightsError where it is of another network; nothing is changed then."""
        saved = {name.removeprefix("weights/"): a for name, a in found.arrays.items() if name.startswith("weights/")}
        if {name: a.shape for name, a in saved.items()} != {name: a.shape for name, a in self.p.items()}:
            raise WeightsError("the checkpoint is of a network with other weights")
        for name, array in saved.items():
            self.p[name][...] = array
        slots = {}
        for key, array in found.arrays.items():
            if key.startswith("optimiser/"):
                _, kind, name = key.split("/", 2)
                slots[name, kind] = array
        self.optimiser.restore(slots, found.facts["optimiser"])
        self.schedule.restore(found.facts["schedule"])
        self.best, self.waited = float(found.facts["best"]), int(found.facts["waited"])
        self.good = found.arrays["good"].copy()
        self.average = found.arrays["average"].copy() if self.average is not None else None
        self._carried = unnested(found.arrays, "state")
        self.step = found.step


def fingerprint(data: Sequences) -> str:
    """A digest of how many sequences there are, of their lengths, and of the first and the last of them."""
    total = hashlib.sha256(repr([f.name for f in data.fields]).encode())
    for part in (data.picks, data.begins, *data.lengths.values()):
        total.update(np.ascontiguousarray(part, np.int64).tobytes())
    for number in {0, len(data) - 1}:
        end = 1000 if len(data.lengths) == 1 else None
        for array in data.batch(np.array([number]), 0, end).given.values():
            total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def _in_streams(data: Sequences, batch: int) -> Sequences:
    """One long sequence as `batch` pieces that are read side by side; several stay as they are."""
    if len(data) != 1:
        return data
    length = int(data.longest[0])
    count = max(1, min(batch, length // 2))
    edges = np.linspace(0, length, count + 1).astype(np.int64)
    return data.pieces(np.stack([edges[:-1], edges[1:]], axis=1))
