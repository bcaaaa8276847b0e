"""A drawing as a standalone SVG file: its own background, no script, no reference to anything outside."""

from __future__ import annotations

from collections.abc import Iterator

from rnnc.picture.curve import Curve
from rnnc.picture.drawing import Drawing, Frame, Shape, Stroke, Text
from rnnc.picture.legend import Key, legend
from rnnc.picture.measure import text_width
from rnnc.picture.plan import NAME, SMALL
from rnnc.picture.style import (
    BEGIN,
    FACTOR,
    FONT,
    FORWARD,
    GROUP,
    GROUP_RIM,
    INK,
    LOOKS,
    PAPER,
    QUIET,
    RECURRENT,
    TONES,
)

_MARGIN, _TITLE = 24.0, 34.0


def svg(drawing: Drawing) -> str:
    """The file's text; the same drawing gives the same bytes."""
    keys = legend(drawing)
    heading = max(text_width(drawing.title, 16), text_width(drawing.caption, 11))
    inner = max(drawing.right - drawing.left, heading, max((k.right for k in keys), default=0.0))
    rows = max((k.row for k in keys), default=-1) + 1
    width = inner + 2 * _MARGIN
    dx = _MARGIN - drawing.left + (inner - (drawing.right - drawing.left)) / 2
    foot = _TITLE + _MARGIN + drawing.top
    below = foot - drawing.bottom + 26
    height = below + 24 * rows + _MARGIN - 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" role="img" '
        f'aria-labelledby="title desc" font-family="{FONT}">',
        f'<title id="title">{escape(drawing.title)}</title>',
        f'<desc id="desc">{escape(_described(drawing))}</desc>',
        *_markers(),
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        f'<text x="{_n(_MARGIN)}" y="{_n(_MARGIN + 8)}" font-size="16" font-weight="bold" fill="{INK}">'
        f"{escape(drawing.title)}</text>",
        f'<text x="{_n(_MARGIN)}" y="{_n(_MARGIN + 24)}" font-size="11" fill="{QUIET}">'
        f"{escape(drawing.caption)}</text>",
        f'<g transform="translate({_n(dx)} {_n(foot)})">',
        *(line for f in drawing.frames for line in _frame(f)),
        *(line for s in drawing.strokes for line in _stroke(s)),
        *(line for s in drawing.shapes for line in _shape(s)),
        *(line for t in drawing.texts for line in _text(t)),
        "</g>",
        *(line for k in keys for line in _key(k, _MARGIN, below)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """For element content and attribute values; characters that XML cannot hold become U+FFFD."""
    clean = "".join(c if c >= " " and c not in "\ufffe\uffff" else "\ufffd" for c in text)
    for char, name in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot")):
        clean = clean.replace(char, f"&{name};")
    return clean


def _n(value: float) -> str:
    text = f"{value:.1f}"
    return "0" if text in ("0.0", "-0.0") else text.removesuffix(".0")


def _described(drawing: Drawing) -> str:
    values = "; ".join(f"{s.kind} {s.title}" + (f" ({s.subtitle})" if s.subtitle else "") for s in drawing.shapes)
    edges = "; ".join(f"{e.source} to {e.target}" + (f" at {e.delay}" if e.delay else "") for e in drawing.edges)
    return f"Values: {values}. Edges: {edges}."


def _markers() -> Iterator[str]:
    yield "<defs>"
    for name, colour in (("forward", FORWARD), ("recurrent", RECURRENT), ("begin", BEGIN)):
        yield (
            f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 1L10 5L0 9z" fill="{colour}"/></marker>'
        )
    for name, colour in (("factor", FACTOR), ("recurrent-factor", RECURRENT)):
        yield (
            f'<marker id="{name}" viewBox="0 0 12 12" refX="11" refY="6" markerWidth="12" markerHeight="12" '
            f'markerUnits="userSpaceOnUse" orient="auto">'
            f'<circle cx="6" cy="6" r="5" fill="{PAPER}" stroke="{colour}"/>'
            f'<path d="M4 4L8 8M8 4L4 8" stroke="{colour}" fill="none"/></marker>'
        )
    yield "</defs>"


def _stroke(s: Stroke) -> Iterator[str]:
    colour, mark, wide = FORWARD, "forward", 1.3
    if s.recurrent:
        colour, mark, wide = RECURRENT, "recurrent-factor" if s.multiplies else "recurrent", 1.8
    elif s.begins:
        colour, mark = BEGIN, "begin"
    elif s.multiplies:
        colour, mark = FACTOR, "factor"
    dash = ' stroke-dasharray="5 4"' if s.begins or s.feeds else ""
    end = f' marker-end="url(#{mark})"' if s.arrow else ""
    yield (
        f'<path d="{_path(s.curve)}" fill="none" stroke="{colour}" stroke-width="{wide}"{dash}{end}>'
        f"<title>{escape(s.tooltip)}</title></path>"
    )


def _path(curve: Curve) -> str:
    x, y = curve.segments[0][0]
    parts = [f"M{_n(x)} {_n(-y)}"]
    for _, *rest in curve.segments:
        parts.append("C" + " ".join(f"{_n(px)} {_n(-py)}" for px, py in rest))
    return "".join(parts)


def _frame(f: Frame) -> Iterator[str]:
    yield (
        f'<rect x="{_n(f.left)}" y="{_n(-f.bottom - f.height)}" width="{_n(f.width)}" '
        f'height="{_n(f.height)}" rx="10" fill="{GROUP}" '
        f'stroke="{GROUP_RIM}"><title>{escape(f.label)}</title></rect>'
    )


def _shape(s: Shape) -> Iterator[str]:
    look = LOOKS[s.kind]
    x, y, w, h = s.x - s.width / 2, -s.y - s.height / 2, s.width, s.height
    paint = f'fill="{look.fill}" stroke="{look.rim}" stroke-width="1.4"'
    if look.dashed:
        paint += ' stroke-dasharray="4 3"'
    yield f"<g><title>{escape(s.tooltip)}</title>"
    if look.outline == "hexagon":
        yield f'<path d="{_polygon(x, y, w, h, 9, 9)}" {paint}/>'
    elif look.outline == "trapezium":
        top = f"L{_n(x + 9)} {_n(y)}H{_n(x + w - 9)}"
        yield f'<path d="M{_n(x)} {_n(y + h)}{top}L{_n(x + w)} {_n(y + h)}z" {paint}/>'
    else:
        round_ = {"pill": h / 2, "box": 6.0, "double": 6.0}[look.outline]
        yield f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}" rx="{_n(round_)}" {paint}/>'
    if look.outline == "double":
        yield (
            f'<rect x="{_n(x + 3)}" y="{_n(y + 3)}" width="{_n(w - 6)}" height="{_n(h - 6)}" '
            f'rx="4" fill="none" stroke="{look.rim}" stroke-width="0.8"/>'
        )
    middle = f'x="{_n(s.x)}" text-anchor="middle"'
    drop = -2.5 if s.subtitle else 4.5
    rest = f'font-size="{_n(NAME)}" fill="{INK}"'
    yield f'<text {middle} y="{_n(-s.y + drop)}" {rest}>{escape(s.title)}</text>'
    if s.subtitle:
        rest = f'font-size="{_n(SMALL)}" fill="{QUIET}"'
        yield f'<text {middle} y="{_n(-s.y + 11)}" {rest}>{escape(s.subtitle)}</text>'
    yield "</g>"


