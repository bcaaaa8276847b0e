"""How each link will be drawn: as a loop at its node, around the outside as a trunk that branches, or
straight up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnc.picture.cycles import blocks
from rnnc.picture.wiring import Link, Node, Wiring, label, moves


@dataclass(frozen=True)
class Trunk:
    """A recurrent line: all `links` read one source at one offset. It ends at a port below their targets, in
    the box of the cell `scope` ("" outside of all cells), and runs on the right (`side` 1) or, coming from
    later steps, on the left (-1)."""

    port: str
    source: str
    label: str
    links: tuple[Link, ...]
    scope: str
    side: int
    depth: int

    @property
    def feeds(self) -> bool:
        """Whether it is a feedback."""
        return self.links[0].feeds


@dataclass(frozen=True)
class Tracks:
    """`cell` gives the group each node is drawn in, "" where in none."""

    cell: Mapping[str, str]
    loops: tuple[Link, ...]
    trunks: tuple[Trunk, ...]
    flows: tuple[Link, ...]


def tracks(wiring: Wiring, unrolled: bool) -> Tracks:
    """Sort the links. Unrolled, a loop becomes a level line from step to step, so it reaches one step and no
    further."""
    cell = _cells(wiring)
    bundles: dict[tuple[str, str, bool], list[Link]] = {}
    flows: list[Link] = []
    for link in wiring.links:
        if link.recurrent:
            inside = cell[link.source] == cell[link.target]
            bundles.setdefault((link.source, label(link), inside), []).append(link)
        elif not (unrolled and link.begins):
            flows.append(link)
    loops: list[Link] = []
    trunks: list[Trunk] = []
    for (source, text, inside), links in bundles.items():
        first = links[0]
        taken = [k for k in loops if k.source == source]
        free = _level(first, taken) if unrolled else len(taken) < 2
        if len(links) == 1 and first.target == source and free and not first.over:
            loops.append(first)
            continue
        scope = cell[source] if inside else ""
        side = -1 if moves(first.at) > 0 else 1
        depth = max(_reach(k) for k in links)
        trunks.append(Trunk(f"{source}[{text}]{'' if inside else '>'}", source, text, tuple(links), scope, side, depth))
    return Tracks(cell, tuple(loops), tuple(trunks), tuple(flows))


def _reach(link: Link) -> int:
    return max((max(abs(a.low), abs(a.high or 0)) for a in link.at if a.anchor == "here"), default=1) or 1


def _level(link: Link, taken: list[Link]) -> bool:
    """Does it come from the next position along one axis, one that no other level line of the node uses."""
    moved = [a for a in link.at if a.low or a.high or a.anchor != "here"]
    if len(moved) != 1 or moved[0].anchor != "here" or moved[0].high is not None or abs(moved[0].low) != 1:
        return False
    return all(a.axis != moved[0].axis or not a.low for k in taken for a in k.at)


def _cells(wiring: Wiring) -> dict[str, str]:
    """The group of each node. A cell whose box would have to be both below and above another node gets no
    box."""
    cell = {n.key: n.group or "" for n in wiring.nodes}
    while True:
        homes = {n.key: _home(n, cell) for n in wiring.nodes}
        edges = [(homes[k.source], homes[k.target]) for k in wiring.links if not k.recurrent]
        block = blocks(list(dict.fromkeys(homes.values())), [(a, b) for a, b in edges if a != b])
        members: dict[int, list[str]] = {}
        for home, number in block.items():
            members.setdefault(number, []).append(home)
        knotted = {h for group in members.values() if len(group) > 1 for h in group}
        if not knotted:
            return cell
        cell = {k: "" if f"cell:{g}" in knotted else g for k, g in cell.items()}


def _home(node: Node, cell: Mapping[str, str]) -> str:
    return f"cell:{cell[node.key]}" if cell[node.key] else node.key
