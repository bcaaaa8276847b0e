"""The CuPy back end: NumPy's text on the GPU's arrays, every `Kernel` of the program one CUDA kernel.

Host work (drawing initial values, checking lengths) stays NumPy's; elsewhere `np.` becomes `cp.`.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import replace

from rnnc.emit.api import api
from rnnc.emit.facts import facts
from rnnc.emit.fused import Fused
from rnnc.emit.learners import functions
from rnnc.emit.module import bodies
from rnnc.emit.streaming import streaming
from rnnc.emit.support_text import copied, needed_operations
from rnnc.emit.views import Names
from rnnc.model.forms import Model
from rnnc.program.forms import Program
from rnnc.program.learner import Learner
from rnnc.program.runs import in_runs

HOST_WORDS = (
    "random",
    "ma",
    "integer",
    "dtype",
    "float32",
    "float64",
    "int64",
    "prod",
    "ndim",
    "shape",
    "errstate",
)
HOST_FUNCTIONS = (
    *("init", "draw", "columns", "sizes_of", "mask", "sign_bits", "_asked", "_lengths"),
    *("draw_token", "draw_flags", "draw_mixture", "drawn", "in_a_row", "check_drawing"),
    *("window_ends", "own_lengths"),
)
"""What NumPy does on the host: types and shapes, and functions whose arrays are small and wanted there."""

ON_TOP = (
    ("class Parameters(dict[str, Any]):", "class NamedArrays(dict[str, Any]):"),
    ("class Call:", "class CheckedCall:"),
)
"""Classes that a CuPy module derives its own from."""


def module(model: Model, program: Program, spec: str, learners: tuple[Learner, ...] = ()) -> str:
    """The text of a CuPy module for `program`; `spec` is the author's text, kept in it as SPEC. `learners` are the
    rules it has beside back-propagation."""
    program = in_runs(program)
    learners = tuple(replace(one, programs=tuple(map(in_runs, one.programs))) for one in learners)
    kernels = Fused()
    kernels.source("CUDA")
    names = Names(program, kernels)
    stream = streaming(program.system)
    checkpoints = any(one.rule.form_of == "bptt" for one in learners)
    texts = [without_idle(text) for text in bodies(names, stream, back=not checkpoints)]
    calls = api(model, program, names, stream, checkpoints)
    kernels.source("CUDA_LEARNING")
    learning = "\n\n\n".join(without_idle(text) for text in functions(model, learners, kernels, names, stream))
    networks = "\n\n\n".join(texts)
    shared = "\n\n\n".join(copied(name) for name in ("parameters", "calls"))
    for old, new in ON_TOP:
        assert shared.count(old) == 1
        shared = shared.replace(old, new)
    rules = tuple(one.rule.name for one in learners if not one.rule.form_of)
    head = facts(model, program, names, spec, stream, rules)
    parts = [
        head,
        on_device(shared),
        operations(head + networks + learning),
        alignments() if "Lattice(" in networks else "",
        copied("scans") if kernels.scans.named else "",
        own_versions(copied("generating")) if model.feedbacks else "",
        kernels.text(),
        on_device(networks),
        on_device(calls),
        own_versions(learning) if learning else "",
    ]
    return "\n\n\n".join(p.strip("\n") for p in parts if p.strip()) + "\n"


def pieces(text: str) -> dict[str, str]:
    """The functions, classes and assignments at the top of a file's text, by name."""
    lines = text.split("\n")
    found = {}
    for node in ast.parse(text).body:
        own = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = own
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = own
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = own
    return found


def operations(networks: str) -> str:
    """What the networks call: the GPU's own version where there is one."""
    device = pieces(copied("operations_device"))
    own = [device.get(name, on_device(text)) for name, text in pieces(needed_operations(networks)).items()]
    summing = any("add_rows(" in text for text in own)
    rest = [device[name] for name in ("ROW_SUMS", "segment_sum", "add_rows") if summing]
    return "\n\n\n".join(dict.fromkeys((copied("device"), copied("sources"), *rest, *own)))


def own_versions(text: str) -> str:
    """`text` for the GPU: its own functions in the place of those that have their names."""
    device = pieces(copied("operations_device"))
    return "\n\n\n".join(device.get(name, on_device(own)) for name, own in pieces(text).items())


def alignments() -> str:
    """The loss ctc: its sums in kernels of its own, its checks as in NumPy."""
    checks = on_device(pieces(copied("ctc"))["checked_labels"])
    return "\n\n\n".join((copied("ctc_device"), checks))


def on_device(text: str) -> str:
    """`np.` as `cp.`, but for what the host does; strings and comments as they are."""
    host = {
        row
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.name in HOST_FUNCTIONS
        for row in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = text.split("\n")
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    # from Python 3.12 on the inside of an f-string is tokens too, which no version may rename
    inside = 0
    for first, dot, word in zip(tokens, tokens[1:], tokens[2:], strict=False):
        kind = tokenize.tok_name[first.type]
        inside += (kind == "FSTRING_START") - (kind == "FSTRING_END")
        row, column = first.start
        if inside or row in host or first.string != "np" or dot.string != "." or word.string in HOST_WORDS:
            continue
        lines[row - 1] = lines[row - 1][:column] + "cp" + lines[row - 1][column + 2 :]
    return "\n".join(lines)


def without_idle(text: str) -> str:
    """A function's text less the arrays and views that no line reads: what fusion keeps in registers."""
    while text.startswith("def "):
        kept = []
        for line in text.split("\n"):
            made = re.fullmatch(r"    (\w+) = (np\.empty\(.*\)|\w+\[.*\])", line)
            if (
                made is None
                or len(re.findall(rf"(?<![\w.\"']){made[1]}(?![\w\"'])", text)) > 1
                or f"'{made[1]}'" in text
            ):
                kept.append(line)
        if len(kept) == text.count("\n") + 1:
            break
        text = "\n".join(kept)
    return text
