"""What can be wrong with a spec's text, E0xx and its limits: the explicit list."""

from __future__ import annotations

from rnnc.diagnostics import Diagnostic
from rnnc.frontend.errors_syntax import (
    Mismatched,
    Misplaced,
    Misused,
    ReservedWord,
    Unclosed,
    Unexpected,
    UnknownStatement,
    Unopened,
)
from rnnc.frontend.errors_text import BadCharacter, BadNumber, NothingDeclared, NotText, TooDeep, TooLarge

ERRORS: tuple[type[Diagnostic], ...] = (
    UnknownStatement,
    Unexpected,
    Unclosed,
    Mismatched,
    Unopened,
    BadCharacter,
    ReservedWord,
    NothingDeclared,
    NotText,
    Misplaced,
    Misused,
    BadNumber,
    TooDeep,
    TooLarge,
)
