"""Print how well a trained network does on data: its loss, and what its outputs say of the targets.

The data are as for `rnnc train --data`. Figures go to standard output, one a line, its name before a tab; with
`--format json` as one object, in full precision (null: infinite).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping

from rnnc.commands.arguments import FORMS, Parser, add_reading
from rnnc.commands.weights import add_weights, loaded, opened


def add_arguments(parser: Parser) -> None:
    """SPEC, the weights and the data."""
    parser.add_argument("spec", metavar="SPEC", help="a file, - for standard input, or a shipped network's name")
    add_reading(parser, ("text", *FORMS))
    add_weights(parser)
    parser.add_argument("--window", metavar="N", type=int, help="read so many positions at a time, for long sequences")


def run(arguments: argparse.Namespace) -> int:
    """Compiles, imports, reads and evaluates."""
    from rnnc.commands.failure import Failure
    from rnnc.commands.output import write_result
    from rnnc.runtime.evaluate import evaluate
    from rnnc.runtime.network import UnfitNetwork, why_whole

    if arguments.window is not None and arguments.window < 1:
        raise Failure(f"--window is {arguments.window}; it must be at least 1")
    if arguments.data is None:
        raise Failure("--data is missing", "name the file to evaluate on")
    fitted = loaded(arguments)
    if not hasattr(fitted.module, "bptt"):
        raise Failure("the network has no loss to evaluate")
    if arguments.window is not None and not (hasattr(fitted.module, "start") and len(fitted.module.AXES) == 1):
        why = why_whole(fitted.module)
        raise Failure(f"the network {why}, so it cannot carry its state from window to window: leave --window out")
    try:
        data = opened(arguments, fitted, targets=True)
        score = evaluate(fitted.module, fitted.p, data, batch=arguments.batch, window=arguments.window)
    except UnfitNetwork as error:
        raise Failure(str(error)) from None
    figures = {**score.figures(), "sequences": score.sequences}
    asked = [form for form in arguments.format if form in ("text", "json")]
    write_result(_object(figures) if asked[-1:] == ["json"] else _lines(figures))
    return 0


def _lines(figures: Mapping[str, float]) -> str:
    shown = {name: str(value) if isinstance(value, int) else f"{value:.6g}" for name, value in figures.items()}
    return "".join(f"{name}\t{value}\n" for name, value in shown.items())


def _object(figures: Mapping[str, float]) -> str:
    return json.dumps({name: value if math.isfinite(value) else None for name, value in figures.items()}) + "\n"
