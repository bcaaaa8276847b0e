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
    assert parts == {"spec": len(run.SPECS), "case": 187, "bits": 6, "sanitizer": 6}
    assert {job.part for job in run.plan("case")} == {"case"}


def test_without_a_gpu(run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert run.main([]) == 1
    said = capsys.readouterr().out
    assert said.startswith("nothing ran: ") and said.count("\n") == 1 and "'cupy-cuda12x[ctk]' for CUDA 12" in said


@needs_compiler
def test_its_jobs_on_the_stand_in(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake_gpu.gpu())
    jobs = [run.Job("spec", "perceptron"), run.Job("bits", "elman"), run.plan("case")[0]]
    assert [run.perform(job).failure for job in jobs] == ["", "", ""]


@needs_compiler
def test_it_sees_other_numbers(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu: Any = fake_gpu.gpu()
    monkeypatch.setitem(sys.modules, "cupy", gpu)
    told = gpu.asnumpy
    gpu.asnumpy = lambda a: told(a) * (1 + 1e-9)
    assert "not equal to tolerance" in run.perform(run.Job("spec", "perceptron")).failure.lower()


def test_its_table(run: ModuleType) -> None:
    job = run.Job("case", "torch/lstm")
    text = run.table([run.Outcome(job, 1.0), run.Outcome(job, 2.0, "a: b"), run.Outcome(job, 0.0, skipped="no time")])
    lines = text.splitlines()
    assert lines[2].split() == ["case", "3", "1", "1", "1", "3.0"]
    assert lines[-2:] == ["failed: case torch/lstm: a: b", "not run: case torch/lstm: no time"]
