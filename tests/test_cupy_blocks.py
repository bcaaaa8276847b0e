"""Kernels whose threads work together: NVIDIA's compiler takes them for every architecture, without a spill."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from nvrtc_blocks import ARCHITECTURES, compiler, figures, taken

from rnnc.compiler import compile_file

SPECS = Path(__file__).resolve().parent.parent / "specs"
NAMES = tuple(sorted(path.stem for path in SPECS.glob("*.rnn")))

needs_nvrtc = pytest.mark.skipif(compiler() is None, reason="no NVRTC: pip install nvidia-cuda-nvrtc")


@cache
def sources(name: str) -> tuple[Any, ...]:
    module = compile_file(SPECS / f"{name}.rnn", target="cupy")
    return tuple(v for v in vars(module).values() if type(v).__name__ == "Source" and "__sync" in v.code)


@needs_nvrtc
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nothing_spills(architecture: str) -> None:
    """Every text of kernels of every spec, once. Registers for as many threads as are launched: 1024 of a walk over
    labels, 256 of a whole scan."""
    texts = {s.code: s for name in NAMES for s in sources(name)}
    assert any(s.together for s in texts.values()) and not all(s.together for s in texts.values())
    for code, source in texts.items():
        names = (*source.names("float"), *source.names("double"))
        found = taken(code, names, architecture)
        assert set(found) == set(names)
        for name, own in found.items():
            assert own.stack == own.spilled == 0, f"{name}: {own}"
            assert own.registers <= (255 if source.together else 64), f"{name}: {own}"
            if "RNNC_FIGURES" in os.environ:
                print(architecture, name, own)


def test_figures_are_read_from_what_ptxas_says() -> None:
    log = (
        "ptxas info    : Compiling entry function '_Z1fIfEvPT_' for 'sm_80'\n"
        "ptxas info    : Function properties for _Z1fIfEvPT_\n"
        "    16 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads\n"
        "ptxas info    : Used 34 registers, used 1 barriers, 96 bytes smem, 480 bytes cmem[0]\n"
    )
    (own,) = figures(log).values()
    assert (own.registers, own.shared, own.stack, own.spilled) == (34, 96, 16, 12)
