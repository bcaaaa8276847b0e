"""The pipeline on one screen: text, syntax tree, model, system, adjoint, program, module."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnc.diagnostics import Diagnostic, Reporter, Source
from rnnc.frontend.parse import parse
from rnnc.frontend.read import read_path, read_text
from rnnc.model.forms import Model
from rnnc.model.resolve import resolve
from rnnc.model.uses import Loader
from rnnc.system.build import build
from rnnc.system.check import check
from rnnc.system.forms import System
from rnnc.system.generating import generating

if TYPE_CHECKING:
    from rnnc.program.forms import Program


@dataclass(frozen=True)
class Understood:
    """A spec that has a meaning: its model, its system before differentiation, and the warnings."""

    source: Source
    model: Model
    system: System
    warnings: tuple[Diagnostic, ...]


def understand(
    source: Source,
    *,
    path: Path | None = None,
    network: str | None = None,
    settings: Mapping[str, float] | None = None,
) -> Understood:
    """Text to system; `path` is the spec's file, where `use` looks. Raises `Rejected` with every diagnostic found."""
    reporter = Reporter()
    file = parse(source, reporter)
    reporter.stop_if_wrong()
    model = resolve(file, reporter, network=network, settings=settings, load=Loader(path, reporter))
    reporter.stop_if_wrong()
    system = build(model)
    check(system, reporter)
    reporter.stop_if_wrong()
    generating(model, system, reporter)
    reporter.stop_if_wrong()
    return Understood(source, model, system, reporter.diagnostics)


def differentiate(understood: Understood) -> System:
    """The system with stacked weights, the adjoints of its loss, and what a scan need not repeat outside it."""
    from rnnc.learning.bptt import bptt

    return bptt(understood.system)


def influences(understood: Understood) -> System:
    """The system with the influences of real-time recurrent learning. Raises `Rejected` where there is none."""
    from rnnc.learning.rtrl import followed

    reporter = Reporter()
    forward = followed(understood.system, reporter) if understood.system.loss is not None else None
    reporter.stop_if_wrong()
    return understood.system if forward is None else forward.system


LEARNING = ("bptt", "rtrl")
"""The learning algorithms that a module can have."""

MOST_INFLUENCES = 3000
"""Influences (of one parameter on one state) beyond which a module learns forward in time only where that is asked."""


def forward_in_time(understood: Understood, learn: Sequence[str] | None = None) -> Program | None:
    """The program of real-time recurrent learning, None where the network has no loss or is not to have it; where
    `learn` is None, also where it cannot be learned forward in time or has too many influences. Raises `Rejected`
    where it cannot and `learn` asks for it."""
    if understood.system.loss is None or (learn is not None and "rtrl" not in learn):
        return None
    from rnnc.learning.rtrl import followed
    from rnnc.program.online import online

    reporter = Reporter()
    forward = followed(understood.system, reporter, MOST_INFLUENCES if learn is None else None)
    if learn is not None:
        reporter.stop_if_wrong()
    return None if forward is None else online(forward)


def emit(understood: Understood, target: str = "numpy", learn: Sequence[str] | None = None) -> str:
    """The text of the generated module. `learn` names its algorithms (`LEARNING`; `bptt` is always there); None:
    all that the network allows. Raises `Rejected` where it does not allow one that is asked for."""
    from rnnc.emit.targets import back_end
    from rnnc.program.lower import lower

    chosen = back_end(target)
    program = lower(differentiate(understood), chosen.by_strips)
    return chosen.emit(understood.model, program, understood.source.text, forward_in_time(understood, learn))


def emit_text(
    text: str,
    *,
    network: str | None = None,
    settings: Mapping[str, float] | None = None,
    target: str = "numpy",
    name: str = "<text>",
) -> str:
    """A spec's text to its module's text. Raises `Rejected` where the spec is wrong."""
    return emit(understand(read_text(text, name), network=network, settings=settings), target)


def load_module(text: str, name: str) -> types.ModuleType:
    """A generated module's text, imported under `name` (not entered in `sys.modules`)."""
    module = types.ModuleType(name)
    module.__dict__["__file__"] = f"<rnnc {name}>"
    sys.audit("rnnc.load", name)
    exec(compile(text, f"<rnnc {name}>", "exec", dont_inherit=True), module.__dict__)
    return module


def compile_text(
    text: str,
    *,
    network: str | None = None,
    settings: Mapping[str, float] | None = None,
    target: str = "numpy",
    name: str = "<text>",
) -> types.ModuleType:
    """A spec given as text, compiled and imported. Raises `rnnc.diagnostics.Rejected` where it is wrong."""
    understood = understand(read_text(text, name), network=network, settings=settings)
    return load_module(emit(understood, target), understood.model.name)


def compile_file(
    path: str | os.PathLike[str],
    *,
    network: str | None = None,
    settings: Mapping[str, float] | None = None,
    target: str = "numpy",
) -> types.ModuleType:
    """A spec's file, compiled and imported. Raises `Rejected` where it is wrong, `OSError` where it cannot be read."""
    understood = understand(read_path(path), path=Path(path), network=network, settings=settings)
    return load_module(emit(understood, target), understood.model.name)


def check_text(text: str, *, name: str = "<text>") -> tuple[Diagnostic, ...]:
    """The warnings of a spec given as text. Raises `Rejected` where it is wrong."""
    return understand(read_text(text, name)).warnings


def build_text(text: str) -> System:
    """The system of a spec given as text, before stacking and differentiation."""
    return understand(read_text(text)).system


def adjoint_text(text: str) -> System:
    """The system with its adjoints, as the program is made from it."""
    return differentiate(understand(read_text(text)))
