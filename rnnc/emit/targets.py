"""The back ends by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rnnc.emit import cupy, module
from rnnc.model.forms import Model
from rnnc.program.forms import Program
from rnnc.program.learner import Learner


@dataclass(frozen=True)
class Target:
    """`emit` writes the module; `by_strips`: whether its program runs a strip of positions at a time, which pays where
    memory is cached and a call is cheap."""

    name: str
    emit: Callable[[Model, Program, str, tuple[Learner, ...]], str]
    by_strips: bool


TARGETS: tuple[Target, ...] = (
    Target("numpy", module.module, by_strips=True),
    Target("cupy", cupy.module, by_strips=False),
)


def back_end(name: str) -> Target:
    """The back end called `name`; raises `KeyError` for an unknown one."""
    return {target.name: target for target in TARGETS}[name]
