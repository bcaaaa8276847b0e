"""The examples in their quick form: they run, and print the figures they promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def shown(name: str, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py"), *words]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_char_lm() -> None:
    said = shown("char_lm", "--quick")
    for corpus in said.split("\n\n")[0], "standard library":
        assert corpus in said
    figures = [float(x) for x in re.findall(r"^  \S.*?(\d+\.\d{3})$", said, re.M)]
    assert len(figures) == 2 * 9
    for one, two, three, *longer, network in (figures[:9], figures[9:]):
        assert 7 > one > two > three > min(longer) > 1
        assert network < one + 0.3, "as good as counting characters, nearly"
    stages = re.findall(r"^(pydoc|standard library) +(0|25|50|75)% .*: ['\"]", said, re.M)
    for corpus in "pydoc", "standard library":
        # shares of the time: a step that takes long on a busy machine may pass one by
        shown_at = [int(share) for name, share in stages if name == corpus]
        assert shown_at[0] == 0 and len(shown_at) > 1 and shown_at == sorted(set(shown_at))


def test_dates() -> None:
    said = shown("dates", "--quick")
    costs = [float(x) for x in re.findall(r"(\d\.\d{3}) nats", said)]
    assert len(costs) == 7 and costs[-1] < 0.8 * costs[0]
    assert "Wednesday, January 7 1998" in said and "7/1/1998" in said
    rows = re.findall(r"^[0-9-]  ([.#0-9]+)$", said, re.M)
    assert [len(row) for row in rows] == [25] * 10 + [8] * 10
