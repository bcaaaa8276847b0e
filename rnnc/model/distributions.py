"""What a feedback draws from: whether it is a distribution, and whether it fits the input that it is drawn for."""

from __future__ import annotations

from collections.abc import Mapping

from rnnc.diagnostics import Diagnostic, Label
from rnnc.model import forms as m
from rnnc.model.entities import FeedbackLine, Slot
from rnnc.model.errors_feedback import NoDistribution
from rnnc.model.errors_shapes import DeclaredDiffers, spelled
from rnnc.model.mixtures import NAMES, misfit
from rnnc.model.resolution import Resolution
from rnnc.model.shapes import is_scalar
from rnnc.sizes import ONE, Shape


def feedbacks(r: Resolution, units: Mapping[str, m.Unit]) -> tuple[m.Feedback, ...]:
    """Every feedback of a network, in the order of its inputs; what is wrong is reported."""
    found = []
    for line in sorted(r.feedbacks, key=lambda f: f.slot.key):
        if any(e.root is None or e.root.op == "poison" for e in line.equations):
            continue
        one = _drawn(line, units) if line.drawn else _copied(line)
        if isinstance(one, m.Feedback):
            found.append(one)
        else:
            r.reporter.report(one)
    return tuple(found)


def _copied(line: FeedbackLine) -> m.Feedback | Diagnostic:
    equation = line.equations[0]
    source = line.source(equation) or equation.slot
    assert source is not None and source.shape is not None and line.slot.shape is not None
    if source.shape != line.slot.shape and not (is_scalar(source.shape) and is_scalar(line.slot.shape)):
        return _shapes(line, 0, source, line.slot.shape, "")
    return m.Feedback(line.slot.key, "value", (source.key,), line.statement.span)


def _drawn(line: FeedbackLine, units: Mapping[str, m.Unit]) -> m.Feedback | Diagnostic:
    sources: list[Slot] = []
    for equation in line.equations:
        source = line.source(equation)
        if source is None:
            text = equation.right.span.text
            said = f"`sample` draws from units at the current step, `{text}` is none"
            axis = line.slot.axes[0]
            advice = f"give it a name, `unit q[{axis}] = ...`, and draw from `q[{axis}]`"
            return NoDistribution(span=equation.right.span, said=said, hint="not a unit", advice=advice)
        sources.append(source)
    kind = _form(units[sources[0].key], units)
    if len(sources) > 1:
        return _mixture(line, sources, kind)
    return _single(line, sources[0], kind)


def _single(line: FeedbackLine, source: Slot, kind: str) -> m.Feedback | Diagnostic:
    """A token from a softmax, yes or no from each entry of a sigmoid."""
    slot, span = line.slot, line.equations[0].right.span
    assert source.shape is not None and slot.shape is not None
    token = slot.kind == "token"
    if kind == ("softmax" if token else "sigmoid"):
        wanted: Shape = (slot.token,) if token and slot.token is not None else slot.shape
        if source.shape == wanted or (not token and is_scalar(source.shape) and is_scalar(wanted)):
            return m.Feedback(slot.key, "token" if token else "flags", (source.key,), line.statement.span)
        return _shapes(line, 0, source, wanted, "")
    places = (Label(source.span, "defined here"), Label(slot.span, "tokens" if token else "real numbers"))
    if token and kind != "sigmoid":
        said = f"`{source.key}` is no distribution over the tokens of `{slot.key}`"
        advice = f"define `{source.key}` as a softmax"
    elif token:
        said = f"`{source.key}` is a sigmoid, yes or no entry by entry, and `{slot.key}` is a token"
        advice = f"define `{source.key}` as a softmax"
    elif kind == "softmax":
        said = f"a token is drawn from the softmax `{source.key}`, and `{slot.key}` holds real numbers"
        advice = (
            f"declare `input {slot.key}[{slot.axes[0]}] : token({spelled(source.shape)})`, and read it by `embedding`"
        )
    else:
        said = f"`{source.key}` is no distribution"
        advice = (
            f"define `{source.key}` as a sigmoid, draw from a mixture `sample(pi, mu, sigma)`, "
            f"or leave `sample` out to feed `{source.key}` back as it is"
        )
    return NoDistribution(span=span, said=said, hint="neither softmax nor sigmoid", places=places, advice=advice)


def _mixture(line: FeedbackLine, sources: list[Slot], kind: str) -> m.Feedback | Diagnostic:
    """Real values from a mixture of Gaussians."""
    slot, weights = line.slot, sources[0]
    assert slot.shape is not None
    if slot.kind == "token":
        said = f"a mixture of Gaussians gives real values, `{slot.key}` holds tokens"
        places = (Label(slot.span, "tokens"),)
        return NoDistribution(span=line.statement.right.span, said=said, hint="real values", places=places)
    if kind != "softmax":
        said = f"the weights `{weights.key}` of a mixture are a softmax"
        places = (Label(weights.span, "defined here"),)
        advice = f"define `{weights.key}` as a softmax"
        span = line.equations[0].right.span
        return NoDistribution(span=span, said=said, hint="no softmax", places=places, advice=advice)
    shapes = [s.shape or () for s in sources]
    if len(slot.shape) > 1:
        return _shapes(line, 0, slot, slot.shape[:1], "an input drawn from a mixture is a vector")
    coordinates = slot.shape[0] if slot.shape else ONE
    wrong = misfit(shapes[0], shapes[1:], coordinates)
    if wrong is None:
        return m.Feedback(slot.key, "mixture", tuple(s.key for s in sources), line.statement.span)
    if wrong.index == len(sources):
        said = f"input `{slot.key}` has shape {spelled(slot.shape)}, wanted is {spelled(wrong.wanted)}: {wrong.why}"
        return DeclaredDiffers(
            span=line.statement.left.span,
            name=slot.key,
            declared=wrong.wanted,
            found=slot.shape,
            place=None,
            reasons=(Label(slot.span, f"has shape {spelled(slot.shape)}"),),
            said=said,
        )
    role = NAMES[wrong.index]
    return _shapes(line, wrong.index, sources[wrong.index], wrong.wanted, f", the {role} of this mixture", wrong.why)


def _shapes(line: FeedbackLine, index: int, source: Slot, wanted: Shape, role: str, why: str = "") -> Diagnostic:
    """A source whose shape does not fit the input."""
    assert source.shape is not None and line.slot.shape is not None
    goal = "is a token of" if line.slot.kind == "token" else "has shape"
    shown = f"input `{line.slot.key}` {goal} {spelled(wanted)}"
    said = f"`{source.key}` has shape {spelled(source.shape)}, {shown}"
    if role:
        said = f"`{source.key}` has shape {spelled(source.shape)}{role} {spelled(wanted)}: {why}"
    return DeclaredDiffers(
        span=line.equations[index].right.span,
        name=source.key,
        declared=wanted,
        found=source.shape,
        place=None,
        reasons=(Label(line.slot.span, "fed back"), Label(source.span, f"has shape {spelled(source.shape)}")),
        said=said,
    )


def _form(unit: m.Unit, units: Mapping[str, m.Unit]) -> str:
    """The operation that a unit is, names of units looked through."""
    seen: set[str] = set()
    while isinstance(unit.right, m.Read) and unit.right.name in units and unit.name not in seen:
        if any(a.low or a.high is not None or a.anchor != "here" for a in unit.right.at):
            break
        seen.add(unit.name)
        unit = units[unit.right.name]
    right = unit.right
    return right.op if isinstance(right, m.Apply) and right.type.shape == unit.type.shape else ""
