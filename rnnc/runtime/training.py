"""Training on a text: windows with carried state, Adam, clipped gradients; the cost of the held-out part."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from rnnc.runtime import optim
from rnnc.runtime.network import Arrays, TextNetwork
from rnnc.runtime.progress import Progress
from rnnc.runtime.schedule import warm_cosine
from rnnc.runtime.signals import Stop
from rnnc.runtime.text import Corpus, Ids, streams, windows

CHECKS = 4  # how often a run looks at the held-out part


@dataclass(frozen=True)
class Plan:
    """How to train: until `steps`, or for `seconds`; where both are numbers, whichever is over first."""

    seconds: float | None = None
    steps: int | None = None
    batch: int = 8
    window: int = 32
    lr: float = 4e-3
    clip: float = 1.0
    seed: int = 0

    def progress(self, step: int, seconds: float) -> float:
        """The share of the run that is over, 0..1; 0 before the first step, so that there is one."""
        shares = (step / self.steps if self.steps else 0.0, seconds / self.seconds if self.seconds else 0.0)
        return min(1.0, max(shares)) if step else 0.0

    def falls(self, step: int, seconds: float) -> float:
        """The share that the learning rate goes by: that of the steps, the same on any machine, where there are some
        to make."""
        return step / self.steps if self.steps else self.progress(step, seconds)


@dataclass
class Outcome:
    """How far a run got. `failed` names the step whose loss or gradient was not finite."""

    steps: int = 0
    characters: int = 0
    seconds: float = 0.0
    failed: str = ""


def data(ids: Ids, batch: int, window: int, seed: int) -> Iterator[tuple[bool, Ids, Ids]]:
    """Endless windows (begins anew, input, target); each pass lays the streams from another character.

    A pure function of its arguments: where a pass begins is drawn by (seed, number of the pass).
    """
    for number in itertools.count():
        shift = int(np.random.default_rng((seed, number)).integers(len(ids)))
        laid = streams(np.roll(ids, -shift), batch)
        for place, (given, following) in enumerate(windows(laid, window)):
            yield place == 0, given, following


def train(
    network: TextNetwork,
    p: Arrays,
    corpus: Corpus,
    plan: Plan,
    progress: Progress,
    stop: Stop,
    *,
    mean: bool,
    keep: Callable[[], None] = lambda: None,
) -> Outcome:
    """Train `p` in place until the plan is done, a stop is asked for, or a number is not finite.

    In the last case `p` holds the last weights whose loss was finite. `mean`: whether the network's loss
    is a mean over positions, or a sum. `keep` is called whenever the held-out part is looked at.
    """
    outcome = Outcome()
    opt = optim.Adam(lr=plan.lr)
    good = {name: value.copy() for name, value in p.items()}
    seeded = "seed" in inspect.signature(network.module.bptt).parameters
    state = network.module.start(p, batch=plan.batch)
    checked = 0
    for fresh, ids, following in data(corpus.train, plan.batch, plan.window, plan.seed):
        done = plan.progress(outcome.steps, progress.seconds)
        if stop.number or done >= 1.0:
            break
        if fresh:
            state = network.module.start(p, batch=plan.batch)
        extra = {"seed": plan.seed + outcome.steps} if seeded else {}
        value, grads = network.module.bptt(p, **network.given(ids, following), state=state, **extra)
        state = grads.state
        # A loss summed over the window has a gradient as many times larger.
        norm = optim.clip_norm(grads, plan.clip if mean else plan.clip * len(ids))
        outcome.failed = _not_finite(float(value), norm, outcome.steps + 1)
        if outcome.failed:
            if not math.isfinite(float(value)):
                _copy(good, p)
            break
        _copy(p, good)
        share = plan.falls(outcome.steps, progress.seconds)
        opt.lr = warm_cosine(plan.lr, outcome.steps, share, warmup=_warmup(plan))
        opt.step(p, grads)
        outcome.steps += 1
        outcome.characters += ids.size
        done = plan.progress(outcome.steps, progress.seconds)
        progress.update(done, float(value) / (1 if mean else len(ids)) / math.log(2.0), ids.size)
        if checked < int(done * CHECKS) < CHECKS:
            checked = int(done * CHECKS)
            bits = held_out_bits(network, p, corpus.held_out, mean=mean)
            progress.say(f"{done:4.0%}  {bits:.3f} bits/char held out")
            keep()
    outcome.seconds = progress.seconds
    progress.clear()
    return outcome


def held_out_bits(
    network: TextNetwork, p: Arrays, ids: Ids, *, mean: bool, batch: int = 16, window: int = 128
) -> float:
    """Mean cost of a character in bits: the text as a few streams, read once with carried state."""
    laid = streams(ids, max(1, min(batch, len(ids) // (2 * window))))
    total, state = 0.0, network.module.start(p, batch=laid.shape[1])
    for given, following in windows(laid, window):
        out = network.module.forward(p, **network.given(given, following), state=state)
        state = out["state"]
        total += float(np.sum(out["loss"], dtype=np.float64)) * (len(given) if mean else 1)
    return total / laid[1:].size / math.log(2.0)


def _warmup(plan: Plan) -> int:
    return 50 if plan.steps is None else min(50, 1 + plan.steps // 10)


def _not_finite(value: float, norm: float, step: int) -> str:
    if not math.isfinite(value):
        return f"the loss at step {step} is {value}"
    return "" if math.isfinite(norm) else f"the gradient at step {step} has a norm of {norm}"


def _copy(source: Arrays, target: Arrays) -> None:
    for name, value in source.items():
        np.copyto(target[name], value)
