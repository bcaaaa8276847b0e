"""Write the module of a spec: NumPy and nothing else, with `init`, `forward`, `bptt`, `rtrl`, `start` and `step`.

The module goes to NAME.py in the current folder for a spec NAME.rnn, and to standard output for a spec from
standard input.
"""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from pathlib import Path

from rnnc.commands.arguments import Parser, add_spec
from rnnc.commands.failure import Failure
from rnnc.commands.rules import named_rules, rule_names


def add_arguments(parser: Parser) -> None:
    """SPEC, where to write, and for which library."""
    add_spec(parser)
    parser.add_argument("-o", "--out", metavar="OUT", help="the file to write; - for standard output")
    parser.add_argument("--target", metavar="NAME", default="numpy", help="numpy (the default) or cupy")
    parser.add_argument(
        "--learn",
        metavar="NAMES",
        type=rule_names,
        help="the learning rules it has, as in rtrl,snap1 (bptt, and rtrl if possible)",
    )
    parser.add_argument(
        "--checkpoint",
        action="store_true",
        help="bptt holds about the square root of a sequence's steps, and runs them twice",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where OUT would be changed")


def run(arguments: argparse.Namespace) -> int:
    """Compiles and writes, or compares."""
    from rnnc.commands.complaints import say
    from rnnc.commands.output import refuse_input, write_result
    from rnnc.commands.specification import understand_spec
    from rnnc.compiler import emit
    from rnnc.emit.targets import TARGETS
    from rnnc.suggest import suggest

    targets = {target.name: target for target in TARGETS}
    if arguments.target not in targets:
        meant = suggest(arguments.target, targets)
        hint = f"did you mean `{meant}`?" if meant else f"there are {', '.join(targets)}"
        raise Failure(f"there is no target `{arguments.target}`", hint)
    out = arguments.out or default_out(arguments.spec)
    if arguments.check and out == "-":
        raise Failure("`--check` compares with a file, and OUT is standard output", "name the file with `-o`")
    if not arguments.check:
        refuse_input(out, arguments.spec)
    learn = None if arguments.learn is None else tuple(rule.name for rule in named_rules(arguments.learn))
    text = emit(understand_spec(arguments), arguments.target, learn, arguments.checkpoint)
    if arguments.check:
        return _compare(text, out, arguments)
    if arguments.out is None:
        _spare(out)
    write_result(text, out)
    if out != "-":
        say(f"wrote {out}", arguments)
    return 0


def default_out(spec: str) -> str:
    """The module's file in the current folder: the spec's name, changed as little as `import` needs.

    A module called as one of Python's own, or as numpy, would be imported in its place.
    """
    if spec == "-":
        return "-"
    name = re.sub(r"\W", "_", Path(spec).stem)
    if name[:1].isdigit():
        name = f"_{name}"
    taken = keyword.iskeyword(name) or name in sys.stdlib_module_names or name in ("numpy", "cupy", "rnnc")
    return f"{name}_.py" if taken else f"{name}.py"


def _compare(text: str, out: str, arguments: argparse.Namespace) -> int:
    from rnnc.commands.complaints import say

    try:
        old = Path(out).read_bytes()
    except FileNotFoundError:
        say(f"{out} does not exist", arguments)
        return 1
    if old != text.encode():
        say(f"{out} is not what this version of rnnc makes of {arguments.spec}", arguments)
        return 1
    return 0


def _spare(out: str) -> None:
    """A file that someone else wrote is replaced only where it is named."""
    try:
        with open(out, "rb") as stream:
            first = stream.readline(1000)
    except OSError:
        return  # There is none; whatever else is wrong with it, writing will say.
    if b"rnnc" not in first:
        raise Failure(f"{out} exists, and rnnc did not write it", f"to replace it: `-o {out}`")
