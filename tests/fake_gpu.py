"""A GPU made of NumPy and g++, as strict as CuPy: the two sides never mix, only what CuPy has can be called.

Only what generated modules use. `gpu.done` is what the device was asked to do, in order: `kernel NAME`, `product NAME`,
`other NAME` (CuPy's own kernels), `up` (an array comes), and `wait NAME` where the host waits for the device.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import fake_blocks
import fake_kernels
import numpy as np
from cupy_signatures import bind
from fake_elementwise import ElementwiseKernel as ElementwiseKernel
from numpy.lib.mixins import NDArrayOperatorsMixin

DEVICE = {"CooperativeLaunch": 0, "MultiProcessorCount": 6, "MaxSharedMemoryPerBlockOptin": 48 * 1024}
RESIDENT = {"blocks": 1}
"""How many blocks a multiprocessor runs at the same time."""
HOST_TYPES = (bool, int, float, np.generic, np.dtype, type, str, slice, type(None), type(Ellipsis))
PRODUCTS = ("dot", "matmul", "einsum", "tensordot")
WAITING = ("argwhere", "nonzero", "flatnonzero", "unique", "item", "tolist", "tobytes")
"""Functions whose result's shape, or result, the host has to have."""
EMPTY = ("empty", "empty_like")
ATTRIBUTES = ("T", "dtype", "flags", "itemsize", "nbytes", "ndim", "shape", "size", "strides")

DONE: list[str] = []
ElementwiseKernel.told = DONE.append


class Array(NDArrayOperatorsMixin):
    """An array in the GPU's memory: `host` is for this file and `fake_kernels` alone."""

    def __init__(self, host: Any) -> None:
        self.host = np.asarray(host)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    @property
    def data(self) -> Any:
        return types.SimpleNamespace(ptr=self.host.ctypes.data)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if "out" in options:
            options["out"] = tuple(here(a) for a in options["out"])
        name = ufunc.__name__ if ufunc is not np.matmul else "matmul"
        DONE.append(f"{'product' if name in PRODUCTS else 'other'} {name}")
        return there(getattr(ufunc, method)(*(here(a) for a in inputs), **options))

    def __getattr__(self, name: str) -> Any:
        if name in ATTRIBUTES:
            return there(getattr(self.host, name))
        return partial(called, name, getattr(self.host, name), (self.host,))

    def __getitem__(self, index: Any) -> Array:
        if any(isinstance(i, Array) and i.host.dtype == bool for i in whole(index)):
            DONE.append("wait mask")
        found = self.host[here(index)]
        # CuPy's entries are arrays without dimensions, which can be written to
        if not isinstance(found, np.ndarray):
            found = self.host[(*here(whole(index)), ...)]
        if not np.may_share_memory(found, self.host):
            DONE.append("other take")
        return Array(found)

    def __setitem__(self, index: Any, value: Any) -> None:
        # CuPy counts on the host how many entries a mask has, whatever is put there
        if any(isinstance(i, Array) and i.host.dtype == bool for i in whole(index)):
            DONE.append("wait mask")
        DONE.append("other fill")
        self.host[here(index)] = here(value)

    def __len__(self) -> int:
        return len(self.host)

    def __bool__(self) -> bool:
        DONE.append("wait bool")
        return bool(self.host)

    def __int__(self) -> int:
        DONE.append("wait int")
        return int(self.host)

    def __float__(self) -> float:
        DONE.append("wait float")
        return float(self.host)

    def __str__(self) -> str:
        DONE.append("wait str")
        return str(self.host)


def whole(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def here(a: Any) -> Any:
    """An argument with its GPU arrays opened; a NumPy array among them is a mistake."""
    if isinstance(a, Array):
        return a.host
    if isinstance(a, tuple | list):
        return type(a)(here(x) for x in a)
    if isinstance(a, HOST_TYPES) or callable(a):
        return a
    raise TypeError(f"Unsupported type {type(a)}")


def there(a: Any) -> Any:
    if isinstance(a, tuple | list) and any(isinstance(x, np.ndarray) for x in a):
        return type(a)(there(x) for x in a)
    return Array(a) if isinstance(a, np.ndarray | np.floating | np.integer | np.bool_) else a


def called(name: str, function: Any, own: tuple[Any, ...], /, *arguments: Any, **options: Any) -> Any:
    """A function of NumPy on GPU arrays, where CuPy takes the call; `own`: what a method belongs to."""
    bind(name, arguments, options, method=bool(own))
    name = name.rpartition(".")[2]
    given = [here(a) for a in arguments]
    found = function(*given, **{k: here(v) for k, v in options.items()})
    given += list(own)
    if name in WAITING:
        DONE.append(f"wait {name}")
    if name in PRODUCTS:
        DONE.append(f"product {name}")
    elif name not in EMPTY and isinstance(found, np.ndarray | np.generic):
        view = any(isinstance(a, np.ndarray) and np.may_share_memory(a, found) for a in given)
        if not view or options.get("out") is not None:
            DONE.append(f"other {name}")
    return there(found)


class Namespace(types.ModuleType):
    """NumPy's functions on GPU arrays."""

    def __init__(self, name: str, source: Any) -> None:
        super().__init__(name)
        self.source = source

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.source, name)
        if isinstance(found, types.ModuleType):
            found = Namespace(f"{self.__name__}.{name}", found)
        elif callable(found) and not isinstance(found, type):
            found = partial(called, f"{self.__name__}.{name}".partition(".")[2], found, ())
        setattr(self, name, found)
        return found


