"""What a network reads: its inputs and targets, as a module of the protocol lists them."""

from __future__ import annotations

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

    DataError for a module that does not list them.
    """
    if not hasattr(module, "INPUTS") or not hasattr(module, "TARGETS"):
        raise DataError("the module has no `INPUTS` and `TARGETS`; compile the spec with this version of rnnc")
    roles = (("input", module.INPUTS),) + ((("target", module.TARGETS),) if targets else ())
    return tuple(
        Field(name, role, tuple(record["axes"]), tuple(record["shape"]), record["token"] is not None)
        for role, records in roles
        for name, record in records.items()
    )


def axes_of(fields: Iterable[Field]) -> tuple[str, ...]:
    """Every axis of some fields once, in order."""
    return tuple(dict.fromkeys(axis for field in fields for axis in field.axes))
