"""Values from Python as arrays of numbers, or a word on why they are none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.fields import DataError


def plain_array(name: str, values: Any) -> NDArray[Any]:
    """An array; DataError, beginning with `name`, for lists that differ in length, and where some are masked."""
    if isinstance(values, np.ma.MaskedArray) and values.mask.any():
        raise DataError(f"{name} is a masked array; a missing target is NaN, or -1 for a token")
    try:
        return np.asarray(values)
    except ValueError:
        raise DataError(f"{name}: its lists differ in length") from None
