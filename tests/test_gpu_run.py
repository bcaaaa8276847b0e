"""The script for machines with a GPU, where there is none: its plan, its comparisons on the stand-in, its words."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import fake_gpu
import pytest

PATH = Path(__file__).resolve().parent / "gpu" / "run.py"

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to run kernels on the CPU")


@pytest.fixture(scope="module")
def run() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_run", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_run"] = module
    spec.loader.exec_module(module)
    return module


def test_the_plan_has_every_spec_and_every_case(run: ModuleType) -> None:
    parts = Counter(job.part for job in run.plan())
    assert parts == {"spec": len(run.SPECS), "rule": 6, "case": 187, "bits": 6, "sanitizer": 6}
    assert {job.part for job in run.plan("case")} == {"case"}


def test_without_a_gpu(run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert run.main([]) == 1
    said = capsys.readouterr().out
    assert said.startswith("nothing ran: ") and said.count("\n") == 1 and "'cupy-cuda12x[ctk]' for CUDA 12" in said


@needs_compiler
def test_its_jobs_on_the_stand_in(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake_gpu.gpu())
    monkeypatch.setitem(fake_gpu.DEVICE, "CooperativeLaunch", 1)
    jobs = [run.Job("spec", "elman"), run.Job("rule", "element-wise"), run.Job("bits", "elman"), run.plan("case")[0]]
    assert [run.perform(job).failure for job in jobs] == [""] * 4


@needs_compiler
def test_what_compute_sanitizer_watches(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each array in memory of its own: of CuPy's pool, what lies beyond an array is another's."""
    gpu: Any = fake_gpu.gpu()
    given: list[Any] = []
    gpu.cuda.set_allocator = given.append
    monkeypatch.setitem(sys.modules, "cupy", gpu)
    assert run.main(["--learn", "elman"]) == 0 and given == [None]


@needs_compiler
def test_it_sees_other_numbers(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu: Any = fake_gpu.gpu()
    monkeypatch.setitem(sys.modules, "cupy", gpu)
    told = gpu.asnumpy
    gpu.asnumpy = lambda a: told(a) * (1 + 1e-9)
    assert "not equal to tolerance" in run.perform(run.Job("spec", "perceptron")).failure.lower()


def test_every_job_is_in_one_parcel(run: ModuleType) -> None:
    parcels = run.parcels(run.plan())
    assert sorted((j.part, j.name) for own in parcels for j in own) == sorted((j.part, j.name) for j in run.plan())
    assert max(map(len, parcels)) == run.TOGETHER and all(len(p) == 1 for p in parcels if p[0].part != "case")


def test_a_process_that_hangs_or_dies(run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What it said before counts; the job it was at has failed, the rest did not run; the next process is its own."""
    script = tmp_path / "run.py"
    first = """import json, os, sys, time
part, name = sys.argv[2].split(" ", 1)
job = {"part": part, "name": name}
print(json.dumps({"job": job, "seconds": 1.0, "failure": "", "skipped": ""}), flush=True)
if name == "hangs": time.sleep(60)
if name == "dies": os.abort()
"""
    script.write_text(first, encoding="utf-8")
    monkeypatch.setattr(run, "__file__", str(script))
    monkeypatch.setattr(run, "LONGEST", 1)
    for name, why in (("hangs", "still ran after 1 s"), ("dies", "its process ended with status -6")):
        jobs = tuple(run.Job("case", word) for word in (name, "second", "third"))
        found = run.outcomes(jobs, 60.0, 2)
        assert [o.job for o in found] == list(jobs)
        assert (found[0].failure, found[0].skipped, found[0].seconds) == ("", "", 1.0)
        assert why in found[1].failure and found[2].skipped == "the process had ended"
    assert [o.skipped for o in run.outcomes(jobs, -1.0, 2)] == ["out of time"] * 3


def test_jobs_in_a_process_of_their_own(run: ModuleType) -> None:
    """As far as it gets without a GPU: each job is answered for."""
    jobs = (run.Job("bits", "elman"), run.Job("rule", "dense"))
    if run.missing():
        assert all("CuPy" in o.failure or "cupy" in o.failure for o in run.outcomes(jobs, 60.0, 2))


def test_its_table(run: ModuleType) -> None:
    job = run.Job("case", "torch/lstm")
    text = run.table([run.Outcome(job, 1.0), run.Outcome(job, 2.0, "a: b"), run.Outcome(job, 0.0, skipped="no time")])
    lines = text.splitlines()
    assert lines[3].split() == ["case", "3", "1", "1", "1", "3.0"]
    assert lines[-2:] == ["failed: case torch/lstm: a: b", "not run: case torch/lstm: no time"]
