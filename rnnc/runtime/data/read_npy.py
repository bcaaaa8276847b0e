""".npy: one array mapped into memory, its named fields (a structured dtype) or itself under no name."""

from __future__ import annotations

import math
from pathlib import Path
from typing import IO, Any

import numpy as np

from rnnc.runtime.data.fields import DataError
from rnnc.runtime.data.mapped import Mapped

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npy(path: Path) -> Mapped:
    """The array, mapped; DataError for a damaged file, and for one that holds Python objects."""
    with path.open("rb") as file:
        return mapped_array(file, 0, path.stat().st_size, str(path))


def mapped_array(file: IO[bytes], begin: int, size: int, name: str) -> Mapped:
    """The `.npy` of `size` bytes that begins at an offset of a file; DataError as `read_npy`."""
    file.seek(begin)
    try:
        version = np.lib.format.read_magic(file)
        if version not in HEADERS:
            raise DataError(f"{name}: version {version[0]}.{version[1]} of the .npy format is not read")
        shape, fortran, dtype = HEADERS[version](file)
    except DataError:
        raise
    except (ValueError, EOFError, SyntaxError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise DataError(f"{name}: not a readable array: {_first_line(error)}") from None
    except (MemoryError, RecursionError):
        raise DataError(f"{name}: not a readable array: its header has no end") from None
    _check(dtype, shape, name)
    needed, there = math.prod(shape) * dtype.itemsize, begin + size - file.tell()
    if needed != there:
        raise DataError(f"{name}: an array of shape {shape} and {dtype} has {needed} bytes, the file {there}")
    return Mapped(file, shape, dtype, file.tell(), "F" if fortran else "C")


def _check(dtype: np.dtype[Any], shape: tuple[int, ...], name: str) -> None:
    if dtype.hasobject:
        raise DataError(f"{name}: holds Python objects, which are never loaded")
    if any(isinstance(n, bool) or n < 0 for n in shape):
        raise DataError(f"{name}: not a readable array: its shape is {shape}")


def parts(mapped: Mapped) -> dict[str, Mapped]:
    """The named fields of a structured array as arrays that share its file; none where it has no names."""
    return {name: mapped.part(mapped.array[name]) for name in mapped.array.dtype.names or ()}


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
