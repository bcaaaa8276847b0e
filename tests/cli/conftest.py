"""Every test of the command line runs in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_specs import FLAT, SPEC, WARNED, WRONG


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder but for a few specs."""
    for name, text in (("small", SPEC), ("wrong", WRONG), ("warned", WARNED), ("flat", FLAT)):
        (tmp_path / f"{name}.rnn").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path
