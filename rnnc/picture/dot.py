"""A drawing in graphviz's language, for whoever wants to lay it out or restyle it with tools of their own."""

from __future__ import annotations

from collections.abc import Iterator

from rnnc.picture.drawing import Drawing, Edge, Shape
from rnnc.picture.plan import short
from rnnc.picture.style import BEGIN, FACTOR, FORWARD, LOOKS, RECURRENT


def dot(drawing: Drawing) -> str:
    """The graph with its cells as clusters; positions are kept for `neato -n`."""
    lines = [f"digraph {quoted(drawing.title)} {{", "  rankdir=BT; bgcolor=white; compound=true;"]
    lines.append('  node [fontname="DejaVu Sans", fontsize=12, style=filled];')
    lines.append('  edge [fontname="DejaVu Sans", fontsize=10];')
    lines += [f"  {_node(s)}" for s in drawing.shapes if s.group is None]
    for number, frame in enumerate(drawing.frames):
        lines.append(f"  subgraph cluster_{number} {{")
        lines.append(f"    label={quoted(frame.label)}; style=rounded; labeljust=l;")
        lines += [f"    {_node(s)}" for s in drawing.shapes if s.group == frame.key]
        lines.append("  }")
    lines += [f"  {line}" for e in drawing.edges for line in _edge(e)]
    return "\n".join([*lines, "}"]) + "\n"


def quoted(text: str) -> str:
    """A double-quoted string: backslash and quote escaped, each line end as `\\n`."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain}"'


def _node(s: Shape) -> str:
    look = LOOKS[s.kind]
    label = quoted(s.title + (f"\n{s.subtitle}" if s.subtitle else ""))
    style = "filled,dashed" if look.dashed else "filled,rounded" if look.outline == "box" else "filled"
    more = ", peripheries=2" if look.outline == "double" else ""
    return (
        f'{quoted(s.key)} [label={label}, shape={look.dot}, fillcolor="{look.fill}", color="{look.rim}", '
        f'style="{style}"{more}, tooltip={quoted(s.tooltip)}, pos="{s.x:.1f},{s.y:.1f}!"];'
    )


def _edge(e: Edge) -> Iterator[str]:
    target = e.target.partition("@")[0]
    label = " ".join((e.delay, *(short(w, target) for w in e.weights))).strip()
    colour = RECURRENT if e.recurrent else BEGIN if e.begins else FACTOR if e.multiplies else FORWARD
    facts = [f"label={quoted(label)}"] if label else []
    facts.append(f'color="{colour}"')
    if e.multiplies:
        facts.append("arrowhead=odot")
    if e.begins or e.feeds:
        facts.append("style=dashed")
    yield f"{quoted(e.source)} -> {quoted(e.target)} [{', '.join(facts)}];"
