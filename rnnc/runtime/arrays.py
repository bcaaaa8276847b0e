"""Named arrays, some of them views of one buffer: who is where, and is every gradient fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.device import address, brought, cupy_of, is_array

Array = NDArray[np.floating[Any]]
Arrays = Mapping[str, Array]


def flat_buffer(arrays: Arrays) -> Array | None:
    """The one buffer behind the arrays of a mapping, where it has such an attribute."""
    flat = getattr(arrays, "flat", None)
    return cast(Array, flat) if is_array(flat) else None


def inside(array: Array, flat: Array) -> bool:
    """Whether an array is a view of that buffer."""
    cupy = cupy_of(flat)
    if cupy is not None:
        return cupy_of(array) is not None and bool(cupy.may_share_memory(array, flat))
    return bool(np.may_share_memory(array, flat))


def same_view(array: Array, flat: Array, other: Array) -> Array:
    """The view of `other` that lies in it as `array` lies in `flat`; both (size,), of any two dtypes."""
    place = (address(array) - address(flat)) // flat.itemsize
    strides = tuple(step // flat.itemsize * other.itemsize for step in array.strides)
    view: Array = (cupy_of(other) or np).lib.stride_tricks.as_strided(other[place:], array.shape, strides)
    return view


def check_value(name: str, value: Any) -> None:
    """ValueError unless it is a floating point array that may be written to."""
    if not is_array(value):
        raise ValueError(f"parameter `{name}` is not an array: {type(value).__name__}")
    if not np.issubdtype(value.dtype, np.floating):
        raise ValueError(f"parameter `{name}` has dtype {value.dtype}; a trained array is floating point")
    if isinstance(value, np.ndarray) and not value.flags.writeable:
        raise ValueError(f"parameter `{name}` is read-only")


def check_gradient(name: str, value: Array, grads: Arrays) -> Array:
    """The gradient of a parameter; ValueError where it is missing or has another shape."""
    if name not in grads:
        raise ValueError(f"no gradient for parameter `{name}`")
    given: Any = grads[name]
    grad: Array = brought(given if is_array(given) else np.asarray(given), value)
    if grad.shape != value.shape:
        raise ValueError(f"gradient of `{name}` has shape {grad.shape}, the parameter {value.shape}")
    if not np.issubdtype(grad.dtype, np.floating):
        raise ValueError(f"gradient of `{name}` has dtype {grad.dtype}; expected floating point")
    return grad
