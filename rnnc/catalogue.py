"""Every diagnostic there is, and the long form that `rnnc explain CODE` prints."""

from __future__ import annotations

import inspect
import re
import textwrap

from rnnc.diagnostics import Diagnostic
from rnnc.frontend.errors import ERRORS as FRONTEND
from rnnc.model.errors import ERRORS as MODEL
from rnnc.system.errors import ERRORS as SYSTEM

WIDTH = 100

DIAGNOSTICS: tuple[type[Diagnostic], ...] = (*FRONTEND, *MODEL, *SYSTEM)


def codes() -> tuple[str, ...]:
    """All codes, errors before warnings, in order."""
    return tuple(sorted({one.code for one in DIAGNOSTICS}))


def summary(code: str) -> str:
    """How the rule behind a code begins, on one line; raises `KeyError` for an unknown code."""
    paragraph = " ".join(explain(code).split("\n\n")[1].split())
    return re.split(r"(?<=\S)[.:] ", paragraph)[0].rstrip(".:")


def explain(code: str) -> str:
    """The rule behind a code, a spec that breaks it and the same spec mended; raises `KeyError` for an
    unknown code.

    Several diagnostics may share a code; each adds its paragraph.
    """
    texts = [inspect.cleandoc(one.__doc__ or "") for one in DIAGNOSTICS if one.code == code.upper()]
    if not texts:
        raise KeyError(code)
    paragraphs = [_filled(paragraph) for text in texts for paragraph in text.split("\n\n")]
    return f"{code.upper()}\n\n" + "\n\n".join(paragraphs) + "\n"


def _filled(paragraph: str) -> str:
    """Prose in lines of `WIDTH`; specs stay as they are."""
    if any(line.startswith(" ") for line in paragraph.split("\n")):
        return paragraph
    return textwrap.fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)
