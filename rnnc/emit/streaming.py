"""Whether a network can run step by step, and what has to be carried from one step to the next."""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.program.halos import halos
from rnnc.system.forms import System
from rnnc.system.needed import needed
from rnnc.system.stepping import hindrance, stepped


@dataclass(frozen=True)
class Streaming:
    """`refusal` says why a network cannot run step by step (None: it can); `states` are the values whose last `low`
    positions
    are carried; `counter` is the axis whose position is carried, too."""

    refusal: str | None
    states: tuple[str, ...]
    low: tuple[int, ...]
    counter: str | None
    one_step: str = "1"
    """The lengths of one step, as a module writes them."""
    ahead: bool = False
    """Whether the loss reads a later step: of one step by itself it cannot be had."""

    @property
    def reach(self) -> dict[str, int]:
        """How many steps of each value are carried."""
        return dict(zip(self.states, self.low, strict=True))

    @property
    def carried(self) -> tuple[tuple[str, int], ...]:
        """The keys of a state, and how many steps each holds."""
        counted = ((self.counter, 1),) if self.counter is not None else ()
        return (*zip(self.states, self.low, strict=True), *counted)


def streaming(system: System) -> Streaming:
    """Looks at every reference of the forward part and of the loss."""
    found = hindrance(system)
    if found is not None:
        return Streaming(found.said, (), (), None)
    by_out = {e.out: e for e in system.equations}
    units = tuple(v.name for v in system.values if v.role == "unit")
    read = needed(by_out, {}, units if system.loss is None else (*units, system.loss))
    carried: dict[str, int] = {}
    outside = halos(system)
    positions = ahead = False
    for name in sorted(read):
        for r in by_out[name].reads:
            positions = positions or r.name.startswith("#")
            for at in r.at:
                ahead = ahead or (at.anchor == "here" and (at.low > 0 or (at.high or 0) > 0))
                if at.anchor == "here" and at.low < 0:
                    carried[r.name] = max(carried.get(r.name, 0), -at.low, outside[r.name, 0][0])
    names = tuple(sorted(carried))
    axis = stepped(system)[0]
    one_step = "1" if len(system.axes) == 1 else f"{{{axis!r}: 1}}"
    reach = tuple(carried[n] for n in names)
    return Streaming(None, names, reach, axis if positions else None, one_step, ahead)
