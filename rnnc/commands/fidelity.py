"""Say how near each learning rule's gradient comes to the exact one, by parameter: over whole sequences, and over
windows inside them. On random data, or on those of --data, with random or with trained weights. With -o, draw it.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnnc.commands.arguments import FORMS, Parser, add_reading
from rnnc.commands.failure import Failure
from rnnc.commands.lengths import add_steps, lengths_of
from rnnc.commands.rules import named_rules, rule_names

if TYPE_CHECKING:
    from rnnc.compiler import Understood
    from rnnc.fidelity.report import Report
    from rnnc.learning.rules import Rule
    from rnnc.runtime.data import Sequences
    from rnnc.runtime.fidelity.measure import Fidelity

STEPS, SEQUENCES, WINDOWS, DRAWS = 100, 8, 4, 20
MOST_WORK, MOST_BYTES = 10**11, 4 * 10**9
"""Multiply-adds and bytes beyond which a rule is run only where it is asked for."""
MOST_POSITIONS = 10**12
"""Of all sequences, each a number at least: no machine has the memory for more."""

LeftOut = tuple[str, str, str]


def add_arguments(parser: Parser) -> None:
    """SPEC, the rules, what they read, and where to draw."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parser.add_argument("spec", metavar="SPEC", help="a file, - for standard input, or a shipped network's name")
    parser.add_argument(
        "--learn", metavar="NAMES", type=rule_names, help="the rules, as in bptt,rtrl,snap1 (all the network allows)"
    )
    add_steps(parser, STEPS)
    parser.add_argument("-B", "--batch", metavar="N", type=int, default=SEQUENCES, help=f"sequences ({SEQUENCES})")
    parser.add_argument("--data", metavar="FILE", help="data to read instead of random ones, by the names of the spec")
    parser.add_argument("--weights", metavar="FILE", help="what `rnnc train` wrote, instead of random weights")
    parser.add_argument(
        "--windows", metavar="N", type=int, default=WINDOWS, help=f"windows of a sequence ({WINDOWS}; 0: none)"
    )
    parser.add_argument(
        "--draws", metavar="N", type=int, default=DRAWS, help=f"how often a rule that draws at random is run ({DRAWS})"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of weights, data and draws (0)")
    parser.add_argument("-o", "--out", metavar="FILE.svg", help="draw the figures")
    add_reading(parser, ("text", *FORMS))


def run(arguments: argparse.Namespace) -> int:
    """Compiles, imports, measures, prints and draws."""
    from rnnc.commands.complaints import say
    from rnnc.commands.output import refuse_input, write_result
    from rnnc.commands.specification import understand_spec
    from rnnc.fidelity.picture import picture
    from rnnc.fidelity.record import record
    from rnnc.fidelity.text import text

    _check(arguments)
    if arguments.out is not None:
        refuse_input(arguments.out, arguments.spec, arguments.data, arguments.weights)
    understood = understand_spec(arguments)
    if understood.system.loss is None:
        raise Failure(f"network `{understood.model.name}` has no loss, so there is nothing to learn")
    if not any(p.trained for p in understood.system.parameters):
        raise Failure(f"network `{understood.model.name}` has no trained parameter, so there is nothing to learn")
    steps = lengths_of(arguments, understood.system.axes, STEPS)
    rules, left_out = _rules(arguments, understood, steps)
    report = _report(arguments, understood, steps, rules, left_out)
    if arguments.out is not None:
        write_result(picture(report), arguments.out)
        say(f"wrote {arguments.out}", arguments)
    asked = [form for form in arguments.format if form in ("text", "json")]
    write_result(record(report) if asked[-1:] == ["json"] else text(report))
    return 0


def _check(arguments: argparse.Namespace) -> None:
    for flag, least in (("-B", 1), ("--windows", 0), ("--draws", 2), ("--seed", 0)):
        value = arguments.batch if flag == "-B" else getattr(arguments, flag[2:])
        if value < least:
            raise Failure(f"`{flag}` is {value}; it must be at least {least}")
    if arguments.out is not None and not arguments.out.lower().endswith(".svg"):
        raise Failure(f"the picture's file ends in .svg, `{arguments.out}` does not")


def _rules(
    arguments: argparse.Namespace, understood: Understood, steps: Mapping[str, int]
) -> tuple[tuple[Rule, ...], tuple[LeftOut, ...]]:
    """The rules to run, those named or else all that the network allows and that end soon; and what is left out."""
    from rnnc.plan.plan import plan
    from rnnc.plan.spell import short

    if arguments.learn is not None:
        return named_rules(arguments.learn), ()
    made = plan(understood, steps, arguments.batch)
    run, left_out = [], [(rule.name, why.code, why.message()) for rule, why in made.refused]
    for cost in (c for c in made.costs if not c.rule.form_of):
        work, held = made.value(cost.call), 8 * made.value(cost.held)
        if work <= MOST_WORK and held <= MOST_BYTES:
            run.append(cost.rule)
        else:
            name = cost.rule.name
            why = f"left out, it takes {short(work)} multiply-adds and {short(held, 'B')}; `--learn {name}` runs it"
            left_out.append((name, "", why))
    return tuple(run), tuple(left_out)


def _report(
    arguments: argparse.Namespace,
    understood: Understood,
    steps: Mapping[str, int],
    rules: tuple[Rule, ...],
    left_out: tuple[LeftOut, ...],
) -> Report:
    from rnnc.compiler import emit, load_module
    from rnnc.fidelity.report import Report, Row
    from rnnc.runtime.data import DataError
    from rnnc.runtime.fidelity.measure import NotComparable, measure
    from rnnc.runtime.weights import WeightsError

    module = load_module(emit(understood, learn=tuple(rule.name for rule in rules)), understood.model.name)
    try:
        p, data = _read(arguments, module, steps)
        found: Fidelity = measure(
            module,
            p,
            data,
            [rule.name for rule in rules],
            count=arguments.windows,
            draws=arguments.draws,
            seed=arguments.seed,
        )
    except (DataError, WeightsError, NotComparable) as problem:
        raise Failure(str(problem)) from None
    rows = tuple(
        Row(rule.name, rule.title, rule.exact, _drops(rule), one.draws, one.whole, one.windows, one.without)
        for rule, one in zip(rules, found.rules, strict=True)
    )
    return Report(
        understood.model.name,
        tuple(p.sizes.items()),
        len(data),
        (int(data.longest.min()), int(data.longest.max())),
        arguments.data if arguments.data is not None else f"random, seed {arguments.seed}",
        arguments.weights if arguments.weights is not None else f"random, seed {arguments.seed}",
        found.loss,
        tuple((name, found.shapes[name], norm) for name, norm in found.norms.items()),
        found.edges,
        found.sequences,
        found.without,
        rows,
        left_out,
    )


def _drops(rule: Rule) -> str:
    return f"{rule.drops} (n = {rule.number})" if rule.number else rule.drops


def _read(arguments: argparse.Namespace, module: Any, steps: Mapping[str, int]) -> tuple[Any, Sequences]:
    """The weights, float64, and the sequences. Raises DataError and WeightsError."""
    from rnnc.commands.arguments import settings_of
    from rnnc.runtime.fidelity.reading import given_sequences, random_sequences
    from rnnc.runtime.fit import load

    sizes = {name: int(value) for name, value in settings_of(arguments).items() if name in module.SIZES}
    trained = load(module, arguments.weights).p if arguments.weights is not None else None
    if trained is not None:
        sizes = dict(trained.sizes)
    if arguments.data is not None:
        data, sizes = given_sequences(module, arguments.data, sizes, steps, arguments.batch)
    else:
        sizes = {**module.SIZES, **sizes}
        if arguments.batch * math.prod(steps.values()) > MOST_POSITIONS:
            long = " by ".join(f"{n}" for n in steps.values())
            raise Failure(f"`-B` is {arguments.batch}, and `-T` {long}: so many random data fit in no memory")
        named = {axis for axis, _ in arguments.steps}
        data = random_sequences(module, sizes, steps, named, arguments.batch, arguments.seed)
    p = module.init(seed=arguments.seed, dtype="float64", **sizes)
    if trained is not None:
        p.update(trained)
    return p, data
