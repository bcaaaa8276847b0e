"""Arrays on a GPU beside NumPy's: told by their type, without CuPy being imported where nobody uses it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def cupy_of(array: object) -> Any:
    """CuPy where `array` is one of its arrays, else None."""
    cupy = sys.modules.get("cupy")
    return cupy if cupy is not None and isinstance(array, cupy.ndarray) else None


def is_array(array: object) -> bool:
    """Whether it is an array of either library."""
    return isinstance(array, np.ndarray) or cupy_of(array) is not None


def filled(like: Any, fill: float) -> Any:
    """A new array where `like` lies, of its shape and dtype."""
    return (cupy_of(like) or np).full(like.shape, fill, like.dtype)


def brought(array: Any, like: Any) -> Any:
    """`array` where `like` lies; the same object where it lies there."""
    cupy = cupy_of(like)
    if cupy is not None:
        return array if cupy_of(array) is not None else cupy.asarray(array)
    return on_host(array)


def on_host(array: Any) -> Any:
    """`array` as a NumPy array; the same object where it is one."""
    cupy = cupy_of(array)
    return array if cupy is None else cupy.asnumpy(array)


def address(array: Any) -> int:
    """Where the first number of an array lies in memory."""
    place = array.__array_interface__["data"][0] if cupy_of(array) is None else array.data.ptr
    return int(place)
