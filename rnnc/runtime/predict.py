"""Outputs of a network for every sequence of the data, in the data's order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.sequences import Sequences

Array = NDArray[Any]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Predictions:
    """Outputs of each sequence alone, (positions..., *units); `axes` are those of every output."""

    outputs: tuple[Mapping[str, Array], ...]
    axes: Mapping[str, tuple[str, ...]]
    lengths: Mapping[str, Ints]

    def arrays(self) -> dict[str, Array]:
        """All sequences side by side, (axes..., sequences, *units), zero past an end; and `lengths` (or
        `lengths.AXIS`, where there are several) where they differ."""
        found: dict[str, Array] = {}
        for name, axes in self.axes.items():
            values = [out[name] for out in self.outputs]
            units = values[0].shape[len(axes) :]
            longest = [int(self.lengths[axis].max()) for axis in axes]
            whole = np.zeros((*longest, len(values), *units), values[0].dtype)
            for b, value in enumerate(values):
                place: tuple[Any, ...] = (*(slice(0, n) for n in value.shape[: len(axes)]), b)
                whole[place] = value
            found[name] = whole
        for axis, own in self.lengths.items():
            if (own != own[0]).any():
                found["lengths" if len(self.lengths) == 1 else f"lengths.{axis}"] = own
        return found

    def lines(self) -> Iterator[str]:
        """A JSON object a sequence."""
        for out in self.outputs:
            yield json.dumps({name: value.tolist() for name, value in out.items()}) + "\n"


def predict(module: Any, p: Mapping[str, Array], data: Sequences, *, batch: int = 32) -> Predictions:
    """The outputs for the inputs of all sequences; targets are not read."""
    data = data.of_fields(targets=False)
    axes = output_axes(module, p, data)
    outputs: list[Mapping[str, Array]] = []
    for begin in range(0, len(data), batch):
        chosen = np.arange(begin, min(begin + batch, len(data)))
        piece = data.batch(chosen)
        out = module.forward(p, **piece.arguments(tuple(module.AXES)))
        for b in range(len(chosen)):
            own = {}
            for name, of in axes.items():
                place: tuple[Any, ...] = (*(slice(0, int(piece.lengths[axis][b])) for axis in of), b)
                own[name] = np.array(np.asarray(out[returned_as(name)])[place])
            outputs.append(own)
    return Predictions(tuple(outputs), axes, data.lengths)


def output_axes(module: Any, p: Mapping[str, Array], data: Sequences) -> dict[str, tuple[str, ...]]:
    """The axes of every output."""
    return {name: axes for name, (axes, _) in output_units(module, p, data).items()}


def output_units(
    module: Any, p: Mapping[str, Array], data: Sequences
) -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
    """The axes of every output and its unit dimensions, read off what a position more on an axis does to its shape."""
    data = data.of_fields(targets=False)
    axes = tuple(data.lengths)

    def shapes(longer: str | None) -> dict[str, tuple[int, ...]]:
        lengths = {axis: 1 + (axis == longer) for axis in axes}
        given: dict[str, Any] = {}
        for field in data.fields:
            column = data.columns[field.name]
            shape = (*(lengths[axis] for axis in field.axes), 1, *column.units)
            given[field.keyword] = np.zeros(shape, column.dtype)
        own = {axis: np.array([n]) for axis, n in lengths.items()}
        several = len(module.AXES) > 1
        out = module.forward(p, **given, **({"lengths": own if several else own[axes[0]]} if axes else {}))
        return {name: np.shape(out[returned_as(name)]) for name in module.OUTPUTS}

    alone = shapes(None)
    grown = {axis: shapes(axis) for axis in axes}
    own = {name: tuple(axis for axis in axes if grown[axis][name] != alone[name]) for name in module.OUTPUTS}
    return {name: (own[name], alone[name][len(own[name]) + 1 :]) for name in module.OUTPUTS}


def returned_as(name: str) -> str:
    """The key of an output or unit: one called `state` comes back under another, the protocol has taken its own."""
    return f"{name}_" if name == "state" else name
