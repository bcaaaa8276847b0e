"""What a reader of a derivation has to be told beside its equations."""

from __future__ import annotations

from collections.abc import Mapping

from rnnc.derive import expression as x
from rnnc.derive.derivation import Line
from rnnc.derive.names import change, is_influence
from rnnc.system.forms import System


def remarks(system: System, lines: tuple[Line, ...], missing: bool, algorithm: str | None) -> tuple[str, ...]:
    """The keys of the remarks that hold, in order; `missing`: masks of missing targets were left out."""
    found = ["loss"] if system.loss is not None else []
    lefts = [line.left.name for line in lines]
    if any(name.startswith("d(") and ":net" in name for name in lefts):
        found.append("delta")
    influences = [line.left for line in lines if is_influence(line.left.name)]
    if influences:
        found.append("influence")
        shapes = {v.name: v.shape for v in system.values}
        if any(_spared(r, shapes) for r in influences):
            found.append("diagonal")
        found.append({"truncated_gradient": "truncated", "hybrid": "blocks"}.get(algorithm or "", "within"))
        if any(p.base == ":start" and p.offset < 0 for line in lines for p in line.left.at):
            found.append("several")
    if algorithm == "hybrid" and system.axes and any(_of_the_end(line) for line in lines):
        found.append("ending")
    if any(name.startswith(change("")[:2]) for name in lefts):
        found.append("change")
    found.append("outside")
    if any(isinstance(node, x.Call) and node.title == "P" for line in lines for node in x.walk(line.right)):
        found.append("ctc")
    if missing:
        found.append("missing")
    if any(node.name.endswith(":mask") for line in lines for node in x.walk(line.right) if isinstance(node, x.Ref)):
        found.append("dropout")
    return tuple(found)


def _of_the_end(line: Line) -> bool:
    """Whether a derivative comes from the loss of the whole sequence and belongs to no step."""
    read = [n for n in x.walk(line.right) if isinstance(n, x.Reduce) or (isinstance(n, x.Ref) and n.name[:2] == "d(")]
    steps = any(not n.bound[0].startswith("@") for n in read if isinstance(n, x.Reduce))
    passed = any(isinstance(n, x.Ref) for n in read)
    return line.left.name.startswith("d(") and not line.left.at and line.right != x.ZERO and not (steps or passed)


def _spared(ref: x.Ref, shapes: Mapping[str, tuple[object, ...]]) -> bool:
    """Whether an index of the unit was left out."""
    unit, _, weight = ref.name[2:-1].partition("|")
    return len(ref.indices) < len(shapes[unit]) + len(shapes[weight])
