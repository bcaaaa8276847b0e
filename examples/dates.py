"""Dates as people write them, rewritten by an encoder and a decoder that pays attention (Bahdanau et al. 2015).

python examples/dates.py            # under a minute
python examples/dates.py --quick    # a few seconds, to see it run

`Thursday, March 5 1998` becomes `1998-03-05`, a character at a time. Tested on days that no training example has, in
any form; at the end stands where the decoder looked for each character it wrote. The network is specs/attention.rnn.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

# a second thread gains nothing on products this small
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import rnnc
from rnnc.runtime import optim

SPEC = Path(__file__).resolve().parent.parent / "specs" / "attention.rnn"
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LETTERS = sorted(set("".join((*MONTHS, *DAYS)) + "0123456789 ,./"))
WRITTEN = "0123456789-"
BEGIN = len(WRITTEN)
LENGTH = 10
FIRST, COUNT = date(1900, 1, 1), 73_049  # to the end of 2099


@dataclass(frozen=True)
class Batch:
    """Sources as rows of ones (S, B, letters) with their lengths, and what is to be written, (10, B)."""

    x: Any
    lengths: Any
    target: Any

    @property
    def w(self) -> Any:
        """The target one step late."""
        return np.concatenate([np.full((1, self.target.shape[1]), BEGIN), self.target[:-1]])


def spelled(day: date, form: int) -> str:
    """A day in one of six forms."""
    month, weekday = MONTHS[day.month - 1], DAYS[day.weekday()]
    return (
        f"{day.day} {month} {day.year}",
        f"{month} {day.day}, {day.year}",
        f"{weekday}, {month} {day.day} {day.year}",
        f"{day.day}. {month[:3]} {day.year}",
        f"{day.day}/{day.month}/{day.year}",
        f"{weekday[:3]} {day.day:02}.{day.month:02}.{day.year}",
    )[form]


def batch(days: list[date], forms: Any) -> Batch:
    """Examples side by side; shorter sources are padded."""
    sources = [spelled(day, int(form)) for day, form in zip(days, forms, strict=True)]
    lengths = np.array([len(s) for s in sources])
    x = np.zeros((lengths.max(), len(days), len(LETTERS)), np.float32)
    for b, source in enumerate(sources):
        x[np.arange(len(source)), b, [LETTERS.index(c) for c in source]] = 1.0
    targets = np.array([[WRITTEN.index(c) for c in day.isoformat()] for day in days]).T
    return Batch(x, lengths, targets)


def drawn(rng: np.random.Generator, count: int, held_out: bool) -> Batch:
    """Days of the training part, or those that are kept from it: one in ten."""
    numbers = rng.integers(COUNT // 10, size=count) * 10 + (0 if held_out else rng.integers(1, 10, size=count))
    return batch([FIRST + timedelta(int(n)) for n in numbers], rng.integers(6, size=count))


def write(module: Any, p: Any, given: Batch) -> Any:
    """The likeliest character at every step, read back as the next input: (10, B)."""
    w = np.full((1, given.target.shape[1]), BEGIN)
    while True:
        out = module.forward(p, x=given.x, w=w, lengths={"s": given.lengths})
        following = out["p"][-1:, :, :BEGIN].argmax(axis=2)
        w = np.concatenate([w, following])
        if len(w) > LENGTH:
            return w[1:]


def accuracy(module: Any, p: Any, given: Batch) -> float:
    """The share of sequences without a mistake."""
    return float((write(module, p, given) == given.target).all(axis=0).mean())


def table(module: Any, p: Any, day: date, form: int) -> None:
    """How much of its attention, in tenths, each written character gave each character of the source."""
    given = batch([day], [form])
    made = write(module, p, given)
    w = np.concatenate([[[BEGIN]], made[:-1]])
    out = module.forward(p, x=given.x, w=w, lengths={"s": given.lengths}, observe=["a"])
    print(f"\n   {spelled(day, form)}")
    for row, number in zip(out["a"][:, :, 0, 0], made[:, 0], strict=True):
        shares = np.rint(10 * row).astype(int)
        print(f"{WRITTEN[number]}  {''.join('.' if n == 0 else '#' if n == 10 else str(n) for n in shares)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="60 small steps")
    given = parser.parse_args()
    steps, size, width = (60, 16, 16) if given.quick else (given.steps, 64, 64)
    module: Any = rnnc.compile_file(SPEC)
    p = module.init(seed=0, D=len(LETTERS), H=size, A=size // 2, V=BEGIN + 1, E=16)
    print(f"{p.flat.size:,} weights, {steps} steps of {width} dates; tested on {COUNT // 10 + 1:,} days of their own")
    rng, test = np.random.default_rng(0), drawn(np.random.default_rng(1), 50 if given.quick else 500, held_out=True)
    opt = optim.Adam(lr=5e-3)
    begun = time.monotonic()
    for step in range(steps):
        one = drawn(rng, width, held_out=False)
        value, grads = module.bptt(p, x=one.x, w=one.w, l=one.target, lengths={"s": one.lengths})
        optim.clip_norm(grads, 5.0)
        opt.lr = 5e-3 * (1.0 - step / steps)
        opt.step(p, grads)
        if step % (steps // 6) == 0 or step == steps - 1:
            right = accuracy(module, p, test)
            print(f"step {step:5}  {float(value) / LENGTH:.3f} nats a character  {right:6.1%} of unseen dates right")
    print(f"{time.monotonic() - begun:.0f} s")
    for form in (2, 4):
        table(module, p, FIRST + timedelta(35_800), form)


if __name__ == "__main__":
    main()
