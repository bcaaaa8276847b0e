"""Train a network: on data whose names are the spec's (--data), or on a text, character by character (--text).

--data: a .npz, .npy, .csv, .jsonl, .wav or .txt file, or a folder of .npy files. The folder --out gets checkpoints,
the log and the weights; --resume goes on to the same bits.

--text: the network reads one token a step and is told the next, as specs/char_lm.rnn. Costs are held-out bits per
character, beside those of a character trigram model of the same text.

Ctrl-C ends either with the weights saved.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from rnnc.commands.arguments import Parser, add_spec
from rnnc.commands.failure import Failure

NUMBERS: tuple[tuple[str, type[int] | type[float], str], ...] = (
    ("steps", int, "how many updates to make"),
    ("batch", int, "sequences (pieces of a text) that are read side by side"),
    ("window", int, "positions between two updates, the state carried on (--data: whole sequences)"),
    ("lr", float, "the learning rate (--text: the greatest)"),
    ("seed", int, "of the first weights, the order of the data, the sample"),
)
OF_DATA: tuple[tuple[str, type[int] | type[float] | type[str], str], ...] = (
    ("epochs", int, "how often all of the data is read (10), instead of --steps"),
    ("learn", str, "the learning rule: bptt (the default), rtrl, snap1 and others"),
    ("k1", int, "learn truncated_bptt: steps between two windows (10)"),
    ("k2", int, "learn truncated_bptt: steps of a window (20)"),
    (
        "optimizer",
        str,
        "adam (the default), adamw, adamax, nadam, sgd, momentum, nag, rmsprop, adagrad, adadelta, rprop",
    ),
    ("momentum", float, "of sgd, nag and rmsprop"),
    ("weight-decay", float, "of the optimizer"),
    ("clip", float, "the largest norm of a gradient"),
    ("clip-value", float, "the largest entry of a gradient"),
    ("schedule", str, "constant (the default), step, cosine or plateau"),
    ("warmup", int, "steps over which the rate rises from zero"),
    ("every", int, "schedule step: steps between two drops (1000)"),
    ("factor", float, "schedule step, plateau: what a drop multiplies the rate by (0.1)"),
    ("plateau", int, "schedule plateau: validations without a better one before a drop (5)"),
    ("average", float, "validate and save an exponential average of the weights with this decay"),
    ("check", int, "steps between two validations (an epoch)"),
    ("patience", int, "end after so many validations without a better one"),
    ("save", int, "steps between two checkpoints (an epoch)"),
    ("keep", int, "how many checkpoints are kept (3)"),
    ("dtype", str, "float32 (the default) or float64"),
    ("unit", str, "what a .txt is read by: characters (the default) or words"),
)
OF_TEXT: tuple[tuple[str, type[int] | type[float], str], ...] = (
    ("minutes", float, "how long to train, where --steps does not say"),
    ("sample", int, "characters to sample"),
    ("temperature", float, "of the sample; 0 takes the likeliest character"),
)


def add_arguments(parser: Parser) -> None:
    """SPEC, what to train on, and how."""
    # a second thread gains nothing on products this small and waits whole seconds where the cores are busy
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    add_spec(parser)
    parser.add_argument("--data", metavar="FILE", help="data to train on, by the names of the spec")
    parser.add_argument("--valid", metavar="FILE", help="data to validate on")
    parser.add_argument(
        "--split", metavar="A/B/C", type=shares, help="train on A, validate on B, keep C of --data, drawn by the seed"
    )
    parser.add_argument("--text", metavar="FILE", help="a UTF-8 text, - (standard input) or pydoc (the default)")
    parser.add_argument(
        "-o", "--out", metavar="OUT", type=Path, help="--data: a folder (run); --text: a file (weights.npz)"
    )
    parser.add_argument("--resume", action="store_true", default=None, help="go on with the run in --out")
    parser.add_argument(
        "--tensorboard", action="store_true", default=None, help="write scalars for TensorBoard into --out as well"
    )
    parser.add_argument("--online", action="store_true", default=None, help="change the weights at every position")
    for name, kind, said in (*NUMBERS, *OF_DATA):
        parser.add_argument(f"--{name}", metavar="NAME" if kind is str else "N", type=kind, help=said)
    for name, kind, said in OF_TEXT:
        parser.add_argument(f"--{name}", metavar="N", type=kind, help=f"--text: {said}")
    parser.add_argument("--quick", action="store_true", default=None, help="--text: 15 seconds at most, to see it run")


def shares(text: str) -> tuple[float, ...]:
    """`80/10/10` as three numbers."""
    try:
        found = tuple(float(part) for part in text.split("/"))
        if len(found) != 3:
            raise ValueError
        return found
    except ValueError:
        raise argparse.ArgumentTypeError(f"three numbers, as in 80/10/10, not `{text}`") from None


def run(arguments: argparse.Namespace) -> int:
    """Compiles, imports and trains. Statuses as for every verb; 130 and 143 where a signal ended it."""
    from rnnc.commands.output import refuse_input
    from rnnc.runtime.train_data import Request
    from rnnc.runtime.train_text import TextOptions

    of_data = ("valid", "split", "resume", "tensorboard", "online", *(name.replace("-", "_") for name, _, _ in OF_DATA))
    of_text = ("quick", *(name for name, _, _ in OF_TEXT))
    shared = tuple(name for name, _, _ in NUMBERS)
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    if arguments.data is not None and arguments.text is not None:
        raise Failure("give --data or --text, not both")
    ours, theirs = (of_data, of_text) if arguments.data is not None else (of_text, of_data)
    for name in theirs:
        if name in given:
            flags = ("--data", "--text") if arguments.data is None else ("--text", "--data")
            instead = "" if arguments.text is arguments.data is None else f", not with {flags[1]}"
            raise Failure(f"--{name.replace('_', '-')} goes with {flags[0]}{instead}")
    if arguments.split is not None and arguments.valid is not None:
        raise Failure("give --valid or --split, not both")
    out = arguments.out or (TextOptions if arguments.data is None else Request).out
    refuse_input(str(out), arguments.spec, arguments.data, arguments.valid, arguments.text)
    facts = {name: given[name] for name in (*shared, *ours) if name in given}
    return _on_data(arguments, facts) if arguments.data is not None else _on_text(arguments, facts)


def _on_data(arguments: argparse.Namespace, facts: dict[str, Any]) -> int:
    from rnnc.commands.arguments import settings_of
    from rnnc.commands.specification import load_spec
    from rnnc.runtime.data.read_words import CHARACTERS, WORDS
    from rnnc.runtime.options import Options
    from rnnc.runtime.train_data import Request, train_data

    asked = ("valid", "split", "resume", "tensorboard", "unit")
    own: dict[str, Any] = {name: facts.pop(name) for name in asked if name in facts}
    if own.get("unit", CHARACTERS) not in (CHARACTERS, WORDS):
        raise Failure(f"--unit is {own['unit']}; it is {CHARACTERS} or {WORDS}")
    if "unit" in own and Path(arguments.data).suffix.lower() != ".txt":
        raise Failure(f"--unit says what a .txt is read by; {arguments.data} is none")
    try:
        options = Options(**facts)
    except ValueError as error:
        raise Failure(str(error)) from None
    module = load_spec(arguments, options.learn)
    sizes = {name: int(value) for name, value in settings_of(arguments).items() if name in module.SIZES}
    if arguments.out is not None:
        own["out"] = arguments.out
    return train_data(module, Request(arguments.data, sizes=sizes, **own), options)


def _on_text(arguments: argparse.Namespace, facts: dict[str, Any]) -> int:
    from rnnc.commands.specification import load_spec
    from rnnc.runtime.train_text import TextOptions, train_text

    if arguments.spec == "-" == arguments.text:
        raise Failure("standard input cannot be the spec and the text")
    for name in ("text", "out"):
        if getattr(arguments, name) is not None:
            facts[name] = getattr(arguments, name)
    module = load_spec(arguments)
    if arguments.text is None:
        _check_text(module)
    return train_text(module, TextOptions(**facts))


def _check_text(module: Any) -> None:
    """`Failure` where a network of which no data are named cannot learn Python's documentation."""
    from rnnc.runtime.network import UnfitNetwork, text_network

    try:
        text_network(module)
    except UnfitNetwork as error:
        raise Failure("there is nothing to train on: give --data FILE", f"for --text, {error}") from None
