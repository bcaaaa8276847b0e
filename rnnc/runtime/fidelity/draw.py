"""Random data for any network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.fields import Field, fields_of

Array = NDArray[Any]

MISSING = 0.5
"""The share of targets that are missing, so that a network under teacher forcing hears itself as well."""


def draw(module: Any, sizes: Mapping[str, int], steps: Mapping[str, int], count: int, seed: int) -> dict[str, Array]:
    """Inputs and targets of `count` sequences as `open_data` takes them, a function of the seed alone.

    Real inputs are standard normal, real targets uniform in 0..1, tokens uniform; a target with an axis is missing at
    half of its places, but labels of `ctc` are all there and none is the blank. `steps`: the length of every axis.
    """
    rng = np.random.default_rng(seed)
    shapes = module.data_shapes(**sizes)
    blanks = {one["target"]: int(one["blank"](**sizes)) for one in getattr(module, "CTC", ())}
    found: dict[str, Array] = {}
    carried: set[str] = set()
    for field in fields_of(module):
        units, vocabulary = shapes[field.name]
        shape = (*(steps[axis] for axis in field.axes), count, *units)
        whole = not field.axes or bool(set(field.axes) & set(module.LABEL_AXES))
        found[field.name] = _values(rng, field, shape, vocabulary, blanks.get(field.name), whole)
        carried |= set(field.axes)
    several = len(module.AXES) > 1
    for axis in module.AXES:
        if axis not in carried:
            found[f"lengths.{axis}" if several else "lengths"] = np.full(count, steps[axis])
    return found


def _values(
    rng: np.random.Generator, field: Field, shape: tuple[int, ...], vocabulary: int, blank: int | None, whole: bool
) -> Array:
    if blank is not None:
        labels = rng.integers(0, vocabulary - 1, shape)
        return labels + (labels >= blank)
    values: Array
    if field.token:
        values = rng.integers(0, vocabulary, shape)
    else:
        values = rng.uniform(size=shape) if field.target else rng.standard_normal(shape)
    if field.target and not whole:
        values[rng.random(shape) < MISSING] = -1 if field.token else np.nan
    return values
