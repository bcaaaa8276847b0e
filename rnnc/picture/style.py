"""Colours and outlines: what tells the kinds apart. Every kind differs in shape too, for those who do not see
the colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnc.picture.drawing import Tone
from rnnc.picture.wiring import Kind

Outline = Literal["pill", "box", "hexagon", "double", "trapezium"]

INK, QUIET, PAPER, GROUP, GROUP_RIM = "#1f2933", "#52606d", "#ffffff", "#f5f7fa", "#9aa5b1"
FORWARD, RECURRENT, FACTOR, BEGIN = "#52606d", "#c2410c", "#a16207", "#7b8794"
FONT = "DejaVu Sans, Verdana, Geneva, sans-serif"


@dataclass(frozen=True)
class Look:
    """How a kind of node is drawn; `dot` is the nearest shape that graphviz has."""

    outline: Outline
    fill: str
    rim: str
    dashed: bool
    dot: str


LOOKS: dict[Kind, Look] = {
    "input": Look("pill", "#e1effe", "#1d5fa8", False, "ellipse"),
    "target": Look("pill", "#ffffff", "#0f766e", True, "ellipse"),
    "unit": Look("box", "#e7f6e9", "#2f7d3b", False, "box"),
    "gate": Look("hexagon", "#fff3cf", "#a16207", False, "hexagon"),
    "output": Look("double", "#efe6fd", "#6b3fb8", False, "box"),
    "loss": Look("trapezium", "#fde4e4", "#b42318", False, "trapezium"),
    "start": Look("pill", "#f5f7fa", "#7b8794", True, "ellipse"),
}

TONES: dict[Tone, str] = {
    "plain": INK,
    "delay": RECURRENT,
    "weight": QUIET,
    "group": INK,
    "step": INK,
    "quiet": QUIET,
}
