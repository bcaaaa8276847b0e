"""Everything that needs a GPU, with one command: python tests/gpu/run.py

Reference cases and every spec against the NumPy module, compute-sanitizer on three specs, two runs bit by bit. Prints
what ran and what did not; exits with 0 only where all that was planned ran and passed, or where compute-sanitizer is
all that is missing. `--plan` lists the work, `--only PART` does one part, `--seconds N` stops starting more after that.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE.parent)]

import numpy as np  # noqa: E402
from cases import families, running, stored  # noqa: E402
from mirrored import DRIVERS, IN_SINGLE, Mirrored, OnBoth  # noqa: E402

import rnnc  # noqa: E402

SPECS = sorted((ROOT / "specs").glob("*.rnn"))
TOLERANCE = {np.dtype("float64"): 1e-10, np.dtype("float32"): 1e-4}
BITS = ("lstm", "char_lm", "layer_norm_lstm", "elman_ctc", "attention", "rnn2d")
SANITIZED = ("lstm", "attention", "elman_ctc")
TOOLS = ("memcheck", "racecheck")
SECONDS = 440
"""After so many seconds nothing more is started, so that the whole ends within 8 minutes."""

PARTS = ("spec", "case", "bits", "sanitizer")


@dataclass(frozen=True)
class Job:
    part: str
    name: str


@dataclass(frozen=True)
class Outcome:
    """`failure` is empty where the job passed; `skipped` says why it did not run."""

    job: Job
    seconds: float
    failure: str = ""
    skipped: str = ""


def plan(only: str | None = None) -> tuple[Job, ...]:
    """The work, the longest jobs first."""
    jobs = [Job("spec", path.stem) for path in SPECS]
    jobs += [Job("bits", name) for name in BITS]
    jobs += [Job("sanitizer", f"{tool} {name}") for name in SANITIZED for tool in TOOLS]
    every = (stored.load(group, name) for group in stored.GROUPS for name in stored.names(group))
    jobs += [Job("case", f"{c.group}/{c.name}") for c in every if c.family not in families.REFUSED]
    return tuple(job for job in jobs if only in (None, job.part))


class OnDevice(OnBoth):
    tolerance = TOLERANCE


def perform(job: Job) -> Outcome:
    """One job, in a process of its own or not."""
    begun = time.monotonic()
    failure = skipped = ""
    try:
        skipped = globals()[f"run_{job.part}"](job.name) or ""
    except Exception as wrong:
        last = traceback.extract_tb(wrong.__traceback__)[-1]
        failure = f"{type(wrong).__name__}: {wrong} ({Path(last.filename).name}:{last.lineno})"
    return Outcome(job, time.monotonic() - begun, failure, skipped)


def run_spec(name: str) -> None:
    """Every call of the protocol beside the NumPy module's: 1e-10 of the largest entry in float64, 1e-4 in float32."""
    subject = OnDevice(text_of(name), [path.stem for path in SPECS].index(name))
    for drive in (*DRIVERS, *IN_SINGLE):
        drive(subject)
    assert subject.module.calls >= 4


def run_case(name: str) -> None:
    """A reference case on both modules, and the NumPy module against the case's own numbers."""
    case = stored.load(*name.split("/"))
    with mock.patch.object(running, "compiled", mirrored):
        for stated in families.state(case):
            for run in running.RUNS:
                if run != "padding" or stated.padded:
                    running.check(stated, run)


def mirrored(spec: str) -> Any:
    numpys, device = rnnc.compile_text(spec), rnnc.compile_text(spec, target="cupy")
    return Mirrored(numpys, device, import_module("cupy"), TOLERANCE)


def run_bits(name: str) -> None:
    """Two runs of a batch give the same bits, in two modules built apart."""
    found = [learned(name, dtype) for dtype in ("float32", "float64") for _ in range(2)]
    assert found[0] == found[1] and found[2] == found[3], "two runs differ"


def learned(name: str, dtype: str) -> bytes:
    """Loss and gradients of a ragged batch."""
    cupy = import_module("cupy")
    subject = OnDevice(text_of(name), 0)
    module = rnnc.compile_text(subject.text, target="cupy")
    p = {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in subject.parameters.items()}
    value, grads = module.bptt(p, **subject.ragged.arrays, lengths=subject.ragged.given(subject.system.axes))
    return b"".join(cupy.asnumpy(a).tobytes() for a in (value, *(grads[n] for n in sorted(grads))))


def run_sanitizer(name: str) -> str:
    tool, spec = name.split()
    sanitizer = shutil.which("compute-sanitizer") or shutil.which("/usr/local/cuda/bin/compute-sanitizer")
    if sanitizer is None:
        return "no compute-sanitizer"
    command = [
        sanitizer,
        "--tool",
        tool,
        "--error-exitcode",
        "9",
        sys.executable,
        str(HERE / "run.py"),
        "--learn",
        spec,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, " / ".join(done.stdout.strip().splitlines()[-3:])
    return ""


def text_of(name: str) -> str:
    return (ROOT / "specs" / f"{name}.rnn").read_text(encoding="utf-8")


def missing() -> str:
    """In one line why nothing can run; empty where a GPU is there."""
    try:
        rnnc.compile_text(text_of("elman"), target="cupy").init()
    except (ImportError, RuntimeError) as wrong:
        return str(wrong)
    return ""


def outcomes(jobs: Iterable[Job], seconds: float, workers: int) -> list[Outcome]:
    """All jobs, several processes at a time; those that the time does not reach are said to be skipped."""
    stop = time.monotonic() + seconds
    found: list[Outcome] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = [(job, pool.submit(perform, job)) for job in jobs]
        for job, future in waiting:
            if time.monotonic() > stop and future.cancel():
                found.append(Outcome(job, 0.0, skipped="out of time"))
                continue
            try:
                found.append(future.result())
            except Exception as wrong:
                found.append(Outcome(job, 0.0, f"{type(wrong).__name__}: {wrong}"))
    return found


def table(found: list[Outcome]) -> str:
    """What ran and what did not, by part; then every failure in a line."""
    lines = [f"{'part':<10} {'planned':>7} {'passed':>7} {'failed':>7} {'not run':>7} {'seconds':>8}"]
    for part in PARTS:
        own = [o for o in found if o.job.part == part]
        failed, skipped = sum(bool(o.failure) for o in own), sum(bool(o.skipped) for o in own)
        passed = len(own) - failed - skipped
        lines.append(
            f"{part:<10} {len(own):>7} {passed:>7} {failed:>7} {skipped:>7} {sum(o.seconds for o in own):>8.1f}"
        )
    lines += [f"failed: {o.job.part} {o.job.name}: {' '.join(o.failure.split())[:300]}" for o in found if o.failure]
    lines += [f"not run: {o.job.part} {o.job.name}: {o.skipped}" for o in found if o.skipped]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--plan", action="store_true", help="print the jobs and do nothing")
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="start nothing more after so long")
    parser.add_argument("--workers", type=int, default=min(8, os.cpu_count() or 1), help="processes at a time")
    parser.add_argument("--learn", metavar="SPEC", help="learn once from a batch (what compute-sanitizer watches)")
    given = parser.parse_args(arguments)
    if given.plan:
        print("\n".join(f"{job.part} {job.name}" for job in plan(given.only)))
        return 0
    why = missing()
    if why:
        print(f"nothing ran: {why}")
        return 1
    if given.learn:
        learned(given.learn, "float32")
        return 0
    found = outcomes(plan(given.only), given.seconds, given.workers)
    print(table(found))
    short = [o for o in found if o.failure or (o.skipped and o.job.part != "sanitizer")]
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
