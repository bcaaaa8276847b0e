"""When every value is made and read, in the order the program runs."""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.program.sections import Parts, single_need
from rnnc.system.forms import Access, Equation, System
from rnnc.system.schedule import Batch, Node, Strip


@dataclass(frozen=True)
class Moment:
    """One equation's place: `top` numbers the outermost statement, `order` all equations, `loops` the scans around it
    (an axis and a number that tells one scan from another); `strip`: whether the outermost statement runs by strips."""

    equation: Equation
    section: str
    top: int
    order: int
    loops: tuple[tuple[str, int], ...]
    conditional: bool
    strip: bool


@dataclass(frozen=True)
class Reading:
    """`access` by the equation at `moment`."""

    moment: Moment
    access: Access

    @property
    def in_place(self) -> bool:
        return self.access.in_place


class Lifetimes:
    """Made once from the parts of a program."""

    def __init__(self, system: System, parts: Parts) -> None:
        self.made: dict[str, Moment] = {}
        self.readings: dict[str, list[Reading]] = {}
        self._order = 0
        self._loop = 0
        self._only_for = parts.only_for
        self._returned = {*system.kept, *((system.loss,) if system.loss is not None else ())}
        top = 0
        for section in ("forward", "loss", "backward"):
            for node in getattr(parts, section):
                strip = isinstance(node, Strip)
                for child in node.body if isinstance(node, Strip) else (node,):
                    conditional = section == "backward" and bool(single_need(child, parts.only_for))
                    self._visit(child, section, top, (), conditional, strip)
                top += 1
        for moment in self.made.values():
            for access in moment.equation.reads:
                self.readings.setdefault(access.name, []).append(Reading(moment, access))
        self.bordering = {n: b.name for b in system.borders for n in b.reads()}

    def _visit(
        self, node: Node, section: str, top: int, loops: tuple[tuple[str, int], ...], conditional: bool, strip: bool
    ) -> None:
        if not isinstance(node, Batch):
            self._loop += 1
            inner = (*loops, (node.axis, self._loop))
            for child in node.body:
                self._visit(child, section, top, inner, conditional, strip)
            return
        moment = Moment(node.equation, section, top, self._order, loops, conditional, strip)
        self.made[node.equation.out] = moment
        self._order += 1

    def last_read_is(self, name: str, at: Moment, views: frozenset[str] = frozenset()) -> bool:
        """Whether the equation at `at` is the last to read `name`, everywhere and at every position before it
        overwrites it.
        Reads by the equations of `views` do not count. What a section returns is read when it ends."""
        if name in self.bordering or (name in self._returned and self.made[name].section == at.section):
            return False
        for reading in self.readings.get(name, ()):
            other = reading.moment
            if other.equation.out in views:
                continue
            if other is at:
                if not reading.in_place:
                    return False
            elif other.top > at.top:
                return False
            elif other.top == at.top:
                # neighbours in one strip have it to themselves, one after the other
                apart = at.strip and (not other.loops or not at.loops or other.loops[0] != at.loops[0])
                if not (reading.in_place and other.order < at.order and (other.loops == at.loops or apart)):
                    return False
        return True

    def reads_inside(self, name: str) -> bool:
        """Whether everything that reads `name` is inside the very scans that make it."""
        loops = self.made[name].loops
        return all(r.moment.loops[: len(loops)] == loops for r in self.readings.get(name, ()))
