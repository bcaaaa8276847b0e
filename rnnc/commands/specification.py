"""What SPEC means: a file, standard input, or a shipped network's name; read and understood."""

from __future__ import annotations

import argparse
import sys
import types
from pathlib import Path

from rnnc.commands.arguments import settings_of
from rnnc.commands.complaints import show_diagnostics
from rnnc.commands.failure import Failure
from rnnc.commands.rules import named_rules
from rnnc.compiler import Understood, understand
from rnnc.diagnostics import Source
from rnnc.frontend.read import Unreadable, read_path
from rnnc.places import shipped_specs, specs_folder
from rnnc.suggest import suggest


def read_spec(spec: str) -> tuple[Source, Path | None]:
    """The text and the file it came from (None: standard input).

    Raises `Failure` where there is no such file or it cannot be read, and `Rejected` where it is no text. A file of
    that name goes before a shipped network.
    """
    if spec == "-" and sys.stdin is None:
        raise Failure("standard input is closed")
    try:
        return _read(spec)
    except Unreadable as problem:
        raise Failure(str(problem)) from None


def _read(spec: str) -> tuple[Source, Path | None]:
    if spec == "-":
        return read_path(spec), None
    path = Path(spec)
    if not path.is_file() and spec in shipped_specs():
        path = specs_folder() / f"{spec}.rnn"
        return read_path(path, f"specs/{path.name}"), path
    if not path.exists():
        raise Failure(f"cannot read {spec}: no such file", _near(path))
    return read_path(path, spec), path


def understand_spec(arguments: argparse.Namespace, spec: str | None = None) -> Understood:
    """SPEC with a meaning; shows its warnings. Raises as `read_spec`, and `Rejected` where it is wrong."""
    settings = settings_of(arguments)
    source, path = read_spec(arguments.spec if spec is None else spec)
    understood = understand(source, path=path, network=arguments.network, settings=settings)
    show_diagnostics(understood.warnings, arguments)
    return understood


def load_spec(arguments: argparse.Namespace, learn: str | None = None) -> types.ModuleType:
    """SPEC as an imported module, with the learning rule `learn` where one is named. Raises as `understand_spec`, and
    `Failure` where there is no such rule."""
    from rnnc.compiler import emit, load_module

    names = None if learn is None else tuple(rule.name for rule in named_rules((learn,)))
    understood = understand_spec(arguments)
    return load_module(emit(understood, learn=names), understood.model.name)


def _near(path: Path) -> str:
    """The file or the shipped network that was probably meant."""
    whole = path.with_name(f"{path.name}.rnn")
    if whole.is_file():
        return f"did you mean `{whole}`?"
    if path.parent.is_dir():
        meant = suggest(path.name, sorted(near.name for near in path.parent.glob("*.rnn")))
        if meant is not None:
            return f"did you mean `{path.parent / meant}`?"
    shipped = suggest(path.stem + " ", [f"{name} " for name in shipped_specs()])
    name = path.stem if path.stem in shipped_specs() else shipped.strip() if shipped else None
    return f"did you mean the shipped network `{name}`?" if name else ""
