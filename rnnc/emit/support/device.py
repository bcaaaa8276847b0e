"""What a generated CuPy module has of its own: the GPU found at first use, parameters and data that lie there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnc.emit.support.calls import Call as CheckedCall
from rnnc.emit.support.facts import NAME
from rnnc.emit.support.parameters import Parameters as NamedArrays

# ---- copied from here


class Device:
    """CuPy, looked for when it is first needed: importing this module needs neither it nor a GPU.

    Raises ImportError where CuPy or NVIDIA's libraries are not installed, RuntimeError where there is no GPU to run on.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        packages = "'cupy-cuda12x[ctk]' for CUDA 12, 'cupy-cuda13x[ctk]' for CUDA 13"
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
        try:
            cupy.cuda.nvrtc.getVersion()
            # an attribute that CuPy loads when it is asked for
            _ = cupy.cuda.cublas
        except (ImportError, RuntimeError) as failure:
            said = " ".join(str(failure).split())
            raise ImportError(f"`{NAME}` needs CUDA's libraries beside CuPy: pip install {packages} ({said})") from None
        found = getattr(cupy, name)
        setattr(self, name, found)
        return found


cp = Device()


class Parameters(NamedArrays):
    """The same on the GPU; NumPy arrays are copied there."""

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, cp.ascontiguousarray(cp.asarray(value)))

    def _fill(self, place: Any, values: Any, what: str) -> None:
        super()._fill(place, cp.asarray(values), what)


class Call(CheckedCall):
    """The same on the GPU; data and lengths may lie on either side. Kernels find every array whole in memory."""

    def __init__(self, p: Mapping[str, Any], *arguments: Any, **options: Any) -> None:
        # float32 products keep float32's digits: no TF32, whatever CUPY_TF32 says
        cp._core.set_compute_type(np.float32, cp._core._routines_linalg.COMPUTE_TYPE_DEFAULT)
        super().__init__(p, *arguments, **options)
        if not isinstance(self.p, NamedArrays):
            self.p = {name: cp.ascontiguousarray(a) for name, a in self.p.items()}

    def _shaped(self, name: str, a: Any) -> Any:
        """Whole in memory, tokens of one type."""
        a = super()._shaped(name, a)
        return cp.ascontiguousarray(a, self.real if a.dtype.kind == "f" else np.int64)

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

    def there(self, a: Any) -> Any:
        """On the GPU, whole in memory."""
        return cp.ascontiguousarray(cp.asarray(a))

    def without(self, past: Any, a: Any) -> Any:
        """In one kernel: CuPy waits for the device to learn how many entries a mask has."""
        return cp.where(past.reshape(past.shape + (1,) * (a.ndim - past.ndim)), cp.zeros((), a.dtype), a)

    def mask(self, key: str, rate: float, shape: tuple[int, ...]) -> Any:
        """Drawn on the host, so that a seed means the same on both."""
        return cp.asarray(super().mask(key, rate, shape))


# ---- copied to here
