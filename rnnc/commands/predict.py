"""Write the outputs of a trained network: for a file of data, or row by row for what comes on standard input.

`rnnc predict SPEC --weights W --data D -o out.npz` writes arrays, with `lengths` where sequences differ; `-o
out.jsonl` a sequence a line. `rnnc predict SPEC --weights W -` answers every row of standard input (a table with a
line of names, or JSON objects) with a row on standard output, at once.
"""

from __future__ import annotations

import argparse
import io

from rnnc.commands.arguments import Parser, add_spec
from rnnc.commands.failure import Failure
from rnnc.commands.weights import add_weights, loaded, opened


def add_arguments(parser: Parser) -> None:
    """SPEC, the weights, and where inputs come from and outputs go."""
    add_spec(parser)
    parser.add_argument("rows", metavar="-", nargs="?", help="read rows from standard input")
    add_weights(parser)
    parser.add_argument("-o", "--out", metavar="FILE", help="a .npz or .jsonl file; the latter also - (the default)")


def run(arguments: argparse.Namespace) -> int:
    """Compiles, imports, and predicts."""
    rows = arguments.rows == "-" or arguments.data == "-"
    if arguments.rows not in (None, "-"):
        raise Failure(f"unexpected `{arguments.rows}`", "name a file with --data, or give - for standard input")
    if rows and arguments.data not in (None, "-"):
        raise Failure("give --data or -, not both")
    if rows:
        return _stream(arguments)
    if arguments.data is None:
        raise Failure("there is nothing to predict from", "name a file with --data, or give - for standard input")
    return _whole(arguments)


def _whole(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from rnnc.commands.complaints import say
    from rnnc.commands.output import refuse_input, write_result
    from rnnc.runtime.predict import predict
    from rnnc.runtime.weights import WeightsError, save_weights

    out = arguments.out or "-"
    if out != "-" and not out.endswith((".npz", ".jsonl")):
        table = (
            "; a table comes of rows: `- < DATA.csv > OUT.csv` for `--data` and `-o`" if out.endswith(".csv") else ""
        )
        raise Failure(f"cannot write {out}: unknown format", f"the suffix must be .npz or .jsonl{table}")
    refuse_input(out, arguments.spec, arguments.weights, arguments.data)
    fitted = loaded(arguments)
    data = opened(arguments, fitted, targets=False)
    found = predict(fitted.module, fitted.p, data, batch=arguments.batch)
    if out.endswith(".npz"):
        try:
            save_weights(Path(out), found.arrays())
        except WeightsError as error:
            raise Failure(str(error)) from None
    else:
        write_result("".join(found.lines()), out)
    if out != "-":
        say(f"wrote {out}", arguments)
    return 0


def _stream(arguments: argparse.Namespace) -> int:
    import sys

    from rnnc.runtime.data import DataError
    from rnnc.runtime.network import UnfitNetwork
    from rnnc.runtime.stream import stream

    if arguments.out not in (None, "-"):
        raise Failure("rows are answered on standard output", f"instead of `-o {arguments.out}`: `> {arguments.out}`")
    if sys.stdin is None:
        raise Failure("standard input is closed")
    if arguments.spec == "-":
        raise Failure("SPEC and the rows cannot both come from standard input")
    fitted = loaded(arguments)
    source = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", newline="")
    try:
        stream(fitted.module, fitted.p, source, sys.stdout)
    except (DataError, UnfitNetwork) as error:
        raise Failure(str(error)) from None
    finally:
        source.detach()
    return 0
