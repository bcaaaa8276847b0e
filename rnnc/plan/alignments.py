"""How many sequences and frames a module sums the alignments of a ctc loss over at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rnnc.plan.arrays import told
from rnnc.plan.symbols import Symbols
from rnnc.system.forms import Ctc, System

SEQUENCES = "sequences whose alignments are summed at a time"
FRAMES = "frames of them that are put together at a time"
"""What the letters mean."""


def together(system: System, letters: Symbols, at: Mapping[str, int], text: str) -> dict[str, int]:
    """By their letters; of several losses those of the first. Nothing without such a loss."""
    axes = next((e.op.over for e in system.equations if isinstance(e.op, Ctc)), None)
    if axes is None:
        return {}
    frames, labels = (at[dict(letters.steps)[axis]] for axis in axes)
    batch, held, near = at[letters.batch], told(text, "HELD"), told(text, "NEAR")
    parts = math.ceil(frames * batch * (5 * labels + 2) / held)
    group = math.ceil(batch / min(batch, parts))
    return dict(zip(letters.alignments, (group, min(frames, max(1, near // (group * (labels + 1))))), strict=True))
