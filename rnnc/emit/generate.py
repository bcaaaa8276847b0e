"""The text of `generate`, where a network makes its own next input."""

from __future__ import annotations

from rnnc.emit.arguments import GENERATING, arguments
from rnnc.emit.lines import Lines
from rnnc.emit.views import Names
from rnnc.model.forms import Model

ABOUT = (
    "seed: equal seeds draw equal numbers; temperature: what is drawn from is taken to the power 1/temperature, and",
    "0 takes the likeliest; state: where an earlier run or chunk ended; made: how many steps earlier runs have made;",
    "batch: of how many, where nothing says; observe: more units; without: tokens that are never drawn.",
)


def generate(model: Model, names: Names) -> str:
    """What differs from network to network; the rest is a support file."""
    fed = tuple(f.input for f in model.feedbacks)
    outer = tuple(d.name for d in model.inputs if d.name not in fed)
    signature, others, given = arguments(outer, names.python, GENERATING)
    sources = tuple(dict.fromkeys(s for f in model.feedbacks for s in f.sources))
    constant = tuple(v.name for v in names.system.values if v.role == "unit" and not v.axes)
    own = "seed=0, temperature=1.0, state=None, made=0, batch=None, observe=(), without=()"
    lines = Lines()
    with lines.block(f"def generate(p, steps, *, prefix=None{signature}, {own}{others}):"):
        _docstring(lines, fed, outer)
        for name, least in (("steps", 1), ("seed", 0), ("made", 0)):
            lines.add(f'{name} = whole_number("{name}", {name}, {least})')
        lines.add("without = check_drawing(temperature, without)")
        lines.add("observe = named_units(observe)")
        lines.add(f"begin = Beginning(p, steps, prefix, {given}, state, batch)")
        lines.add()
        with lines.block("def run(data, state):"):
            lines.add(f"return _run(p, data, None, (*observe, *{sources!r}), state)")
        lines.add()
        lines.add("wanted = tuple(dict.fromkeys((*OUTPUTS, *observe)))")
        lines.add(f"constant = {constant!r}")
        lines.add("return generated(steps, run, begin, wanted, constant, seed, temperature, made, without)")
    return lines.text()


def _docstring(lines: Lines, fed: tuple[str, ...], outer: tuple[str, ...]) -> None:
    name = ", ".join(f"`{f}`" for f in fed)
    several = len(fed) > 1
    lines.add(f'"""`steps` more steps of {name}, each made from the outputs of the step before; then these outputs.')
    lines.add()
    lines.add(f"prefix: the first steps of {name}{', a dict by name' if several else ''}; without it zeros or token 0.")
    if outer:
        lines.add(f"{', '.join(outer)}: along the axis a position for every step that is run, len(prefix) + steps - 1.")
    for text in ABOUT:
        lines.add(text)
    lines.add(
        f"Returns a dict: {name} (steps, batch, ...), the outputs that each was made from, and `state`: to go on,"
    )
    lines.add("on, give it back with the last step made as the prefix. Raises ValueError in the names of the spec.")
    lines.add('"""')