def _polygon(x: float, y: float, w: float, h: float, left: float, right: float) -> str:
    return (
        f"M{_n(x)} {_n(y + h / 2)}L{_n(x + left)} {_n(y)}H{_n(x + w - right)}L{_n(x + w)} {_n(y + h / 2)}"
        f"L{_n(x + w - right)} {_n(y + h)}H{_n(x + left)}z"
    )


def _text(t: Text) -> Iterator[str]:
    weight = ' font-weight="bold"' if t.tone == "group" else ""
    halo = f' stroke="{PAPER}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
    yield (
        f'<text x="{_n(t.at[0])}" y="{_n(-t.at[1] + t.size * 0.36)}" text-anchor="middle" '
        f'font-size="{_n(t.size)}" fill="{TONES[t.tone]}"{weight}{halo}>{escape(t.text)}</text>'
    )


def _key(k: Key, left: float, top: float) -> Iterator[str]:
    y = top + 24 * k.row
    yield f'<g transform="translate({_n(left + k.left)} {_n(y)})">'
    if k.shape is not None:
        yield from _shape(k.shape)
    if k.stroke is not None:
        yield from _stroke(k.stroke)
    at = _n(k.text_left - k.left)
    yield f'<text x="{at}" y="4" font-size="11" fill="{QUIET}">{escape(k.text)}</text></g>'
