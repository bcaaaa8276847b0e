"""Which neighbours in a schedule run strip by strip: a part of the positions at a time, all of them for each part.

before   net = W . x, all positions      scan n: h = tanh(net + R . h[n-1])
after    strip of n: (net = W . x      scan n: h = tanh(net + R . h[n-1]))

What nothing outside reads, like `net`, is held for one strip only: the memory a sequence needs is what has to be kept
of it, and what a scan reads is still in the cache. Sums over the positions, as a weight's gradient, are added up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rnnc.system.forms import Access, Concat, Contract, Equation, Gather, Pointwise, Slice, Softmax, System
from rnnc.system.schedule import Batch, Node, Scan, Strip, equations_of


def strips(
    system: System, nodes: tuple[Node, ...], always: frozenset[str], whole: frozenset[str], scanned: tuple[str, ...]
) -> tuple[Node, ...]:
    """The nodes of one section, those that can share strips joined. `always`: what runs whatever gradients are asked
    for; `whole`: values that something outside the program reads; `scanned`: the axes that the program scans."""
    for axis in scanned:
        nodes = _along(system, nodes, axis, always, whole)
    return nodes


def _along(
    system: System, nodes: tuple[Node, ...], axis: str, always: frozenset[str], whole: frozenset[str]
) -> tuple[Node, ...]:
    done: list[Node] = []
    left = nodes
    for _ in nodes:
        scans = tuple(n for n in left if isinstance(n, Scan) and n.axis == axis)
        direction = scans[0].direction if scans else 1
        group = _Group(system, axis, direction, always)
        for node in left:
            group.take(node)
        strip = Strip(axis, direction, tuple(group.members))
        worth = bool(_outside_scans(strip, held(system, strip, whole)))
        done += [*group.before, *((strip,) if worth else group.members)]
        left = tuple(group.after)
        if not any(isinstance(n, Scan) and n.axis == axis for n in left):
            break
    return (*done, *left)


def held(system: System, strip: Strip, whole: frozenset[str]) -> frozenset[str]:
    """The values that are read in their strip alone, where they are made, and nothing keeps."""
    made = frozenset(e.out for e in strip.equations())
    values = {v.name: v for v in system.values}
    kept = {b.name for b in system.borders} | {n for b in system.borders for n in b.reads()} | whole
    found = {
        n for n in made if values[n].role in ("part", "adjoint") and strip.axis in values[n].axes and n not in kept
    }
    for e in system.equations:
        for r in e.reads:
            if r.name in found and (e.out not in made or not _near(r, strip.axis, strip.direction)):
                found.discard(r.name)
    return frozenset(found)


def _outside_scans(strip: Strip, names: frozenset[str]) -> frozenset[str]:
    """Those of `names` that a scan does not make and read by itself: they would have to be held for all positions."""
    scan = {e.out: k for k, node in enumerate(strip.body) if isinstance(node, Scan) for e in node.equations()}
    found = {n for n in names if n not in scan}
    for e in strip.equations():
        found |= {r.name for r in e.reads if r.name in names and scan.get(e.out) != scan.get(r.name)}
    return frozenset(found)


@dataclass
class _Group:
    """Nodes that share strips of one axis, and those that have to come before and after them."""

    system: System
    axis: str
    direction: int
    always: frozenset[str]
    before: list[Node] = field(default_factory=list)
    members: list[Node] = field(default_factory=list)
    after: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._axes = {v.name: v.axes for v in self.system.values}
        self._borders = {b.name: b.reads() for b in self.system.borders}
        self._inside: set[str] = set()
        self._sums: set[str] = set()
        self._later: set[str] = set()

    def take(self, node: Node) -> None:
        equations = equations_of((node,))
        outs = {e.out for e in equations}
        needs = {n for e in equations for n in self._needs(e)} - outs
        if needs & self._later:
            self._put_after(node, outs)
        elif self._joins(node, equations):
            self.members.append(node)
            self._inside |= outs
            self._sums |= {e.out for e in equations if self.axis not in self._axes[e.out]}
        elif needs & self._inside:
            self._put_after(node, outs)
        else:
            self.before.append(node)

    def _put_after(self, node: Node, outs: set[str]) -> None:
        self.after.append(node)
        self._later |= outs

    def _needs(self, e: Equation) -> set[str]:
        read = {r.name for r in e.reads}
        return read | {n for name in (e.out, *read) for n in self._borders.get(name, ())}

    def _joins(self, node: Node, equations: tuple[Equation, ...]) -> bool:
        if isinstance(node, Strip):
            return False
        if isinstance(node, Scan) and (node.axis, node.direction) != (self.axis, self.direction):
            return False
        if isinstance(node, Batch) and not self._batch(node.equation):
            return False
        for e in equations:
            outside = {n for name in (e.out, *(r.name for r in e.reads)) for n in self._borders.get(name, ())}
            if self._sums & self._needs(e) or outside & self._inside:
                return False
            for r in e.reads:
                if r.name in self._inside and not _near(r, self.axis, self.direction):
                    return False
        return True

    def _batch(self, e: Equation) -> bool:
        """Whether one strip of its positions can be computed by itself."""
        if not isinstance(e.op, Pointwise | Contract | Softmax | Gather | Slice | Concat):
            return False
        if self.axis == getattr(e.op, "over", ""):
            return False
        ats = [at for r in e.reads for at in r.at if at.axis == self.axis]
        if any(at.anchor != "here" or at.high is not None for at in ats):
            return False
        if self.axis in self._axes[e.out]:
            return True
        return isinstance(e.op, Contract) and bool(ats) and e.out in self.always


def _near(r: Access, axis: str, direction: int) -> bool:
    """Whether a value of the same strips is read where it is there already: here, or on the side they come from."""
    return all(at.axis != axis or (at.anchor == "here" and at.high is None and at.low * direction <= 0) for at in r.at)
