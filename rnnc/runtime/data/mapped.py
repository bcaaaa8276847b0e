"""An array that lies in a file: read through the system's page cache, in bounded memory."""

from __future__ import annotations

import copy
import math
import mmap
import tempfile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

RELEASE = 64 << 20
BUFFER = 4 << 20


class Mapped:
    """`array` is the file's, read-only; who has read from it tells `touched`, and pages are given back.

    A mapping counts to the memory of a process page by page as it is read; without the giving back, a pass over a
    file would hold all of it.
    """

    def __init__(
        self, file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any], offset: int = 0, order: str = "C"
    ) -> None:
        self._map: mmap.mmap | None = None
        self._read = 0
        count = math.prod(shape)
        if not count:
            self.array: Array = np.zeros(shape, dtype)
            return
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        flat = np.frombuffer(self._map, dtype, count, offset)
        self.array = flat.reshape(shape, order="F" if order == "F" else "C")

    def part(self, array: Array) -> Mapped:
        """A view of the array, which shares its file."""
        view = copy.copy(self)
        view.array = array
        return view

    def touched(self, count: int) -> None:
        """So many bytes more were read."""
        self._read += count
        if self._read > RELEASE and self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._read = 0
            self._map.madvise(mmap.MADV_DONTNEED)


class Held(Mapped):
    """The same for an array in memory."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def touched(self, count: int) -> None:
        return


class Spool:
    """Rows that come one after the other, kept in a temporary file without a name."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        # It has no name, and is gone as soon as nothing maps it.
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._waiting: list[bytes] = []
        self._size = 0
        self.rows = 0

    def add(self, rows: Array, count: int) -> None:
        """`count` rows more, of any shape."""
        content = np.ascontiguousarray(rows, self.dtype).tobytes()
        self._waiting.append(content)
        self._size += len(content)
        self.rows += count
        if self._size > BUFFER:
            self._flush()

    def finish(self, units: tuple[int, ...] = ()) -> Mapped:
        """All rows as one array, (rows, *units)."""
        self._flush()
        self._file.flush()
        mapped = Mapped(self._file, (self.rows, *units), self.dtype)
        self._file.close()
        return mapped

    def __del__(self) -> None:
        # A file that turns out to be wrong half-way leaves its spools unfinished.
        self._file.close()

    def _flush(self) -> None:
        self._file.write(b"".join(self._waiting))
        self._waiting, self._size = [], 0