def array(a: Any, dtype: Any = None, order: Any = "K") -> Array:
    """A copy on the GPU, whatever side `a` is on."""
    DONE.append("other copy" if isinstance(a, Array) else "up")
    return Array(np.array(a.host if isinstance(a, Array) else a, dtype, order=order))


def asarray(a: Any, dtype: Any = None, order: Any = None) -> Array:
    if not isinstance(a, Array):
        return array(a, dtype)
    found = np.asarray(a.host, dtype, order=order)
    if found is a.host:
        return a
    DONE.append("other copy" if found.dtype == a.host.dtype else "other cast")
    return Array(found)


def ascontiguousarray(a: Any, dtype: Any = None) -> Array:
    made = asarray(a, dtype)
    if made.host.flags.c_contiguous:
        return made
    DONE.append("other copy")
    return Array(np.ascontiguousarray(made.host))


def asnumpy(a: Any) -> Any:
    if not isinstance(a, Array):
        return np.asarray(a)
    DONE.append("wait asnumpy")
    return a.host.copy()


@contextmanager
def watched() -> Iterator[list[str]]:
    """What is done inside."""
    first = len(DONE)
    done: list[str] = []
    yield done
    done += DONE[first:]


class RawModule:
    """CuPy's, by whether the threads of its kernels work together."""

    def __init__(self, code: str, **options: Any) -> None:
        together = "__sync" in code or "__shared__" in code
        self.made: Any = fake_blocks.RawModule(code, **options) if together else fake_kernels.RawModule(code, **options)

    def get_function(self, name: str) -> RawKernel:
        return RawKernel(self.made.get_function(name), name.split("<")[0])


class RawKernel:
    """A kernel that tells of its launches."""

    made: Any
    name: str

    def __init__(self, made: Any, name: str) -> None:
        self.__dict__.update(made=made, name=name)

    def __call__(self, *arguments: Any, **options: Any) -> None:
        DONE.append(f"kernel {self.name}")
        self.made(*arguments, **options)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.made, name, value)

    @property
    def kernel(self) -> Any:
        """The function of a kernel, which starts blocks that run at the same time where it is asked to."""
        return self

    @property
    def ptr(self) -> int:
        return int(self.made.ptr)


def active_blocks(function: int, threads: int, shared: int) -> int:
    return RESIDENT["blocks"]


def resident_blocks(threads: int, shared: int) -> int:
    """What CuPy allows a launch of blocks that run at the same time."""
    return RESIDENT["blocks"] * DEVICE["MultiProcessorCount"]


fake_blocks.RawKernel.resident = staticmethod(resident_blocks)


def gpu() -> Any:
    """A module to stand as `cupy` in `sys.modules`."""
    cupy: Any = Namespace("cupy", np)
    cupy.ndarray = Array
    cupy.RawModule, cupy.ElementwiseKernel = RawModule, ElementwiseKernel
    cupy.array, cupy.asarray, cupy.asnumpy, cupy.ascontiguousarray = array, asarray, asnumpy, ascontiguousarray
    cupy.cuda = types.SimpleNamespace(
        cublas=types.SimpleNamespace(),
        driver=types.SimpleNamespace(occupancyMaxActiveBlocksPerMultiprocessor=active_blocks),
        nvrtc=types.SimpleNamespace(getVersion=lambda: (12, 9)),
        runtime=types.SimpleNamespace(
            getDeviceCount=lambda: 1,
            getDevice=lambda: 0,
            deviceGetAttribute=lambda key, device: DEVICE[key],
            **{f"cudaDevAttr{key}": key for key in DEVICE},
        ),
    )
    linalg = types.SimpleNamespace(COMPUTE_TYPE_DEFAULT=1)
    cupy._core = types.SimpleNamespace(set_compute_type=lambda dtype, kind: None, _routines_linalg=linalg)
    return cupy
