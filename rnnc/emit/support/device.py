"""What a generated CuPy module has of its own: the GPU found at first use, kernels, arrays that lie there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnc.emit.support.calls import Call as CheckedCall
from rnnc.emit.support.facts import NAME
from rnnc.emit.support.parameters import Parameters as NamedArrays

FUNCTIONS = ""

# ---- copied from here


class Device:
    """CuPy, looked for when it is first needed: importing this module needs neither it nor a GPU.

    Raises ImportError where CuPy is not installed and RuntimeError where there is no GPU to run on.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        packages = "cupy-cuda12x for CUDA 12, cupy-cuda13x for CUDA 13"
        try:
            import cupy
        except ImportError as failure:
            raise ImportError(
                f"`{NAME}` runs on an NVIDIA GPU through CuPy: pip install {packages} ({failure})"
            ) from None
        try:
            count = cupy.cuda.runtime.getDeviceCount()
        except RuntimeError as failure:
            raise RuntimeError(
                f"`{NAME}` needs an NVIDIA GPU and its driver; CuPy ({packages}) says {failure}"
            ) from None
        if not count:
            raise RuntimeError(f"`{NAME}` needs an NVIDIA GPU; CuPy ({packages}) finds none")
        found = getattr(cupy, name)
        setattr(self, name, found)
        return found


cp = Device()


class Kernel:
    """A CUDA kernel over all elements, built at its first call, once for each dtype T.

    Parameters are declared as `T name`; an array with fewer dimensions than the outputs is broadcast.
    """

    def __init__(self, name: str, inputs: str, outputs: str, body: str) -> None:
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.body = body
        self.built: Any = None

    def __call__(self, *arrays: Any) -> None:
        """The inputs, then the arrays that the outputs are written to."""
        if self.built is None:
            self.built = cp.ElementwiseKernel(
                self.inputs, self.outputs, self.body, self.name, preamble=FUNCTIONS, no_return=True
            )
        self.built(*arrays)


class Parameters(NamedArrays):
    """The same on the GPU; NumPy arrays are copied there."""

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, cp.asarray(value))


class Call(CheckedCall):
    """The same on the GPU; data and lengths may lie on either side."""

    def _asked(self, lengths: Any) -> dict[str, Any]:
        """Checked on the host."""
        if isinstance(lengths, Mapping):
            lengths = {axis: self._on_host(own) for axis, own in lengths.items()}
        return super()._asked(self._on_host(lengths))

    def _on_host(self, lengths: Any) -> Any:
        return cp.asnumpy(lengths) if isinstance(lengths, cp.ndarray) else lengths

    def _lengths(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Checked on the host; then both sides need them."""
        return {axis: cp.asarray(own) for axis, own in super()._lengths(asked).items()}

    def mask(self, key: str, rate: float, shape: tuple[int, ...]) -> Any:
        """Drawn on the host, so that a seed means the same on both."""
        return cp.asarray(super().mask(key, rate, shape))


def on_host(a: Any) -> Any:
    """An array where numbers are drawn."""
    return cp.asnumpy(a)


def rows_of(table: Any, token: Any) -> Any:
    """Rows of a table by token; zeros for a missing one (-1)."""
    rows = table[cp.maximum(token, 0)]
    missing = (token < 0).reshape(token.shape + (1,) * (rows.ndim - token.ndim))
    return cp.where(missing, cp.zeros((), rows.dtype), rows)


segment_sum = Kernel(
    "segment_sum",
    "raw T rows, raw I first, int64 width",
    "T total",
    """
    const long long row = i / width, column = i % width;
    T sum = T(0);
    for (long long k = first[row]; k < first[row + 1]; ++k) sum += rows[k * width + column];
    total = sum;
    """,
)


def add_rows(value: Any, token: Any, count: int, out: Any) -> None:
    """The transpose of `rows_of`, each sum in the order of the positions: the same bits every time."""
    flat, width = token.reshape(-1), out[0].size
    order = cp.argsort(flat)
    first = cp.searchsorted(flat[order], cp.arange(count + 1))
    rows = cp.ascontiguousarray(value.reshape(flat.size, width)[order])
    segment_sum(rows, first, width, out)


def untake(a: Any, table: Any, count: int) -> Any:
    """The transpose of `take`."""
    lead = a.shape[: a.ndim - 2]
    columns = a.reshape(-1, table.size)
    out = cp.empty((count, len(columns)), a.dtype)
    add_rows(columns.T, table, count, out)
    return out.T.reshape(*lead, count)


# ---- copied to here
