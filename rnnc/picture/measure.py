"""How wide a text is, without a font at hand.

The widths are those of DejaVu Sans in hundredths of the font size: wider than Helvetica or Arial, as wide as
Verdana, so that a text set in whichever of them is installed never outgrows the room it was given.
"""

from __future__ import annotations

_WIDTHS: tuple[tuple[float, str], ...] = (
    (28, "'ijl"),
    (32, "IJ ,.·"),
    (35, "/:;\\|f"),
    (41, "-()[]t!r"),
    (52, '"*_`sz'),
    (59, "?cLFkvxy"),
    (64, "PTYaoeESbdghnpqu$0123456789{}"),
    (70, "KAVBRXZC"),
    (79, "UHNDG&OQ"),
    (86, "w#+<=>^~M×→−"),
    (100, "%mW@"),
)
_WIDTH = {char: width / 100 for width, chars in _WIDTHS for char in chars}


def text_width(text: str, size: float) -> float:
    """Width of one line of `text` set at `size` pixels, never less than it will be on the screen."""
    return size * sum(_WIDTH.get(char, 1.0) for char in text)


def shorten(text: str, limit: int) -> str:
    """`text` on one line, cut to `limit` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
