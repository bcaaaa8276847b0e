"""A help is offered only where it helps: its edits are made and the text is read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from rnnc.diagnostics import Diagnostic, Source, apply_edits
from rnnc.frontend.errors_text import TextDiagnostic

# Characters to read again for one text: a spec of usual size has all its helps tried, in a fraction of a
# second.
_EFFORT = 400_000


def tried(
    source: Source, diagnostics: tuple[Diagnostic, ...], count: Callable[[Source], int]
) -> Iterator[Diagnostic]:
    """The same diagnostics, those `sure` of their edits after which `count` finds fewer errors."""
    left = _EFFORT
    for one in diagnostics:
        mend = one.mending() if isinstance(one, TextDiagnostic) else None
        if isinstance(one, TextDiagnostic) and mend is not None and mend.edits and left >= len(source.text):
            left -= len(source.text)
            mended = Source(source.name, apply_edits(source.text, mend.edits))
            yield replace(one, sure=count(mended) < len(diagnostics))
        else:
            yield one
