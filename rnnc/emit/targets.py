"""The back ends by name."""

from __future__ import annotations

from collections.abc import Callable

from rnnc.emit import cupy, module
from rnnc.model.forms import Model
from rnnc.program.forms import Program

Emit = Callable[[Model, Program, str, Program | None], str]

TARGETS: tuple[tuple[str, Emit], ...] = (("numpy", module.module), ("cupy", cupy.module))


def emitter(target: str) -> Emit:
    """The back end called `target`; raises `KeyError` for an unknown one."""
    return dict(TARGETS)[target]
