"""What a network reads: its inputs and targets, as a module of the protocol lists them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# The protocol's own arguments: an input called so is passed with an underscore after its name.
KEYWORDS = ("p", "lengths", "observe", "state", "wrt", "reduce", "seed", "batch")


class DataError(ValueError):
    """Data that cannot be read or does not fit the network; the message says file, row and name."""


@dataclass(frozen=True)
class Field:
    """An input or a target: `units` are its unit dimensions as the spec writes them, `()` for a token."""

    name: str
    role: str
    axes: tuple[str, ...]
    units: tuple[str, ...]
    token: bool

    @property
    def keyword(self) -> str:
        """The argument of the module's functions."""
        return f"{self.name}_" if self.name in KEYWORDS else self.name

    @property
    def scalar(self) -> bool:
        """Declared `: 1`: its array may leave the unit dimension out."""
        return self.units == ("1",)

    @property
    def target(self) -> bool:
        """A target may be missing: NaN, or -1 for a token."""
        return self.role == "target"

    def __str__(self) -> str:
        return f"{self.role} `{self.name}`"


def fields_of(module: Any, *, targets: bool = True) -> tuple[Field, ...]:
    """The inputs of a module and, with `targets`, its targets, in the spec's order.

    DataError for a module that does not list them, and for what is none.
    """
    if isinstance(module, str | os.PathLike):
        raise DataError(f"`{os.fspath(module)}` is no module: rnnc.compile_file makes one of a spec")
    if not hasattr(module, "INPUTS") or not hasattr(module, "TARGETS"):
        raise DataError("the module has no `INPUTS` and `TARGETS`; compile the spec with this version of rnnc")
    roles = (("input", module.INPUTS),) + ((("target", module.TARGETS),) if targets else ())
    return tuple(
        Field(name, role, tuple(record["axes"]), tuple(record["shape"]), record["token"] is not None)
        for role, records in roles
        for name, record in records.items()
    )


@dataclass(frozen=True)
class Axes:
    """The axes whose lengths data have to say. `labels` are those on which a sequence may be empty; `several`:
    whether the network has more than one, so that lengths go by name."""

    names: tuple[str, ...]
    labels: tuple[str, ...]
    several: bool

    def least(self, axis: str) -> int:
        """The length that a sequence has at least."""
        return 0 if axis in self.labels else 1


def axes_of(module: Any, fields: Iterable[Field]) -> Axes:
    """The axes of a network, less those of labels where no field has them."""
    labels = tuple(getattr(module, "LABEL_AXES", ()))
    own = dict.fromkeys(axis for field in fields for axis in field.axes)
    every = tuple(getattr(module, "AXES", own))
    names = tuple(axis for axis in every if axis in own or axis not in labels)
    return Axes(names, labels, len(every) > 1)
