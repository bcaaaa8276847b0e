"""The pipeline on one screen: text, syntax tree, model, system, adjoint, program, module."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnc.collector import without_collections
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
    from rnnc.program.learner import Learner


@dataclass(frozen=True)
class Understood:
    """A spec that has a meaning: its model, its system before differentiation, and the warnings."""

    source: Source
    model: Model
    system: System
    warnings: tuple[Diagnostic, ...]


@without_collections
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


@without_collections
def differentiate(understood: Understood) -> System:
    """The system with stacked weights, the adjoints of its loss, and what a scan need not repeat outside it."""
    from rnnc.learning.bptt import bptt

    return bptt(understood.system)


@without_collections
def influences(understood: Understood) -> System:
    """The system with the influences of real-time recurrent learning. Raises `Rejected` where there is none."""
    from rnnc.learning.follow import follow
    from rnnc.learning.rtrl import rtrl

    reporter = Reporter()
    forward = follow(understood.system, reporter, rtrl) if understood.system.loss is not None else None
    reporter.stop_if_wrong()
    return understood.system if forward is None else forward.system


MOST_INFLUENCES = 3000
"""Influences (of one parameter on one state) beyond which a module learns forward in time only where that is asked."""


@without_collections
def learners(
    understood: Understood, learn: Sequence[str] | None = None, checkpoint: bool = False, by_strips: bool = True
) -> tuple[Learner, ...]:
    """What the rules `learn` need beside back-propagation, and with `checkpoint` back-propagation itself; none where
    the network has no loss. Where `learn` is None, real-time recurrent learning, unless the network cannot be learned
    forward in time or has too many influences. Raises `Rejected` where a rule that is asked for cannot be had,
    `rnnc.learning.rules.NoRule` for an unknown one."""
    from rnnc.learning.rules import CHECKPOINTS, chosen
    from rnnc.program.learner import learner

    reporter = Reporter()
    most = MOST_INFLUENCES if learn is None else None
    rules = tuple(rule for rule in chosen(learn) if rule.learned is not None and understood.system.loss is not None)
    found = tuple(learner(rule, understood.system, reporter, most, by_strips) for rule in rules)
    if learn is not None:
        reporter.stop_if_wrong()
    if checkpoint and understood.system.loss is not None:
        reporter = Reporter()
        found = (learner(CHECKPOINTS, understood.system, reporter, None, by_strips), *found)
        reporter.stop_if_wrong()
    return tuple(one for one in found if one is not None)


@without_collections
def emit(
    understood: Understood, target: str = "numpy", learn: Sequence[str] | None = None, checkpoint: bool = False
) -> str:
    """The text of the generated module. `learn` names its learning rules (`rnnc.learning.rules`; `bptt` is always
    there); None: `bptt` and, where the network allows it, `rtrl`. Raises `Rejected` where it does not allow one that is
    asked for, `rnnc.learning.rules.NoRule` for a name that is none. With `checkpoint`, `bptt` holds about the square
    root of a sequence's steps."""
    from rnnc.emit.targets import back_end
    from rnnc.program.lower import lower

    chosen = back_end(target)
    program = lower(differentiate(understood), chosen.by_strips)
    rules = learners(understood, learn, checkpoint, chosen.by_strips)
    return chosen.emit(understood.model, program, understood.source.text, rules)


def emit_text(
    text: str,
    *,
    network: str | None = None,
    settings: Mapping[str, float] | None = None,
    target: str = "numpy",
    learn: Sequence[str] | None = None,
    checkpoint: bool = False,
    name: str = "<text>",
) -> str:
    """A spec's text to its module's text, `learn` and `checkpoint` as in `emit`. Raises `Rejected` where the spec is
    wrong."""
    return emit(understand(read_text(text, name), network=network, settings=settings), target, learn, checkpoint)


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
    learn: Sequence[str] | None = None,
    checkpoint: bool = False,
    name: str = "<text>",
) -> types.ModuleType:
    """A spec given as text, compiled and imported, `learn` and `checkpoint` as in `emit`. Raises
    `rnnc.diagnostics.Rejected` where it is wrong."""
    understood = understand(read_text(text, name), network=network, settings=settings)
    return load_module(emit(understood, target, learn, checkpoint), understood.model.name)


def compile_file(
    path: str | os.PathLike[str],
    *,
    network: str | None = None,
    settings: Mapping[str, float] | None = None,
    target: str = "numpy",
    learn: Sequence[str] | None = None,
    checkpoint: bool = False,
) -> types.ModuleType:
    """A spec's file, compiled and imported, `learn` and `checkpoint` as in `emit`. Raises `Rejected` where it is wrong,
    `OSError` where it cannot be read."""
    understood = understand(read_path(path), path=Path(path), network=network, settings=settings)
    return load_module(emit(understood, target, learn, checkpoint), understood.model.name)


def check_text(text: str, *, name: str = "<text>") -> tuple[Diagnostic, ...]:
    """The warnings of a spec given as text. Raises `Rejected` where it is wrong."""
    return understand(read_text(text, name)).warnings


def build_text(text: str) -> System:
    """The system of a spec given as text, before stacking and differentiation."""
    return understand(read_text(text)).system


def adjoint_text(text: str) -> System:
    """The system with its adjoints, as the program is made from it."""
    return differentiate(understand(read_text(text)))
