"""NVIDIA's compiler takes every kernel of every spec for every architecture, without a spill.

`RNNC_ALL_RULES=1` has the kernels of all learning rules of all specs compiled, for every architecture: a quarter of an
hour. `RNNC_FIGURES=1` prints what each takes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from every_rule import allowed
from nvrtc_blocks import ARCHITECTURES, compiler, figures, taken

from rnnc.compiler import compile_file

SPECS = Path(__file__).resolve().parent.parent / "specs"
NAMES = tuple(sorted(path.stem for path in SPECS.glob("*.rnn")))
ALL_RULES = ("elman", "echo_state", "gru", "learned_delays", "self_recurrent")
"""Specs whose modules are compiled with every learning rule, each for one architecture: cells, sparse connections,
parameters in places."""

needs_nvrtc = pytest.mark.skipif(compiler() is None, reason="no NVRTC: pip install nvidia-cuda-nvrtc-cu12")

seen: set[tuple[str, str]] = set()
"""Architectures and kernels that this process has compiled."""


def kernels(code: str) -> dict[str, str]:
    """Every kernel of a text by its name, with its name left out."""
    found = {}
    for part in re.split(r"^(?=template <typename T>)", code, flags=re.M):
        name = re.search(r"__global__\s+void(?:\s+__launch_bounds__\([^)]*\))?\s+(\w+)\(", part)
        if name:
            found[name[1]] = part.replace(name[1], "kernel")
    return found


def sources(name: str, every: bool) -> tuple[Any, ...]:
    path = SPECS / f"{name}.rnn"
    module = compile_file(path, target="cupy", learn=allowed(path) if every else None)
    return tuple(v for v in vars(module).values() if type(v).__name__ == "Source")


@needs_nvrtc
@pytest.mark.parametrize("name", NAMES)
def test_nothing_spills(name: str) -> None:
    compiled_for(ARCHITECTURES, sources(name, "RNNC_ALL_RULES" in os.environ), name)


@needs_nvrtc
@pytest.mark.parametrize("name", ALL_RULES)
def test_nothing_of_any_rule_spills(name: str) -> None:
    compiled_for((ARCHITECTURES[ALL_RULES.index(name) % len(ARCHITECTURES)],), sources(name, True), name)


def compiled_for(architectures: tuple[str, ...], every: tuple[Any, ...], name: str) -> None:
    """Both dtypes. Registers for as many threads as are launched: 1024 of a walk over labels, 256 of all else. A kernel
    that another spec has had word for word is not compiled again."""
    for source in every:
        texts = kernels(source.code)
        assert set(texts) == set(source.kernels)
        for architecture in architectures:
            new = [own for own in source.kernels if (architecture, texts[own]) not in seen]
            wanted = tuple(f"{own}<{kind}>" for own in new for kind in ("float", "double"))
            if not wanted:
                continue
            found = taken(source.code, wanted, architecture)
            assert set(found) == set(wanted)
            for kernel, own in found.items():
                assert own.stack == own.spilled == 0, f"{kernel}, {architecture}: {own}"
                assert own.registers <= (64 if "walk" in texts else 255), f"{kernel}, {architecture}: {own}"
                if "RNNC_FIGURES" in os.environ:
                    print(architecture, name, kernel, own)
            seen.update((architecture, texts[own]) for own in new)


def test_every_form_of_kernel_is_there() -> None:
    """Scans, sums over alignments, sums of rows, equations, and those that only a learning rule has."""
    found = [source for name in ("elman_ctc", "elman") for source in sources(name, name == "elman")]
    assert sum("__ldcg" in source.code for source in found) == 2
    assert any("walk" in kernels(source.code) for source in found)
    found = [source for source in sources("char_lm", False) if "segment_sum" in kernels(source.code)]
    assert len(found) == 1


def test_figures_are_read_from_what_ptxas_says() -> None:
    log = (
        "ptxas info    : Compiling entry function '_Z1fIfEvPT_' for 'sm_80'\n"
        "ptxas info    : Function properties for _Z1fIfEvPT_\n"
        "    16 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads\n"
        "ptxas info    : Used 34 registers, used 1 barriers, 96 bytes smem, 480 bytes cmem[0]\n"
    )
    (own,) = figures(log).values()
    assert (own.registers, own.shared, own.stack, own.spilled) == (34, 96, 16, 12)
