"""How a back end writes a run of elementwise equations: the one part of a section that differs between back ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from rnnc.program.forms import Kernel, Loop, Run

if TYPE_CHECKING:
    from rnnc.emit.section import SectionWriter


class KernelSpelling(Protocol):
    """What a back end brings: everything else of a section is calls that NumPy and CuPy share."""

    def run(self, section: SectionWriter, run: Kernel | Run, scans: Mapping[str, str]) -> None:
        """Adds the lines that do `run` inside the given scans (axis to loop variable)."""

    def before_scan(self, section: SectionWriter, loop: Loop) -> None:
        """Adds what has to stand before a loop, the outermost of several."""

    def scan(self, section: SectionWriter, loop: Loop) -> tuple[str, ...] | None:
        """A call, name and arguments, that runs a whole loop and says whether it did; None where there is none."""
