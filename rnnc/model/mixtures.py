"""The shapes of a mixture of Gaussians: what its components and coordinates make of `mu`, `sigma` and `rho`."""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.diagnostics import Diagnostic, Label
from rnnc.model.drafts import Draft
from rnnc.model.errors_shapes import DeclaredDiffers, spelled
from rnnc.sizes import ONE, Shape, Size

NAMES = ("weights", "means", "deviations", "correlations")


@dataclass(frozen=True)
class Misfit:
    """Argument number `index` of a mixture has another shape than `wanted`, because of `why`."""

    index: int
    wanted: Shape
    why: str


def misfit(pi: Shape, others: list[Shape], coordinates: Size) -> Misfit | None:
    """The first argument that does not fit: pi (M), mu and sigma (d * M), rho (M) with d = 2."""
    if len(pi) > 1:
        return Misfit(0, pi[:1], "a vector, one weight for each component")
    components = pi[0] if pi else ONE
    if len(others) > 2 and coordinates != Size.of(2):
        return Misfit(len(others) + 1, (Size.of(2),), "with `rho` a mixture is bivariate")
    for index, shape in enumerate(others, start=1):
        wanted = components if index == 3 else coordinates * components
        if shape != (wanted,) and not (wanted == ONE and shape == ()):
            return Misfit(index, (wanted,), _why(components, coordinates if index < 3 else ONE))
    return None


def _why(components: Size, coordinates: Size) -> str:
    if coordinates == ONE:
        return f"one for each of the {components} components"
    return f"{coordinates} coordinates of {components} components each"


def coordinates_of(target: Shape) -> Size | None:
    """How many coordinates a target has; None for a matrix."""
    return None if len(target) > 1 else target[0] if target else ONE


def mixture_result(shapes: list[Shape]) -> Shape | None:
    """The shape of a mixture's cost; None where the arguments do not fit."""
    coordinates = coordinates_of(shapes[-1])
    if coordinates is None:
        return None
    return () if misfit(shapes[0], shapes[1:-1], coordinates) is None else None


def mixture_mistake(draft: Draft, shapes: list[Shape]) -> Diagnostic:
    """The diagnostic of a mixture whose arguments do not fit."""
    coordinates = coordinates_of(shapes[-1])
    if coordinates is None:
        wrong = Misfit(len(shapes) - 1, shapes[-1][:1], "a vector of coordinates")
    else:
        found = misfit(shapes[0], shapes[1:-1], coordinates)
        assert found is not None
        wrong = found
    argument, target = draft.args[wrong.index], draft.args[-1]
    name, shape = argument.span.text, shapes[wrong.index]
    role = "target" if wrong.index == len(shapes) - 1 else NAMES[wrong.index]
    said = f"`{name}` has shape {spelled(shape)}, the {role} of this mixture {spelled(wrong.wanted)}: {wrong.why}"
    places = tuple(
        Label(a.slot.span, f"has shape {spelled(s)}")
        for a, s in ((draft.args[0], shapes[0]), (target, shapes[-1]), (argument, shape))
        if a.slot is not None
    )
    return DeclaredDiffers(
        span=argument.span,
        name=name,
        declared=wrong.wanted,
        found=shape,
        place=None,
        reasons=tuple(dict.fromkeys(places)),
        said=said,
    )
