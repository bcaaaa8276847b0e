"""A NumPy module and the CuPy module of the same network on the stand-in: every call is made of both, and compared."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from types import ModuleType
from typing import Any

import fake_gpu
import numpy as np
from oracle.properties import Subject, close

import rnnc

CALLS = ("forward", "bptt", "rtrl", "start", "step", "rtrl_start", "rtrl_step", "generate")
TOLERANCE = {np.dtype("float64"): 1e-12, np.dtype("float32"): 2e-4}


class Mirrored:
    """Looks like the NumPy module; `calls` counts the calls that were compared."""

    def __init__(self, module: ModuleType, device: ModuleType, gpu: Any) -> None:
        self.module, self.device, self.gpu = module, device, gpu
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        own = getattr(self.module, name)
        return self._both(name, own) if name in CALLS else own

    def _both(self, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
        def call(p: Mapping[str, Any], *given: Any, **data: Any) -> Any:
            expected = own(p, *given, **data)
            real = next(np.asarray(a).dtype for a in p.values() if np.asarray(a).dtype.kind == "f")
            found = getattr(self.device, name)(dict(p), *given, **data)
            self.same(found, expected, TOLERANCE[real], name)
            self.calls += 1
            return expected

        call.__signature__ = __import__("inspect").signature(own)  # type: ignore[attr-defined]
        return call

    def same(self, found: Any, expected: Any, tolerance: float, what: str) -> None:
        """Equal trees of arrays; what was found lies on the GPU in the dtype that was expected."""
        if isinstance(expected, tuple):
            assert len(found) == len(expected)
            for k, (a, b) in enumerate(zip(found, expected, strict=True)):
                self.same(a, b, tolerance, f"{what}, result {k}")
            return
        if isinstance(expected, Mapping):
            assert set(found) == set(expected), f"{what}: {sorted(found)}, not {sorted(expected)}"
            for key in expected:
                self.same(found[key], expected[key], tolerance, f"{what}, {key}")
            if hasattr(expected, "state"):
                self.same(found.state, expected.state, tolerance, f"{what}, state")
            return
        host = found.host if isinstance(found, fake_gpu.Array) else np.asarray(found)
        assert host.dtype == np.asarray(expected).dtype, f"{what} is {host.dtype}"
        close(host, expected, tolerance, what)


class OnBoth(Subject):
    """A subject whose module is both; `sys.modules` has the stand-in as `cupy`."""

    @cached_property
    def module(self) -> Any:
        numpys = super().module
        return Mirrored(numpys, rnnc.compile_text(self.text, target="cupy"), sys.modules["cupy"])
