"""The command line: which verb is meant, and what its end means as an exit status. No logic.

0: done. 1: the spec is wrong, or `--check` found a difference. 2: usage, or a file that cannot be read or
written. 3: a mistake in rnnc itself. Ended by a signal or a closed pipe: 128 and the signal's number.

A verb is a module of `rnnc.commands` with `add_arguments` and `run`, imported when it is asked for: `rnnc
--help` imports no verb.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import rnnc
from rnnc.commands.failure import Failure

if TYPE_CHECKING:
    import argparse

    from rnnc.commands.arguments import Parser

DONE, WRONG, USAGE, BUG, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 130, 141

BEYOND_MEMORY = ("Maximum allowed dimension exceeded", "array is too big", "maximum supported dimension")
"""What NumPy says of an array with more entries than an address has bits for."""

VERBS: tuple[tuple[str, str], ...] = (
    ("check", "say what is wrong with a spec"),
    ("compile", "write the NumPy module of a spec"),
    ("graph", "draw a network, folded or unrolled"),
    ("derive", "print the equations of a network and of its gradient"),
    ("plan", "say what learning will cost, before anything runs"),
    ("fidelity", "say how near each learning rule's gradient comes to the exact one"),
    ("train", "train a network on data, or on a text"),
    ("eval", "say how well a trained network does on data"),
    ("predict", "print what a trained network makes of data, or of what comes in row by row"),
    ("generate", "let a trained network go on by itself: text, or arrays"),
    ("dump", "print one of the forms a spec goes through"),
    ("explain", "print the rule behind a diagnostic's code"),
)

HELP = """\
usage: rnnc VERB [options] ...

A compiler of recurrent networks: equations in, a plain NumPy module with exact gradients out.

{verbs}

rnnc VERB --help shows the options of a verb; rnnc --version the version.
SPEC is a file, - for standard input, or the name of a shipped network, such as lstm.
"""


class Command(Protocol):
    """What the module of a verb holds; its docstring is the verb's help."""

    __doc__: str | None

    def add_arguments(self, parser: Parser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


def command(verb: str) -> Command | None:
    """The module of a verb; None where there is no such verb."""
    match verb:
        case "check":
            from rnnc.commands import check

            return check
        case "compile":
            from rnnc.commands import compile

            return compile
        case "graph":
            from rnnc.commands import graph

            return graph
        case "derive":
            from rnnc.commands import derive

            return derive
        case "plan":
            from rnnc.commands import plan

            return plan
        case "fidelity":
            from rnnc.commands import fidelity

            return fidelity
        case "train":
            from rnnc.commands import train

            return train
        case "eval":
            from rnnc.commands import eval

            return eval
        case "predict":
            from rnnc.commands import predict

            return predict
        case "generate":
            from rnnc.commands import generate

            return generate
        case "dump":
            from rnnc.commands import dump

            return dump
        case "explain":
            from rnnc.commands import explain

            return explain
    return None


def run(argv: Sequence[str]) -> int:
    """Do what the arguments ask (without the program's name); returns the exit status, raises nothing."""
    try:
        status = _dispatch(list(argv))
        sys.stdout.flush()
        return status
    except Failure as failure:
        return _say(failure.text(), USAGE)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _leave_stdout()
        return PIPE_CLOSED
    except MemoryError:
        return _say("error: not enough memory\n", USAGE)
    except OSError as problem:
        _leave_stdout()
        return _say(f"error: {_reason(problem)}\n", USAGE)
    except Exception as bug:
        if isinstance(bug, ValueError) and str(bug).startswith(BEYOND_MEMORY):
            return _say("error: not enough memory\n", USAGE)
        return _say(_report(bug), BUG)


def _dispatch(argv: list[str]) -> int:
    first = argv[0] if argv else ""
    if first in ("-h", "--help"):
        print(_help(), end="")
        return DONE
    if first == "--version":
        print(f"rnnc {rnnc.__version__}")
        return DONE
    verb = command(first)
    if verb is None:
        raise _unknown(argv)
    from rnnc.commands.arguments import Parser
    from rnnc.commands.complaints import show_rejected
    from rnnc.diagnostics import Rejected

    parser = Parser(prog=f"rnnc {first}", description=verb.__doc__)
    verb.add_arguments(parser)
    arguments = parser.read(argv[1:])
    if arguments is None:
        return DONE
    try:
        return verb.run(arguments)
    except Rejected as rejected:
        show_rejected(rejected, arguments)
        return WRONG


def _help() -> str:
    return HELP.format(verbs="\n".join(f"  {name:<9} {summary}" for name, summary in VERBS))


def _unknown(argv: list[str]) -> Failure:
    from rnnc.suggest import suggest

    if not argv:
        return Failure("no verb is given", _help())
    first = argv[0]
    if first.endswith(".rnn"):
        return Failure(f"`{first}` is no verb", f"write `rnnc compile {first}`")
    if first.startswith("-"):
        return Failure(f"unknown option `{first}`", "`rnnc --help` lists the verbs; options follow the verb")
    meant = suggest(first, dict(VERBS))
    hint = f"did you mean `rnnc {meant}`?" if meant else "`rnnc --help` lists the verbs"
    return Failure(f"`{first}` is no verb", hint)


def _reason(problem: OSError) -> str:
    place = f"{problem.filename}: " if problem.filename is not None else ""
    return f"{place}{problem.strerror or problem}".splitlines()[0]


def _report(bug: Exception) -> str:
    import traceback

    frames = traceback.extract_tb(bug.__traceback__)
    here = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"
    text = (
        f"error: rnnc {rnnc.__version__} made a mistake of its own, at {here}; "
        "please report it with the spec (RNNC_DEBUG=1 shows the traceback)\n"
    )
    if os.environ.get("RNNC_DEBUG", "") not in ("", "0"):
        text = "".join(traceback.format_exception(bug)) + text
    return text


def _say(text: str, status: int) -> int:
    from rnnc.commands.complaints import tell

    tell(text)
    return status


def _leave_stdout() -> None:
    """What could not be written would be tried again, and complained about, when the process ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass  # A stream without a file is not flushed at the end.
