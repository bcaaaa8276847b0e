"""A help is offered only where it helps: its edits are made and the text is read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rnnc.diagnostics import Diagnostic, Source, apply_edits
from rnnc.frontend.errors_text import TextDiagnostic

# Characters to read again for one text, where going on behind a mistake takes as long as so many more: a spec of usual
# size has all its helps tried, in a fraction of a second.
_EFFORT, _MISTAKE = 300_000, 40


def tried(source: Source, diagnostics: tuple[Diagnostic, ...], count: Callable[[Source], int]) -> Iterator[Diagnostic]:
    """The same diagnostics, those `sure` of their edits after which `count` finds fewer errors."""
    left, once = _EFFORT, len(source.text) + _MISTAKE * len(diagnostics)
    for one in diagnostics:
        if not isinstance(one, TextDiagnostic) or left < once:
            yield one
            continue
        mend = one.mending()
        if mend is None or not mend.edits:
            yield one
            continue
        left -= once
        mended = Source(source.name, apply_edits(source.text, mend.edits))
        yield one.but(sure=count(mended) < len(diagnostics))
