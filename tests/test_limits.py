"""Specs without measure end in a module or a diagnostic in a gigabyte, each in its own process.

How long they take is measured by `benchmarks/limits.py`, whose specs these are; here one that goes on for a minute of
the processor's time is ended, and fails.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent.parent / "benchmarks"))
limits = importlib.import_module("limits")


@pytest.mark.parametrize("name", limits.SPECS)
def test_a_module_or_a_diagnostic(name: str) -> None:
    text, wanted = limits.SPECS[name]
    found = limits.end(text).result
    assert found.startswith((f"{wanted}\n", f"error[{wanted}]: ")), found[:400]
    assert len(found) < 40_000
