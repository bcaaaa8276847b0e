"""The programs of a rule that goes block by block: what is known before the first block, and one block of steps."""

from __future__ import annotations

from dataclasses import replace

from rnnc.learning.forms import Blockwise, Forward, Rowwise
from rnnc.program.forms import Program
from rnnc.program.guard import guarded
from rnnc.program.lower import arranged, begun, neighbours
from rnnc.program.online import online
from rnnc.program.sections import Parts
from rnnc.program.sinking import together
from rnnc.system.forms import System
from rnnc.system.schedule import schedule


def blockwise(found: Blockwise) -> tuple[Program, ...]:
    """What opens, where there is more than one block, and then the block's own, with all sums."""
    if found.opening is None:
        return (online(Forward(found.system, (), found.refined)),)
    block = replace(_whole(found.system, found.passed), across=found.across, refined=found.refined)
    return (replace(_whole(found.opening), across=found.across, refined=found.refined), block)


def rowwise(found: Rowwise) -> tuple[Program, ...]:
    """What opens and what the last rows of a block come to, where there is any, and then the block's own."""
    parts = (found.opening, found.ending, found.block)
    return tuple(replace(_whole(part), along=found.axis) for part in parts if part is not None)


def _whole(system: System, passed: tuple[str, ...] = ()) -> Program:
    """The program that computes all of a system in one section; what is `passed` back in one loop."""
    system = guarded(system)
    nodes = together(system, neighbours(schedule(system), begun(system)), passed)
    program = arranged(system, Parts((), (), nodes, {}))
    section = next(s for s in program.sections if s.name == "backward")
    return replace(program, sections=(replace(section, name="whole"),))
