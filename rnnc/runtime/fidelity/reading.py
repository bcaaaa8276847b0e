"""What the rules are compared on: sequences of a file, or random ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rnnc.runtime.data import Sequences, open_data
from rnnc.runtime.data.check import check_data, sizes_from
from rnnc.runtime.fidelity.draw import draw

LABELS = 4
"""There is one label in so many steps, unless their number is given."""


def random_sequences(
    module: Any, sizes: Mapping[str, int], steps: Mapping[str, int], named: Collection[str], count: int, seed: int
) -> Sequences:
    """`count` random sequences of `steps` by axis; fewer labels than that on an axis of labels that is not `named`."""
    shortest = min((n for axis, n in steps.items() if axis not in module.LABEL_AXES), default=1)
    fewer = {axis: max(1, shortest // LABELS) for axis in module.LABEL_AXES if axis not in named}
    return open_data(draw(module, sizes, {**steps, **fewer}, count, seed), module)


def given_sequences(
    module: Any, source: str, sizes: Mapping[str, int], steps: Mapping[str, int], count: int
) -> tuple[Sequences, dict[str, int]]:
    """The first `count` sequences of a file and the network's sizes; where there is one axis the first `steps` of each,
    or of one longer sequence pieces of so many steps. Raises DataError."""
    data = open_data(source, module)
    found = sizes_from(data, module, sizes)
    check_data(data, module, found)
    if len(data.lengths) != 1:
        return data.subset(np.arange(min(count, len(data)))), found
    longest = min(*(steps[axis] for axis in data.lengths), int(data.longest.max()))
    if len(data) == 1 and int(data.longest[0]) > longest:
        begins = np.arange(min(count, int(data.longest[0]) // longest)) * longest
        return data.pieces(np.stack([begins, begins + longest], axis=1)), found
    data = data.subset(np.arange(min(count, len(data))))
    return replace(data, lengths={axis: np.minimum(own, longest) for axis, own in data.lengths.items()}), found
