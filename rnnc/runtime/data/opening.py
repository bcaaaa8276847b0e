"""A file of data, whatever its format: read, as sequences with the names of the spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnc.runtime.data.columns import Column, EndToEnd, Later
from rnnc.runtime.data.fields import Axes, DataError, Field, axes_of, fields_of
from rnnc.runtime.data.layout import lay_out
from rnnc.runtime.data.mapped import Held, Mapped
from rnnc.runtime.data.plain import plain_array
from rnnc.runtime.data.read_csv import read_csv
from rnnc.runtime.data.read_jsonl import read_jsonl
from rnnc.runtime.data.read_npy import parts, read_npy
from rnnc.runtime.data.read_npz import read_npz
from rnnc.runtime.data.read_wav import read_wav
from rnnc.runtime.data.read_words import CHARACTERS, read_words
from rnnc.runtime.data.sequences import Sequences, all_of, numbered

SUFFIXES = (".npz", ".npy", ".csv", ".jsonl", ".wav", ".txt")


def open_data(
    source: str | Path | Mapping[str, Any],
    module: Any,
    *,
    targets: bool = True,
    unit: str = CHARACTERS,
    vocabulary: tuple[str, ...] = (),
) -> Sequences:
    """The inputs (and `targets`) of a module from a file, a folder of .npy files, or a dict of arrays.

    The suffix says the format, one of SUFFIXES. A .wav, a text and an array without names are the network's only
    input; its only target is then what comes a step later. Raises DataError with file, row and name.
    """
    fields = fields_of(module, targets=targets)
    axes = axes_of(module, fields)
    if isinstance(source, Mapping):
        arrays = {name: plain_array(f"data: `{name}`", values) for name, values in source.items()}
        held: dict[str, Mapped] = {name: Held(array) for name, array in arrays.items()}
        return lay_out(held, fields, axes, "data")
    if not isinstance(source, str | Path):
        raise DataError(f"data are a file, a folder of .npy files or a dict of arrays; found {type(source).__name__}")
    path = Path(source)
    try:
        return _read(path, module, fields, axes, unit, vocabulary)
    except OSError as error:
        raise DataError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None


def _read(
    path: Path, module: Any, fields: tuple[Field, ...], axes: Axes, unit: str, vocabulary: tuple[str, ...]
) -> Sequences:
    wanted = (*(f.name for f in fields), "lengths", *(f"lengths.{axis}" for axis in axes.names))
    if path.is_dir():
        files = {name: path / f"{name}.npy" for name in wanted}
        return lay_out({name: read_npy(file) for name, file in files.items() if file.exists()}, fields, axes, str(path))
    match path.suffix.lower():
        case ".npz":
            return lay_out(read_npz(path, frozenset(wanted)), fields, axes, str(path))
        case ".npy":
            whole = read_npy(path)
            named = parts(whole)
            return lay_out(named, fields, axes, str(path)) if named else _unnamed(whole, fields, axes, str(path))
        case ".csv":
            return read_csv(path, fields, axes)
        case ".jsonl":
            return read_jsonl(path, fields, axes)
        case ".wav":
            sound = read_wav(path)
            channels = sound.array.shape[1]
            for field in fields:
                if field.scalar and not field.target and channels != 1:
                    raise DataError(f"{path}: has {channels} channels, {field} takes 1 unit")
            return _unnamed(sound, fields, axes, str(path))
        case ".txt":
            most = _vocabulary_size(module, fields, str(path))
            tokens, vocabulary, strange = read_words(path, unit, vocabulary, most)
            return replace(_unnamed(tokens, fields, axes, str(path)), vocabulary=vocabulary, strange=strange)
    raise DataError(f"{path}: unknown format; the suffix must be one of {', '.join(SUFFIXES)}")


def _unnamed(mapped: Mapped, fields: tuple[Field, ...], axes: Axes, name: str) -> Sequences:
    """A series without a name: the only input, and one step later the only target."""
    inputs, targets = [f for f in fields if not f.target], [f for f in fields if f.target]
    if len(inputs) != 1 or len(targets) > 1 or len(inputs[0].axes) != 1 or axes.several:
        names = ", ".join(f"`{f.name}`" for f in fields)
        raise DataError(f"{name}: the file has no names, and the network reads {names}; use .npz, .csv or .jsonl")
    [field] = inputs
    if field.scalar and mapped.array.shape[1:] == (1,):
        # (steps, 1) would also be one sequence of a batch; either way it is one series.
        mapped = mapped.part(mapped.array[:, 0])
    whole = lay_out({field.name: mapped}, (field,), axes, name)
    column = whole.columns[field.name]
    if not targets:
        return whole
    [target] = targets
    if (target.axes, target.units, target.token) != (field.axes, field.units, field.token):
        raise DataError(
            f"{name}: the file has no names, and {target} is not of the form of {field}: no next step of it"
        )
    if not isinstance(column, EndToEnd):
        raise DataError(f"{name}: the file has no names and several sequences; {target} needs a name: use .npz")
    [(axis, length)] = whole.lengths.items()
    if length[0] < 2:
        raise DataError(f"{name}: one step has no next")
    columns: dict[str, Column] = {field.name: column, target.name: Later(column)}
    picks = all_of(1, name)
    return Sequences(name, fields, columns, picks, {axis: length - 1}, np.zeros_like(picks), numbered)


def _vocabulary_size(module: Any, fields: tuple[Field, ...], name: str) -> int:
    sizes = {field.name: module.data_shapes(**module.SIZES)[field.name][1] for field in fields}
    found = [size for size in sizes.values() if size]
    if not found:
        raise DataError(f"{name}: a text is tokens, and the network reads none")
    return int(min(found))
