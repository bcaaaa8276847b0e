"""Stand-ins written by hand: arrays in one buffer, and an Elman network that meets the module protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class FlatArrays(dict[str, Array]):
    """Named arrays that are views of `flat`, in their order; `fixed` ones stay apart."""

    def __init__(self, values: Mapping[str, Array], fixed: Mapping[str, Array] | None = None) -> None:
        super().__init__()
        self.flat: Array = np.concatenate([np.ravel(value) for value in values.values()])
        place = 0
        for name, value in values.items():
            self[name] = self.flat[place : place + value.size].reshape(value.shape)
            place += value.size
        self.update(fixed or {})
