"""The program of a rule that learns forward in time: one section, in which influences live in loops of their own."""

from __future__ import annotations

from dataclasses import replace

from rnnc.learning.forms import Estimate, Forward
from rnnc.program.forms import Program
from rnnc.program.guard import guarded
from rnnc.program.lower import arranged, begun, neighbours
from rnnc.program.sections import Parts
from rnnc.program.sinking import sunk
from rnnc.system.schedule import schedule


def online(forward: Forward | Estimate) -> Program:
    """The program that gives the loss, the gradients and what is carried on of `forward`."""
    system = guarded(forward.system)
    loop = forward.loop if isinstance(forward, Estimate) else ()
    nodes = sunk(system, neighbours(schedule(system), begun(system)), (*(h.name for h in forward.held), *loop))
    program = arranged(system, Parts((), (), nodes, {}))
    section = next(s for s in program.sections if s.name == "backward")
    return replace(program, sections=(replace(section, name="whole"),), held=forward.held, refined=forward.refined)
