"""Errors and cosines in a few characters."""

from __future__ import annotations

import math


def error(value: float) -> str:
    """`0`, `3e-16`, `0.342`, `12.5`; `inf` where the exact gradient alone is zero."""
    if value == 0.0 or not math.isfinite(value):
        return "0" if value == 0.0 else "inf" if value > 0.0 else "nan"
    if value < 5e-4:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:.3f}" if value < 9.9995 else f"{value:.3g}" if value < 999.5 else f"{value:.0e}".replace("e+0", "e")


def cosine(value: float | None) -> str:
    """Three places; `-` where there is no angle."""
    if value is None:
        return "-"
    text = f"{value:.3f}"
    return "0.000" if text == "-0.000" else text
