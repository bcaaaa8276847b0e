"""Everything that needs a GPU, with one command: python tests/gpu/run.py

Reference cases, every spec and every learning rule against the NumPy module, compute-sanitizer on three specs, two runs
bit by bit; in processes of their own, so that none that hangs or dies takes another with it. Prints what ran and what
did not; exits with 0 only where all that was planned ran and passed, or where compute-sanitizer is all that is missing.
`--plan` lists the work, `--only PART` does one part, `--seconds N` stops starting more after that.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE.parent)]

import numpy as np  # noqa: E402
from cases import families, running, stored  # noqa: E402
from every_rule import allowed_in  # noqa: E402
from mirrored import DRIVERS, IN_SINGLE, Mirrored, OnBoth, learn, ragged  # noqa: E402
from recurrences import TEXTS  # noqa: E402

import rnnc  # noqa: E402

SPECS = sorted((ROOT / "specs").glob("*.rnn"))
TOLERANCE = {np.dtype("float64"): 1e-10, np.dtype("float32"): 1e-4}
BITS = ("lstm", "char_lm", "layer_norm_lstm", "elman_ctc", "attention", "rnn2d")
SANITIZED = ("lstm", "attention", "elman_ctc")
TOOLS = ("memcheck", "racecheck")
SECONDS = 400
"""After so many seconds nothing more is started, and 60 later nothing goes on, so that the whole ends in 8 minutes."""

LONGEST, LATEST = 150, 60
"""Seconds after which a process is taken to hang, and those that it has when nothing more is started."""
# NumPy's threads of several processes would wait for each other
SHARED = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
TOGETHER = 8
"""Reference cases of one process."""

PARTS = ("spec", "rule", "case", "bits", "sanitizer")


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
    jobs = [Job("rule", name) for name in TEXTS]
    jobs += [Job("spec", path.stem) for path in SPECS]
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
    """Every call of the protocol beside the NumPy module's: 1e-10 of the largest entry in float64, 1e-4 in float32;
    a ragged batch once more with its scans step by step."""
    number = [path.stem for path in SPECS].index(name)
    subject, plain = (OnDevice(text_of(name), number) for _ in range(2))
    for drive in (*DRIVERS, *IN_SINGLE):
        drive(subject)
    assert subject.module.calls >= 4
    if hasattr(plain.module.device, "Scan"):
        plain.module.device.Scan.MOST = 0
        ragged(plain)


def run_rule(name: str) -> None:
    """Every learning rule, for one kind of recurrence."""
    rules = allowed_in(TEXTS[name])
    subject = OnDevice(TEXTS[name], 1, ("bptt", *rules))
    for rule in rules:
        learn(subject, rule)


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
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST - 10, check=False)
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
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(lambda some: apart(some, stop), parcels(tuple(jobs)))
    return [outcome for own in found for outcome in own]


def parcels(jobs: tuple[Job, ...]) -> list[tuple[Job, ...]]:
    """The jobs of each process: cases are short, and share one."""
    cases = [job for job in jobs if job.part == "case"]
    several = [tuple(cases[k : k + TOGETHER]) for k in range(0, len(cases), TOGETHER)]
    return [(job,) for job in jobs if job.part != "case"] + several


def apart(jobs: tuple[Job, ...], stop: float) -> list[Outcome]:
    """Jobs in a process of their own, which is ended where it hangs."""
    begun = time.monotonic()
    if begun > stop:
        return [Outcome(job, 0.0, skipped="out of time") for job in jobs]
    command = [sys.executable, str(Path(__file__).resolve()), "--jobs", *(f"{job.part} {job.name}" for job in jobs)]
    limit = min(LONGEST, stop + LATEST - begun)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False, env=SHARED)
        text, last = done.stdout, (done.stderr.strip().splitlines() or [""])[-1]
        why = f"its process ended with status {done.returncode}: {last}"
    except subprocess.TimeoutExpired as late:
        text = late.stdout.decode() if isinstance(late.stdout, bytes) else late.stdout or ""
        why = f"still ran after {limit:.0f} s"
    return told(text, jobs, why, time.monotonic() - begun)


def told(text: str, jobs: tuple[Job, ...], why: str, seconds: float) -> list[Outcome]:
    """What a process says of its jobs, a line of JSON each; the first of which it says nothing failed, for `why`."""
    found = []
    for line in text.splitlines():
        if line.startswith('{"job"'):
            own = json.loads(line)
            found.append(Outcome(**{**own, "job": Job(**own["job"])}))
    rest = [job for job in jobs if job not in {outcome.job for outcome in found}]
    found += [Outcome(job, seconds, why) for job in rest[:1]]
    return found + [Outcome(job, 0.0, skipped="the process had ended") for job in rest[1:]]


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
    parser.add_argument(
        "--workers", type=int, default=max(1, min(14, (os.cpu_count() or 1) - 2)), help="processes at a time"
    )
    parser.add_argument("--learn", metavar="SPEC", help="learn once from a batch (what compute-sanitizer watches)")
    parser.add_argument("--jobs", nargs="+", metavar="JOB", help="these alone, in this process, a line of JSON each")
    given = parser.parse_args(arguments)
    if given.plan:
        print("\n".join(f"{job.part} {job.name}" for job in plan(given.only)))
        return 0
    if given.jobs:
        for job in (Job(*text.split(" ", 1)) for text in given.jobs):
            print("\n" + json.dumps(asdict(perform(job))), flush=True)
        return 0
    why = missing()
    if why:
        print(f"nothing ran: {why}")
        return 1
    if given.learn:
        # every array in memory of its own: what lies beyond one is in none, as compute-sanitizer has to see
        import_module("cupy").cuda.set_allocator(None)
        learned(given.learn, "float32")
        return 0
    found = outcomes(plan(given.only), given.seconds, given.workers)
    print(table(found))
    short = [o for o in found if o.failure or (o.skipped and o.job.part != "sanitizer")]
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
