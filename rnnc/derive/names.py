"""How the values of a derivation are called, and the letters its indices have."""

from __future__ import annotations

from rnnc.derive import expression as x
from rnnc.derive.derivation import Line, Title
from rnnc.system.forms import Softmax, System

LETTERS = "klijmpqruvabcdfgw"
BLOCKS = (("m", "M", "c"), ("r", "s", "u"), ("a", "b", "c"), ("from", "to", "at"))
"""How the step before a block is called, its last, and one whose states the next block reads."""
RATE = ":rate"
"""The learning rate."""


def titles(system: System, errors: tuple[str, ...]) -> tuple[tuple[str, Title], ...]:
    """The title of every value of the system and of its derivative."""
    found: dict[str, Title] = {}
    taken = {v.name for v in system.values}
    softmaxes = {e.out for e in system.equations if isinstance(e.op, Softmax)}
    error = "e" if "e" not in taken else "error"
    for v in system.values:
        owner, _, part = v.name.partition(":")
        if v.name == system.loss:
            title = Title("loss", "L" if not _uses(system, "L") else "Loss")
        elif v.name in errors:
            number = errors.index(v.name) + 1
            title = Title("error", error, str(number) if number > 1 else "")
        elif part and v.role in ("part", "unit"):
            unnamed = part.startswith("part") and v.name in softmaxes
            title = Title("part", owner, "softmax" if unnamed else part)
        elif v.role in ("parameter", "fixed"):
            title = Title("array", v.name)
        else:
            title = Title("value", v.name)
        found[v.name] = title
        net = title.kind == "part" and part.startswith("net")
        found[f"d({v.name})"] = Title("delta" if net else "gradient", owner, part, title)
    for owner in {v.name.partition(":")[0]: None for v in system.values}:
        found.setdefault(f"{owner}:mask", Title("part", owner, "mask"))
    return tuple(found.items())


def _uses(system: System, name: str) -> bool:
    return any(name in v.name.replace(":", ".").split(".") for v in system.values) or name in system.axes


def forward_titles(system: System, wanted: tuple[str, ...], lines: tuple[Line, ...]) -> tuple[tuple[str, Title], ...]:
    """The titles of influences, of weight changes and of the learning rate; the unit is left out where only one has
    influences."""
    known = dict(titles(system, ()))
    taken = {part for v in system.values for part in v.name.split(".")}
    head = next(c for c in ("p", "q", "influence") if c not in taken)
    found = {change(name): Title("change", name) for name in wanted}
    found[RATE] = Title("value", next(c for c in ("alpha", "eta", "rate") if c not in taken))
    refs = [line.left for line in lines if is_influence(line.left.name)]
    several = len({subject(r.name) for r in refs}) > 1
    for r in refs:
        rank = r.name.removesuffix(")").partition("|")[2]
        weights = len(next(v.shape for v in system.values if v.name == rank))
        of = known[subject(r.name)] if several else None
        found.setdefault(r.name, Title("influence", head, str(len(r.indices) - weights), of))
    for ref in (n for line in lines for e in (line.left, line.right) for n in x.walk(e)):
        if isinstance(ref, x.Ref) and is_ratio(ref.name):
            state, _, value = ref.name[2:-1].partition("|")
            count = len(next(v.shape for v in system.values if v.name == state))
            found.setdefault(ref.name, Title("ratio", state, str(count), known[value]))
    free = [pair for pair in BLOCKS if not {*pair} & taken]
    late = any(p.base == ":start" and p.offset < 0 for line in lines for p in line.left.at)
    start, stop, target = free[0]
    found[":start"], found[":stop"] = Title("value", start), Title("value", stop)
    found[":target"] = Title("value", target if late else stop)
    return tuple(found.items())


def change(name: str) -> str:
    """The name of a weight's change."""
    return f"D({name})"


def reserved(names: tuple[tuple[str, Title], ...], blocks: bool) -> frozenset[str]:
    """The letters that influences, and the ends of `blocks`, take."""
    ends = (":start", ":stop", ":target") if blocks else ()
    return frozenset(t.subject for name, t in names if t.kind == "influence" or name in ends)


def letters(system: System, used: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Letters for unit indices, in order, none of which means something else in the network or is `used`."""
    taken = {*used, *system.axes, *(v.name for v in system.values), *(name for name, _, _ in system.sizes)}
    taken.update(part for v in system.values for part in v.name.split("."))
    plain = [c for c in LETTERS if c not in taken]
    return (*plain, *(f"{c}{n}" for n in range(1, 9) for c in (plain or ["k"])))


def influence(name: str, parameter: str) -> str:
    """The name of a value's influence: of its derivative by a parameter's entry."""
    return f"p({name}|{parameter})"


def is_influence(name: str) -> bool:
    return name.startswith("p(")


def ratio(state: str, name: str) -> str:
    """The name of a state's derivative by a value."""
    return f"q({state}|{name})"


def is_ratio(name: str) -> bool:
    return name.startswith("q(")


def subject(name: str) -> str:
    """Whose influence it is."""
    return name[2:-1].split("|")[0]
