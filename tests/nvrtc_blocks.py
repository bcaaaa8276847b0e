"""NVIDIA's run-time compiler without a driver: what a kernel of a CuPy module takes on each architecture."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ARCHITECTURES = ("sm_75", "sm_80", "sm_90")


@dataclass(frozen=True)
class Taken:
    """Of one kernel: registers a thread, bytes of static shared memory a block, bytes a thread keeps or spills to
    local memory."""

    registers: int
    shared: int
    stack: int
    spilled: int


@cache
def compiler() -> ctypes.CDLL | None:
    """The library of the package nvidia-cuda-nvrtc (or of its form for CUDA 12), None where neither is installed."""
    for folder in sys.path:
        for path in sorted(Path(folder).glob("nvidia/*/lib/libnvrtc.so.*")):
            if "builtins" not in path.name and "alt" not in path.name:
                return ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    return None


def taken(code: str, names: Sequence[str], architecture: str) -> dict[str, Taken]:
    """The figures of every kernel, by name expression, compiled as CuPy would. Raises AssertionError with the
    compiler's words."""
    library, program = compiler(), ctypes.c_void_p()
    assert library is not None
    given = library.nvrtcCreateProgram(ctypes.byref(program), code.encode(), b"module.cu", 0, None, None)
    assert given == 0
    for name in names:
        assert library.nvrtcAddNameExpression(program, name.encode()) == 0
    options = [b"-std=c++17", b"-ftz=true", f"-arch={architecture}".encode(), b"--ptxas-options=-v"]
    result = library.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    log = logged(library, program)
    assert result == 0, log
    mangled = {}
    for name in names:
        text = ctypes.c_char_p()
        assert library.nvrtcGetLoweredName(program, name.encode(), ctypes.byref(text)) == 0
        assert text.value is not None
        mangled[text.value.decode()] = name
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return {mangled[word]: own for word, own in figures(log).items() if word in mangled}


def logged(library: ctypes.CDLL, program: ctypes.c_void_p) -> str:
    size = ctypes.c_size_t()
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, text)
    return text.value.decode()


def figures(log: str) -> dict[str, Taken]:
    """What ptxas says, by mangled name."""
    found = {}
    for part in log.split("Function properties for ")[1:]:
        numbers = {
            key: int(match[1]) if (match := re.search(pattern, part)) else 0
            for key, pattern in (
                ("registers", r"Used (\d+) registers"),
                ("shared", r"(\d+) bytes smem"),
                ("stack", r"(\d+) bytes stack frame"),
                ("stores", r"(\d+) bytes spill stores"),
                ("loads", r"(\d+) bytes spill loads"),
            )
        }
        found[part.split()[0]] = Taken(
            numbers["registers"], numbers["shared"], numbers["stack"], numbers["stores"] + numbers["loads"]
        )
    return found
