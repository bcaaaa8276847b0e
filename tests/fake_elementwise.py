"""CuPy's ElementwiseKernel made of g++: a body compiled for the CPU, with T and every other type letter both ways."""

from __future__ import annotations

import ctypes
import itertools
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from fake_library import library

CTYPES = {"double": np.float64, "float": np.float32, "long long": np.int64}
PARAMETER = re.compile(r"(raw )?(\w+) (\w+)")


class ElementwiseKernel:
    """CuPy's: `inputs` and `outputs` declare `T name`, `raw T name` or `int64 name`. `told` hears of every launch."""

    told: Callable[[str], None] = staticmethod(lambda text: None)

    def __init__(
        self, inputs: str, outputs: str, body: str, name: str, preamble: str = "", no_return: bool = False
    ) -> None:
        self.inputs, self.outputs = declared(inputs), declared(outputs)
        names = [n for _, _, n in (*self.inputs, *self.outputs)]
        assert name.isidentifier() and len(set(names)) == len(names) and "i" not in names and no_return
        self.body, self.name, self.preamble = body, name, preamble
        self.entries: dict[tuple[str, ...], Any] = {}
        self.letters = sorted({t for _, t, _ in (*self.inputs, *self.outputs) if len(t) == 1} - {"T"})

    def __call__(self, *arguments: Any) -> None:
        if not self.entries:
            compile_all([self])
        parameters = (*self.inputs, *self.outputs)
        assert len(arguments) == len(parameters), f"{self.name}: {len(arguments)} arguments"
        hosts = [getattr(a, "host", a) for a in arguments]
        types_of = self._types(parameters, hosts)
        plain = [h for (raw, _, _), h in zip(parameters, hosts, strict=True) if not raw and isinstance(h, np.ndarray)]
        shape = np.broadcast_shapes(*(h.shape for h in plain))
        pointers, strides = [], []
        for k, ((raw, kind, name), h) in enumerate(zip(parameters, hosts, strict=True)):
            ctype = types_of.get(kind, "long long")
            if k >= len(self.inputs) and h.shape != shape:
                raise ValueError(f"{self.name}: out `{name}` has shape {h.shape}, the operands {shape}")
            array = np.asarray(h, CTYPES[ctype])
            assert array is h or k < len(self.inputs), f"{self.name}: out `{name}` is {h.dtype}"
            assert not raw or array.flags.c_contiguous, f"{self.name}: raw `{name}` is not contiguous"
            hosts[k] = array
            pointers.append(array.ctypes.data)
            strides += [0] * len(shape) if raw else list(np.broadcast_to(array, shape).strides)
        count = int(np.prod(shape, dtype=np.int64))
        order = np.random.default_rng(count).permutation(count).astype(np.int64)
        whole = np.array([*shape, 1], np.int64)
        type(self).told(f"kernel {self.name}")
        self.entries[tuple(types_of[x] for x in ("T", *self.letters))](
            ctypes.c_longlong(count), ctypes.c_int(len(shape)), whole.ctypes.data_as(ctypes.c_void_p),
            order.ctypes.data_as(ctypes.c_void_p), (ctypes.c_void_p * len(pointers))(*pointers),
            (ctypes.c_longlong * max(1, len(strides)))(*strides),
        )  # fmt: skip

    def _types(self, parameters: Iterable[tuple[bool, str, str]], hosts: list[Any]) -> dict[str, str]:
        """What every type letter stands for; arrays of one letter have one dtype."""
        found: dict[str, Any] = {}
        for (_, kind, name), h in zip(parameters, hosts, strict=True):
            if len(kind) == 1 and isinstance(h, np.ndarray) and found.setdefault(kind, h.dtype) != h.dtype:
                raise TypeError(f"{self.name}: `{name}` is {h.dtype}, {kind} is {found[kind]}")
        names = {np.dtype(v): k for k, v in CTYPES.items()}
        return {k: names.get(v, "long long" if v.kind in "iub" else "double") for k, v in found.items()}

    def source(self) -> str:
        """C functions, one for each meaning of the type letters."""
        parameters = (*self.inputs, *self.outputs)
        other = (("long long", "double"),) * len(self.letters)
        text = []
        for k, kinds in enumerate(itertools.product(("double", "float"), *other)):
            meaning = dict(zip(("T", *self.letters), kinds, strict=True))
            lines = [f'extern "C" void {self.name}_{k}(long long count, int rank, const long long* shape,']
            lines.append("    const long long* order, char** data, const long long* strides) {")
            lines += [f"  typedef {c} {letter};" for letter, c in meaning.items()]
            lines.append("  for (long long turn = 0; turn < count; ++turn) { long long i = order[turn];")
            lines.append(f"    long long rest = i, off[{len(parameters)}] = {{0}};")
            lines.append("    for (int d = rank - 1; d >= 0; rest /= shape[d--])")
            lines.append(f"      for (int a = 0; a < {len(parameters)}; ++a)")
            lines.append("        off[a] += rest % shape[d] * strides[a * rank + d];")
            for a, (raw, kind, name) in enumerate(parameters):
                c, const = kind if len(kind) == 1 else "long long", "const " if a < len(self.inputs) else ""
                place = f"({const}{c}*)(data[{a}] + off[{a}])"
                lines.append(f"    {const}{c} *{name} = {place};" if raw else f"    {const}{c} &{name} = *{place};")
            text.append("\n".join([*lines, "    {", self.body, "    }", "  }", "}"]))
        return "\n".join(text)

    def bind(self, library: ctypes.CDLL) -> None:
        other = (("long long", "double"),) * len(self.letters)
        for k, kinds in enumerate(itertools.product(("double", "float"), *other)):
            self.entries[kinds] = getattr(library, f"{self.name}_{k}")


def declared(text: str) -> tuple[tuple[bool, str, str], ...]:
    """(raw, type, name) of every parameter."""
    found = []
    for part in text.split(",") if text else ():
        match = PARAMETER.fullmatch(part.strip())
        assert match is not None, f"no parameter: {part!r}"
        found.append((bool(match[1]), match[2], match[3]))
    return tuple(found)


def compile_all(kernels: list[ElementwiseKernel]) -> None:
    """All kernels in one call of g++."""
    head = "#include <math.h>\n#define __device__\n"
    preambles = "\n".join(dict.fromkeys(k.preamble for k in kernels))
    text = head + preambles + "\n" + "\n".join(k.source() for k in kernels)
    made = library(text)
    for kernel in kernels:
        kernel.bind(made)
