"""Gradient clipping: by the norm of all gradients together (Pascanu et al. 2013), and value by value."""

from __future__ import annotations

import math

import numpy as np

from rnnc.runtime.arrays import Array, Arrays, flat_buffer
from rnnc.runtime.device import cupy_of, is_array
from rnnc.runtime.optim.optimiser import at_least_zero


def clip_norm(grads: Arrays, max_norm: float, norm_type: float = 2.0) -> float:
    """Scale gradients in place by min(1, max_norm / (norm + 1e-6)); returns the norm before.

    The norm is over all of them together; 1e-6 is torch's. Where `grads` has a buffer `flat`, that is
    what is measured and scaled, and gradients outside it (of inputs) stay as they are. A norm that is
    not finite makes gradients that are not finite. ValueError for a negative bound or norm_type <= 0.
    """
    at_least_zero("max_norm", max_norm)
    if not norm_type > 0.0:
        raise ValueError(f"norm_type is {norm_type}; it must be above 0, infinity included")
    arrays = _together(grads)
    norm = _norm(arrays, float(norm_type))
    scale = max_norm / (norm + 1e-6)
    if not scale >= 1.0:
        for array in arrays:
            array *= scale
    return norm


def clip_value(grads: Arrays, clip_value: float) -> None:
    """Clamp every gradient to [-clip_value, clip_value], in place; ValueError for a negative bound."""
    at_least_zero("clip_value", clip_value)
    for array in _together(grads):
        (cupy_of(array) or np).clip(array, -clip_value, clip_value, out=array)


def _together(grads: Arrays) -> tuple[Array, ...]:
    flat = flat_buffer(grads)
    arrays = tuple(grads.values()) if flat is None else (flat,)
    for array in arrays:
        if not is_array(array) or not np.issubdtype(array.dtype, np.floating):
            name = next(name for name, value in grads.items() if value is array)
            raise ValueError(f"gradient of `{name}` is not a floating point array")
    return arrays


def _norm(arrays: tuple[Array, ...], kind: float) -> float:
    if arrays and cupy_of(arrays[0]) is not None:
        from rnnc.runtime.optim.device_norm import norm

        return norm(arrays, kind)
    if math.isinf(kind):
        return max((float(np.abs(a).max()) for a in arrays if a.size), default=0.0)
    if kind == 2.0:
        square = sum(float(np.vdot(a, a)) for a in arrays)
        # A float32 sum of squares leaves its range long before the norm does.
        if 1e-30 < square < 1e30:
            return math.sqrt(square)
    largest = max((float(np.abs(a).max()) for a in arrays if a.size), default=0.0)
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    total = sum(float(np.sum(np.power(np.abs(a, dtype=np.float64) / largest, kind))) for a in arrays)
    return float(largest * math.pow(total, 1.0 / kind))
