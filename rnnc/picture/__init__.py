"""Pictures of a network, folded and unrolled, as SVG or dot; laid out here, with no tool outside."""

from __future__ import annotations

from rnnc.picture.draw import draw
from rnnc.picture.unrolled import TooMuch

__all__ = ["TooMuch", "draw"]
