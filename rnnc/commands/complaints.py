"""Talk on standard error: diagnostics, and what was done."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from contextlib import suppress

from rnnc.commands.arguments import form_of
from rnnc.commands.failure import Failure
from rnnc.diagnostics import Diagnostic, Rejected


def show_diagnostics(found: Iterable[Diagnostic], arguments: argparse.Namespace) -> None:
    """In the form asked for; in colour on a terminal, unless the environment has NO_COLOR."""
    shown = tuple(found)
    if not shown:
        return
    from rnnc.render import render

    tell(render(shown, form_of(arguments), color=in_color()))


def show_rejected(rejected: Rejected, arguments: argparse.Namespace) -> None:
    """Everything a wrong spec is told."""
    show_diagnostics(rejected.diagnostics, arguments)


def show_failure(failure: Failure) -> None:
    """What cannot be done, of one spec among others."""
    tell(failure.text())


def in_color() -> bool:
    """Whether standard error is a terminal that takes colours, and nobody asked to leave them out."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stderr.isatty() and not plain


def say(text: str, arguments: argparse.Namespace) -> None:
    """One line for people; left out where standard error is read by a program."""
    if form_of(arguments) != "json":
        tell(text + "\n")


def tell(text: str) -> None:
    """Onto standard error; where nobody reads it, work goes on, and the exit status tells."""
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()
