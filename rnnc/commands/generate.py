"""Let a trained network go on by itself, by the `feedback` of its spec: text, or arrays.

`rnnc generate SPEC --weights W --prime "The "` prints text by the vocabulary that stands beside the weights. Of other
networks, `-o out.npz` holds what was made and the outputs it was made from, `-o out.csv` (or - for standard output) a
step a line. `--data given.npz` has arrays by the names of the spec: first steps of what is fed back, all of the others.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from rnnc.commands.arguments import Parser, add_spec
from rnnc.commands.failure import Failure

if TYPE_CHECKING:
    from rnnc.runtime.fit import Fitted


def add_arguments(parser: Parser) -> None:
    """SPEC, the weights, where to begin, how much to make and how to draw it."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    add_spec(parser)
    parser.add_argument("--weights", metavar="FILE", required=True, help="what `rnnc train` wrote")
    parser.add_argument("--prime", metavar="TEXT", help="the text to go on from; a line end is the default")
    parser.add_argument("--data", metavar="FILE", help="a .npz of first steps and other inputs, where it is no text")
    parser.add_argument("--length", metavar="N", type=int, default=500, help="characters, words or steps (500)")
    parser.add_argument("--temperature", metavar="N", type=float, default=0.8, help="0 takes the likeliest (0.8)")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of what is drawn (0)")
    parser.add_argument("-o", "--out", metavar="FILE", default="-", help="a file; - is standard output (the default)")


def run(arguments: argparse.Namespace) -> int:
    """Compiles, imports and generates."""
    from rnnc.commands.output import refuse_input
    from rnnc.commands.weights import loaded
    from rnnc.runtime.network import UnfitNetwork
    from rnnc.runtime.sampling import writes_text

    refuse_input(arguments.out, arguments.spec, arguments.weights, arguments.data)
    arguments.batch = 1
    fitted = loaded(arguments)
    if not hasattr(fitted.module, "generate"):
        raise Failure("the network does not say how it makes its next input", "write `feedback x[n+1] = ...`")
    if arguments.length < 1:
        raise Failure(f"--length is {arguments.length}; it must be at least 1")
    try:
        if writes_text(fitted.module) is not None and "vocabulary" in fitted.notes:
            _text(fitted, arguments)
        else:
            _arrays(fitted, arguments)
    except (ValueError, UnfitNetwork) as error:
        raise Failure(str(error)) from None
    return 0


def _text(fitted: Fitted, arguments: argparse.Namespace) -> None:
    import json

    from rnnc.commands.output import write_result
    from rnnc.runtime.sampling import sample_text

    if arguments.data is not None:
        raise Failure("--data is for networks that make no text", "begin with --prime")
    text = sample_text(
        fitted.module,
        fitted.p,
        tuple(json.loads(fitted.notes["vocabulary"])),
        length=arguments.length,
        temperature=arguments.temperature,
        seed=arguments.seed,
        prime=arguments.prime,
        unit=fitted.notes.get("unit", "characters"),
    )
    write_result(f"{arguments.prime or ''}{text}\n", arguments.out)


def _arrays(fitted: Fitted, arguments: argparse.Namespace) -> None:
    from pathlib import Path

    from rnnc.commands.output import write_result
    from rnnc.runtime.not_finite import first_not_finite
    from rnnc.runtime.weights import load_weights, save_weights

    if arguments.prime is not None:
        raise Failure("--prime is a text, and these weights have no vocabulary", "begin with --data")
    if arguments.out != "-" and not arguments.out.endswith((".npz", ".csv")):
        raise Failure(f"cannot write {arguments.out}: unknown format", "the suffix must be .npz or .csv")
    data = arguments.data
    if data is not None and not data.endswith(".npz"):
        raise Failure(f"cannot read {data}: unknown format", "the suffix must be .npz")
    given = {} if data is None else dict(load_weights(Path(data)).arrays)
    module: Any = fitted.module
    for name in given:
        if name not in module.INPUTS:
            raise Failure(f"{data}: `{name}` is no input; they are {', '.join(module.INPUTS)}")
    bad = first_not_finite(given)
    if bad:
        raise Failure(f"{data}: input {bad}")
    prefix = {name: given.pop(name) for name in module.FEEDBACK if name in given}
    drawing = {"seed": arguments.seed, "temperature": arguments.temperature}
    made = module.generate(fitted.p, arguments.length, prefix=prefix, **drawing, **given)
    del made["state"]
    if arguments.out.endswith(".npz"):
        save_weights(Path(arguments.out), made)
    else:
        write_result("".join(_lines(made, arguments.length)), arguments.out)


def _lines(made: dict[str, Any], steps: int) -> list[str]:
    """A line of names, then a line a step; a vector has a column for each entry, `x.0`, `x.1`."""
    columns: dict[str, Any] = {}
    for name, a in made.items():
        if a.ndim > 2 or len(a) != steps:
            raise Failure(f"`{name}` has shape {a.shape} and is no table", "write -o out.npz")
        table = a.reshape(steps, -1)
        names = [name] if a.ndim == 1 else [f"{name}.{k}" for k in range(table.shape[1])]
        columns |= {one: table[:, k] for k, one in enumerate(names)}
    rows = [",".join(str(column[n]) for column in columns.values()) for n in range(steps)]
    return [f"{line}\n" for line in (",".join(columns), *rows)]
