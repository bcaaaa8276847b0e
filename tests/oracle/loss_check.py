"""Losses of a module beside what they mean: of each sequence of a ragged batch, with gaps and whole targets missing."""

from __future__ import annotations

import numpy as np

from oracle.data import Batch, blanks, reached
from oracle.loss_meaning import Meaning
from oracle.loss_text import LossText
from oracle.properties import Subject, close


def meanings(subject: Subject, batch: Batch, missing: str = "") -> list[float]:
    """The loss of every sequence of a batch, the target `missing` taken away; `NotCovered` where there is none."""
    text = LossText(subject.text, subject.sizes)
    units = subject.run(batch)
    axes = {v.name: v.axes for v in subject.system.values}
    found = []
    for b in range(batch.size):
        lengths, arrays = batch.alone(b)
        if missing:
            arrays[missing] = np.full_like(arrays[missing], -1 if arrays[missing].dtype.kind == "i" else np.nan)
        for name in subject.units:
            inside: tuple[slice | int, ...] = tuple(slice(0, lengths[a]) for a in axes[name])
            arrays[name] = units[name][(*inside, b)]
        with np.errstate(all="ignore"):
            found.append(Meaning(text, lengths, arrays, subject.parameters).total())
    return found


def loss_is_its_meaning(subject: Subject) -> None:
    """Raises `NotCovered` where the oracle knows none."""
    if subject.system.loss is not None:
        close(subject.forward["loss"], meanings(subject, subject.ragged), 1e-9, "the loss of each sequence")


def loss_without_a_target(subject: Subject) -> None:
    """A target that is not passed is missing everywhere; labels that are not passed cost nothing, which is more."""
    batch = subject.short
    seen = reached(subject.system, [subject.system.loss or ""], borders=False)
    read = [v.name for v in subject.system.values if v.role == "target" and v.name in seen]
    for name in (n for n in read if len(read) > 1 and n not in blanks(subject.system)):
        expected = sum(meanings(subject, batch, name))
        given = {n: a for n, a in batch.arrays.items() if n != name}
        value, _ = subject.module.bptt(
            subject.parameters, **given, lengths=batch.given(subject.system.axes), reduce="sum"
        )
        close(value, expected, 1e-9, f"the loss without {name}")
