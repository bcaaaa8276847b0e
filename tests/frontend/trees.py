"""What the tests of the front end share: parsing a text that is right, and a tree without its spans."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from rnnc.diagnostics import Diagnostic, Rejected, Reporter, Span
from rnnc.frontend.parse import parse
from rnnc.frontend.read import read_text
from rnnc.frontend.syntax import Expr, File, Unit


def right(text: str) -> File:
    """The tree of a text without mistakes."""
    reporter = Reporter()
    file = parse(read_text(text), reporter)
    assert [one.message() for one in reporter.diagnostics] == []
    return file


def wrong(text: str) -> tuple[Diagnostic, ...]:
    """What is reported for a text, in its order."""
    reporter = Reporter()
    try:
        parse(read_text(text), reporter)
    except Rejected as rejected:
        return rejected.diagnostics
    return reporter.diagnostics


def expression(text: str) -> Expr:
    """The right side of a unit."""
    (statement,) = right(f"network a {{ unit u = {text} }}").networks[0].body
    assert isinstance(statement, Unit)
    return statement.right


def bare(node: Any) -> Any:
    """The tree as nested tuples, every span replaced by one mark."""
    if isinstance(node, Span):
        return "span"
    if isinstance(node, tuple):
        return tuple(bare(item) for item in node)
    if is_dataclass(node):
        return (type(node).__name__, *(bare(getattr(node, one.name)) for one in fields(node)))
    return node
