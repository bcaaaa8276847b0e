"""What of CuPy modules and the runtime may call: names and parameters as CuPy 13.6 and 14.2 both have them.

Taken from the installed packages (`inspect.signature`, first line of a docstring where a function is compiled); where
the two differ, what both allow. `test_cupy_names` compares this table with the CuPy that is installed, if one is.
"""

from __future__ import annotations

from functools import cache
from inspect import Signature, signature
from typing import Any

ONE, TWO = (f"{operands}, /, out=None, *, casting='same_kind', dtype=None" for operands in ("x", "x1, x2"))
REDUCED = "axis=None, out=None, keepdims=False"

FUNCTIONS = {
    **dict.fromkeys(("abs", "exp", "isfinite", "isnan", "log"), ONE),
    **dict.fromkeys(("divide", "maximum", "minimum", "multiply", "subtract"), TWO),
    **dict.fromkeys(("any", "max", "min"), f"a, {REDUCED}"),
    "arange": "start, stop=None, step=1, dtype=None",
    "argsort": "a, axis=-1, kind=None",
    "argwhere": "a",
    "array": "obj, dtype=None, copy=True, order='K', subok=False, ndmin=0, *, blocking=False",
    "asarray": "a, dtype=None, order=None, *, blocking=False",
    "ascontiguousarray": "a, dtype=None",
    "asnumpy": "a, stream=None, order='C', out=None, *, blocking=True",
    "broadcast_shapes": "*args",
    "broadcast_to": "array, shape",
    "clip": "a, a_min, a_max, out=None",
    "concatenate": "tup, axis=0, out=None, *, dtype=None, casting='same_kind'",
    "copyto": "dst, src, casting='same_kind', where=None",
    "einsum": "*operands, dtype=None, optimize=False",
    "empty": "shape, dtype=float, order='C'",
    "empty_like": "prototype, dtype=None, order='K', subok=None, shape=None",
    "expand_dims": "a, axis",
    "full": "shape, fill_value, dtype=None, order='C'",
    "lib.stride_tricks.as_strided": "x, shape=None, strides=None",
    "lib.stride_tricks.sliding_window_view": "x, window_shape, axis=None, *, subok=False, writeable=False",
    "matmul": "x1, x2, /, *, out=None",
    "may_share_memory": "a, b, max_work=None",
    "moveaxis": "a, source, destination",
    "ones": "shape, dtype=float, order='C'",
    "pad": "array, pad_width, mode='constant', **kwargs",
    "searchsorted": "a, v, side='left', sorter=None",
    "stack": "tup, axis=0, out=None, *, dtype=None, casting='same_kind'",
    "sum": "a, axis=None, dtype=None, out=None, keepdims=False",
    "take": "a, indices, axis=None, out=None",
    "take_along_axis": "a, indices, axis",
    "where": "condition, x=None, y=None",
    "zeros": "shape, dtype=float, order='C'",
    "RawModule": (
        "code=None, *, path=None, options=(), backend='nvrtc', translate_cucomplex=False, "
        "enable_cooperative_groups=False, name_expressions=None, jitify=False"
    ),
    "ElementwiseKernel": (
        "in_params, out_params, operation, name='kernel', reduce_dims=True, preamble='', no_return=False, "
        "return_tuple=False, **kwargs"
    ),
    "_core.set_compute_type": "dtype, compute_type",
    "cuda.driver.occupancyMaxActiveBlocksPerMultiprocessor": "func, blockSize, dynamicSMemSize",
    "cuda.runtime.deviceGetAttribute": "attrib, device",
    "cuda.runtime.getDevice": "",
    "cuda.runtime.getDeviceCount": "",
}

METHODS = {
    **dict.fromkeys(("all", "any", "max", "min"), REDUCED),
    "argmax": "axis=None, out=None, dtype=None, keepdims=False",
    "astype": "dtype, order='K', casting=None, subok=None, copy=True",
    "copy": "order='C'",
    "dot": "b, out=None",
    "mean": "axis=None, dtype=None, out=None, keepdims=False",
    "ravel": "order='C'",
    "reshape": "*shape, order='C'",
    "squeeze": "axis=None",
    "sum": "axis=None, dtype=None, out=None, keepdims=False",
    "transpose": "*axes",
}
"""Of an array."""

NAMES = (
    *("inf", "nan", "ndarray", "_core._routines_linalg.COMPUTE_TYPE_DEFAULT"),
    *("cuda.runtime.cudaDevAttrCooperativeLaunch", "cuda.runtime.cudaDevAttrMultiProcessorCount"),
    "cuda.runtime.cudaDevAttrMaxSharedMemoryPerBlockOptin",
)
"""What is not called."""


@cache
def declared(parameters: str) -> Signature:
    """The signature of a function with these parameters."""
    made: dict[str, Any] = {}
    exec(f"def function({parameters}): ...", made)
    return signature(made["function"])


def bind(name: str, arguments: tuple[Any, ...], options: dict[str, Any], method: bool = False) -> None:
    """Raises AttributeError where CuPy has no such function or method here, TypeError where it takes no such call."""
    table = METHODS if method else FUNCTIONS
    if name not in table:
        raise AttributeError(f"cupy{'.ndarray' * method} has no `{name}` that modules may call")
    try:
        declared(table[name]).bind(*arguments, **options)
    except TypeError as wrong:
        raise TypeError(f"cupy{'.ndarray' * method}.{name}({table[name]}): {wrong}") from None
