"""Named arrays, some of them views of one buffer: who is where, and is every gradient fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Arrays = Mapping[str, Array]


def flat_buffer(arrays: Arrays) -> Array | None:
    """The one buffer behind the arrays of a mapping, where it has such an attribute."""
    flat = getattr(arrays, "flat", None)
    return flat if isinstance(flat, np.ndarray) else None


def inside(array: Array, flat: Array) -> bool:
    """Whether an array is a view of that buffer."""
    return bool(np.may_share_memory(array, flat))


def same_view(array: Array, flat: Array, other: Array) -> Array:
    """The view of `other` that lies in it as `array` lies in `flat`; both (size,), of any two dtypes."""
    start = array.__array_interface__["data"][0] - flat.__array_interface__["data"][0]
    place = start // flat.itemsize
    strides = tuple(step // flat.itemsize * other.itemsize for step in array.strides)
    return np.lib.stride_tricks.as_strided(other[place:], array.shape, strides)


def check_value(name: str, value: object) -> None:
    """ValueError unless it is a floating point array that may be written to."""
    if not isinstance(value, np.ndarray):
        raise ValueError(f"parameter `{name}` is not an array: {type(value).__name__}")
    if not np.issubdtype(value.dtype, np.floating):
        raise ValueError(f"parameter `{name}` has dtype {value.dtype}; a trained array is floating point")
    if not value.flags.writeable:
        raise ValueError(f"parameter `{name}` is read-only")


def check_gradient(name: str, value: Array, grads: Arrays) -> Array:
    """The gradient of a parameter; ValueError where it is missing or has another shape."""
    if name not in grads:
        raise ValueError(f"no gradient for parameter `{name}`")
    grad = np.asarray(grads[name])
    if grad.shape != value.shape:
        raise ValueError(f"gradient of `{name}` has shape {grad.shape}, the parameter {value.shape}")
    if not np.issubdtype(grad.dtype, np.floating):
        raise ValueError(f"gradient of `{name}` has dtype {grad.dtype}; expected floating point")
    return grad
