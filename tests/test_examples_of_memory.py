"""Digits by rows, sunspots, the temporal rule and long memory run in their short form and print a table."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("name", "needs", "lines"),
    [
        ("digits_rows", "sklearn", ("linear model of 64 pixels", "LSTM, row by row")),
        (
            "sunspots",
            "statsmodels",
            ("persistence", "linear autoregression, 9 years", "LSTM", "the four together"),
        ),
        ("temporal_rule", "", ("guessing", "window of five", "Elman", "LSTM")),
        ("long_memory", "", ("always 1, guessing", "Elman", "LSTM")),
    ],
)
def test_an_example_in_its_short_form(name: str, needs: str, lines: tuple[str, ...]) -> None:
    if needs and importlib.util.find_spec(needs) is None:
        pytest.skip(f"needs {needs}: pip install 'rnnc[examples]'")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py"), "--quick"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    for line in lines:
        assert any(shown.startswith(f"  {line}") for shown in done.stdout.splitlines()), done.stdout
