"""From a model to the text of a picture file."""

from __future__ import annotations

from typing import Literal

from rnnc.model.forms import Model
from rnnc.picture.dot import dot
from rnnc.picture.folded import folded
from rnnc.picture.svg import svg
from rnnc.picture.unrolled import unrolled


def draw(model: Model, *, unroll: int | None, format: Literal["svg", "dot"]) -> str:
    """The picture of `model`: folded, or with `unroll` steps along each axis drawn out. Raises `ValueError`
    where `unroll` is less than 1, `TooMuch` (one as well) where so many are no picture any more."""
    if unroll is not None and unroll < 1:
        raise ValueError(f"a network is unrolled for at least one step, not {unroll}")
    drawing = folded(model) if unroll is None else unrolled(model, unroll)
    return svg(drawing) if format == "svg" else dot(drawing)
