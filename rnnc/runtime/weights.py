"""Weights on disk: one `.npz`, written whole or not at all, read without ever running anything."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import secrets
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# No parameter's name can begin so.
_NOTE = "note:"
# The last bytes of a file, as the archive's comment: the digest of all bytes before it.
_MARK = b"rnnc sha256 "
_DIGEST = 64
# The length of what ends an archive, before its comment.
_END = 22
# zip stores a time for every member; a fixed one keeps equal weights equal bytes.
_WHEN = (1980, 1, 1, 0, 0, 0)


class WeightsError(ValueError):
    """A file of weights that cannot be written, read or used; the message names the file and the array."""


@dataclass(frozen=True)
class Weights:
    """Arrays by name, and notes (short texts, such as a vocabulary) kept beside them."""

    arrays: Mapping[str, Array]
    notes: Mapping[str, str]


def check_place(path: Path) -> None:
    """WeightsError where a file could not be written there; better known before training than after."""
    folder = _end_of_links(path).parent
    if not folder.is_dir():
        raise WeightsError(f"cannot write `{path}`: there is no folder `{folder}`")
    if not os.access(folder, os.W_OK):
        raise WeightsError(f"cannot write `{path}`: no permission to write in `{folder}`")


def _end_of_links(path: Path) -> Path:
    """The file that a link leads to, or the path itself. WeightsError where something stands there that a file must
    not take the place of: a folder, a device, a pipe."""
    end = Path(os.path.realpath(path)) if os.path.islink(path) else path
    try:
        # Not of the end: what a link leads to may have no name, as a pipe has none.
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return end
    except OSError as error:
        raise WeightsError(f"cannot write `{path}`: {error.strerror or error}") from None
    if not stat.S_ISREG(mode):
        raise WeightsError(f"cannot write `{path}`: it is {'a folder' if stat.S_ISDIR(mode) else 'no ordinary file'}")
    return end


def save_weights(path: Path, arrays: Mapping[str, Array], notes: Mapping[str, str] | None = None) -> None:
    """Write arrays and notes; a file already there stays whole until the new one is.

    A temporary file in the same folder is written, synced and renamed; a link is followed. WeightsError on any
    failure of the file system, where the path is a folder, a device or a pipe, and for an array that only pickle could
    store.
    """
    members = {**arrays, **{_NOTE + name: np.array(note) for name, note in (notes or {}).items()}}
    for name, array in members.items():
        if np.asarray(array).dtype.hasobject:
            raise WeightsError(f"array `{name}` holds Python objects and cannot be saved")
    end = _end_of_links(path)
    # A name may have 255 bytes, a letter four.
    temporary = end.with_name(f".{end.name[:50]}.{secrets.token_hex(4)}.tmp")
    try:
        with io.BufferedRandom(io.FileIO(temporary, "x+")) as file:
            _write(file, members)
            _seal(file)
            os.fsync(file.fileno())
        os.replace(temporary, end)
        _sync_folder(end.parent)
    except OSError as error:
        raise WeightsError(f"cannot write `{path}`: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write(file: Any, members: Mapping[str, Array]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = _MARK + b"0" * _DIGEST
        for name, array in members.items():
            entry = zipfile.ZipInfo(f"{name}.npy", _WHEN)
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def _seal(file: Any) -> None:
    file.flush()
    digest = _digest(file)
    file.seek(-_DIGEST, os.SEEK_END)
    file.write(digest)
    file.flush()


def _digest(file: Any) -> bytes:
    """Of all bytes but the last, where the digest itself stands."""
    left = file.seek(0, os.SEEK_END) - _DIGEST
    file.seek(0)
    total = hashlib.sha256()
    while left > 0:
        content = file.read(min(left, 1 << 20))
        if not content:
            break
        total.update(content)
        left -= len(content)
    return total.hexdigest().encode()


def _check_seal(file: Any, path: Path, *, needed: bool) -> None:
    """WeightsError where the digest at the end is not that of the file, or, where `needed`, is not there.

    An archive without a comment is somebody else's; one whose comment is none of ours was cut or changed.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _DIGEST - len(_MARK) - _END))
    end = file.read()
    if re.fullmatch(re.escape(_MARK) + rb"[0-9a-f]{64}", end[_END:]):
        if _digest(file) != end[-_DIGEST:]:
            raise WeightsError(f"`{path}` is damaged: its checksum is not that of its content")
    elif needed or _has_comment(end):
        raise WeightsError(f"`{path}` is damaged: its checksum is missing")
    file.seek(0)


def _has_comment(end: bytes) -> bool:
    place = end.rfind(b"PK\x05\x06")
    return place >= 0 and (len(end) - place > _END or end[place + 20 :] != b"\0\0")


def _sync_folder(folder: Path) -> None:
    # Elsewhere a folder cannot be opened; the rename is then as durable as the system makes it.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def load_weights(path: Path, *, sealed: bool = False) -> Weights:
    """Read a file that `save_weights` wrote; WeightsError where it is damaged or holds Python objects.

    Also an `.npz` that numpy wrote, unless only a `sealed` one will do, whose checksum covers every byte.
    """
    arrays: dict[str, Array] = {}
    notes: dict[str, str] = {}
    name = ""
    try:
        # Opened here: numpy leaves a file open that turns out to be damaged.
        with path.open("rb") as file:
            _check_seal(file, path, needed=sealed)
            if file.read(2) != b"PK":
                raise WeightsError(f"`{path}` is not a readable file of weights: it is no .npz file")
            file.seek(0)
            archive = np.load(file, allow_pickle=False)
            assert isinstance(archive, np.lib.npyio.NpzFile)
            for name in archive.files:
                if name.startswith(_NOTE):
                    notes[name.removeprefix(_NOTE)] = str(archive[name])
                else:
                    arrays[name] = archive[name]
    except OSError as error:
        raise WeightsError(f"cannot read `{path}`: {error.strerror or error}") from None
    except WeightsError:
        raise
    except (ValueError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        place = f", array `{name}`" if name else ""
        raise WeightsError(f"`{path}` is not a readable file of weights{place}: {error}") from None
    return Weights(arrays, notes)


def put_weights(p: Mapping[str, Array], weights: Weights, path: Path) -> None:
    """Copy loaded arrays into `p`, in place; WeightsError, before any change, where they do not fit."""
    check_shapes({name: value.shape for name, value in p.items()}, weights, path)
    for name, value in p.items():
        found = weights.arrays[name]
        if not np.can_cast(found.dtype, value.dtype, "same_kind"):
            raise WeightsError(f"`{path}`: `{name}` has dtype {found.dtype}, the network {value.dtype}")
    for name in weights.arrays:
        if name not in p:
            raise WeightsError(f"`{path}` has an array `{name}` that the network does not have")
    for name, value in p.items():
        np.copyto(value, weights.arrays[name], casting="same_kind")


def check_shapes(shapes: Mapping[str, tuple[int, ...]], weights: Weights, path: Path) -> None:
    """WeightsError where an array that a network has is missing, or has another shape."""
    for name, shape in shapes.items():
        if name not in weights.arrays:
            is_checkpoint = f"weights/{name}" in weights.arrays
            said = ": it is a checkpoint, from which `rnnc train --resume` goes on; weights stand in files of their own"
            raise WeightsError(f"`{path}` has no array `{name}`{said * is_checkpoint}")
        found = weights.arrays[name]
        if found.shape != shape:
            raise WeightsError(f"`{path}`: `{name}` has shape {found.shape}, the network {shape}")
