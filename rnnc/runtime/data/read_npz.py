""".npz: named arrays, mapped where they are stored as they are, unpacked into a temporary file where compressed."""

from __future__ import annotations

import shutil
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from rnnc.runtime.data.fields import DataError
from rnnc.runtime.data.mapped import BUFFER, Mapped
from rnnc.runtime.data.read_npy import mapped_array

_NOTHING = np.dtype(np.uint8)


def read_npz(path: Path, wanted: frozenset[str]) -> dict[str, Mapped]:
    """The arrays whose names are wanted, and of the others the names alone (as empty arrays).

    Every byte of a wanted array is read once against its checksum. DataError names the array of a damaged file, or
    one that holds Python objects.
    """
    arrays: dict[str, Mapped] = {}
    with path.open("rb") as file:
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, struct.error, OverflowError) as error:
            raise DataError(f"{path}: not a readable .npz file: {error}") from None
        with archive:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if name in arrays:
                    raise DataError(f"{path}: two arrays are called `{name}`")
                if name in wanted and info.filename.endswith(".npy"):
                    arrays[name] = _member(file, archive, info, f"{path}: `{name}`")
                else:
                    arrays[name] = Mapped(file, (0,), _NOTHING)
    return arrays


def _member(file: IO[bytes], archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Mapped:
    try:
        if info.compress_type != zipfile.ZIP_STORED:
            with tempfile.TemporaryFile() as plain:
                with archive.open(info) as packed:
                    shutil.copyfileobj(packed, plain, BUFFER)
                plain.flush()
                return mapped_array(plain, 0, info.file_size, name)
        with archive.open(info) as member:
            while member.read(BUFFER):
                pass
        return mapped_array(file, _begin(file, info), info.file_size, name)
    except DataError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        ValueError,
        RuntimeError,
        NotImplementedError,
        struct.error,
    ) as error:
        raise DataError(f"{name}: not readable: {error}") from None


def _begin(file: IO[bytes], info: zipfile.ZipInfo) -> int:
    """Where the content of a stored member begins: after its own header, 30 bytes and two texts."""
    file.seek(info.header_offset)
    header = file.read(30)
    name, extra = struct.unpack("<HH", header[26:30])
    return int(info.header_offset + 30 + name + extra)
