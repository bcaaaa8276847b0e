"""How long the command line takes from a cold start, beside what it should take.

    python benchmarks/start_up.py [--runs 7]

The least of several runs; each is a process of its own. What the first one compiles of rnnc to bytecode the others
find, as after an installation, whatever PYTHONDONTWRITEBYTECODE says here.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPECS = Path(__file__).resolve().parent.parent / "specs"


def network(name: str, equations: list[str], last: str) -> str:
    """A spec of these equations, whose last is read by an output with a loss."""
    lines = "\n  ".join(equations)
    return (
        f"network {name}(D = 3, H = 4) {{\n  axis n\n  input x[n] : D\n  target t[n] : H\n  {lines}\n"
        f"  output y[n] : H = full({last})\n  loss squared_error(y, t)\n}}\n"
    )


def chain(count: int, recurrent: bool = True) -> str:
    """A network of `count` equations, one on the other, where `recurrent` each with its own past."""
    read = ["x[n]", *(f"u{k}[n]" for k in range(count - 1))]
    past = " + full(u{0}[n-1])" if recurrent else ""
    made = [f"unit u{k}[n] : H = tanh(full({one}){past.format(k)} + bias)" for k, one in enumerate(read)]
    return network("chain", made, f"u{count - 1}")


def ring(count: int) -> str:
    """A network of `count` equations that are one recurrent block."""
    made = [f"unit u{k}[n] : H = tanh(full(u{k - 1}[n]) + bias)" for k in range(1, count)]
    first = f"unit u0[n] : H = tanh(full(x[n]) + full(u{count - 1}[n-1]) + bias)"
    return network("ring", [first, *made], f"u{count - 1}")


def seconds(command: list[str], runs: int, folder: Path) -> float:
    """The least time of some runs."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    nowhere = subprocess.DEVNULL
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=nowhere, stderr=nowhere)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    rnnc = str(Path(sys.executable).with_name("rnnc"))
    lstm = str(SPECS / "lstm.rnn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "chain.rnn").write_text(chain(500), encoding="utf-8")
        (folder / "ring.rnn").write_text(ring(500), encoding="utf-8")
        rows: tuple[tuple[str, list[str], float | None, int], ...] = (
            ("python -c pass", [sys.executable, "-c", "pass"], None, runs),
            ("rnnc --help", [rnnc, "--help"], 0.06, runs),
            ("rnnc check lstm.rnn", [rnnc, "check", lstm], 0.3, runs),
            ("rnnc compile lstm.rnn", [rnnc, "compile", lstm], 1.5, runs),
            ("the same, -s H=4096", [rnnc, "compile", lstm, "-s", "H=4096"], 1.5, runs),
            ("rnnc compile, 500 in a chain", [rnnc, "compile", "chain.rnn"], 10.0, 1),
            ("rnnc compile, 500 in one block", [rnnc, "compile", "ring.rnn"], 10.0, 1),
        )
        print(f"{'command':<32} {'seconds':>8} {'goal':>8}")
        for title, command, goal, count in rows:
            shown = f"{goal:8.2f}" if goal is not None else f"{'-':>8}"
            print(f"{title:<32} {seconds(command, count, folder):8.3f} {shown}", flush=True)


if __name__ == "__main__":
    main()
