"""The learning rules: one record a rule, and the one place where a rule is entered.

`rnnc compile --learn`, `rnnc plan` and the tests go through `RULES`. A rule whose name ends in N is a family: `snap2`
is its rule with the number 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from rnnc.diagnostics import Reporter
from rnnc.learning.checkpoints import separated
from rnnc.learning.eprop import eprop
from rnnc.learning.focused import focused
from rnnc.learning.follow import follow, followed
from rnnc.learning.forms import Asked, Learned
from rnnc.learning.hybrid import hybrid
from rnnc.learning.kf_rtrl import kf_rtrl
from rnnc.learning.rflo import rflo
from rnnc.learning.snap import snap
from rnnc.learning.truncated_gradient import truncated_gradient
from rnnc.learning.uoro import uoro
from rnnc.suggest import suggest
from rnnc.system.forms import System


@dataclass(frozen=True)
class Rule:
    """`drops` says in a phrase what the gradient lacks, "" of an exact rule and of one that is right in the mean;
    `online`: whether it takes one step after the other. `learned` makes what the rule needs of a system with a loss;
    None where it cannot, and why is reported. Back-propagation, which every module with a loss has, has no `learned`.
    A `random` rule draws signs by the seed it is called with. `form_of` names the rule of which it is another form, the
    same function of a module in another program, and "" of a rule of its own."""

    name: str
    title: str
    exact: bool
    paper: str
    drops: str
    online: bool
    learned: Callable[[System, Reporter, Asked], Learned | None] | None
    number: int = 0
    random: bool = False
    form_of: str = ""

    @property
    def family(self) -> bool:
        """Whether the name stands for one rule of every number."""
        return self.name.endswith("N")

    @property
    def function(self) -> str:
        """What a module calls it."""
        return self.form_of or self.name


def _rtrl(system: System, reporter: Reporter, asked: Asked) -> Learned | None:
    return followed(system, reporter, asked.most)


def _snap(system: System, reporter: Reporter, asked: Asked) -> Learned | None:
    return followed(system, reporter, asked.most, lambda system, most: snap(system, most, asked.number))


def _rflo(system: System, reporter: Reporter, asked: Asked) -> Learned | None:
    return followed(system, reporter, asked.most, rflo)


def _eprop(system: System, reporter: Reporter, asked: Asked) -> Learned | None:
    return followed(system, reporter, asked.most, eprop)


def _focused(system: System, reporter: Reporter, asked: Asked) -> Learned | None:
    return followed(system, reporter, asked.most, focused)


def _hybrid(system: System, reporter: Reporter, asked: Asked) -> Learned | None:
    return followed(system, reporter, asked.most, hybrid)


def _truncated_gradient(system: System, reporter: Reporter, asked: Asked) -> Learned | None:
    return followed(system, reporter, asked.most, truncated_gradient)


def _uoro(system: System, reporter: Reporter, asked: Asked) -> Learned | None:
    return follow(system, reporter, uoro)


def _kf_rtrl(system: System, reporter: Reporter, asked: Asked) -> Learned | None:
    return follow(system, reporter, kf_rtrl)


def _in_pieces(system: System, reporter: Reporter, asked: Asked) -> Learned | None:
    return separated(system, reporter)


RULES: tuple[Rule, ...] = (
    Rule("bptt", "back-propagation through time", True, "Werbos (1990)", "", False, None),
    Rule("rtrl", "real-time recurrent learning", True, "Williams and Zipser (1989)", "", True, _rtrl),
    Rule("hybrid", "real-time recurrent learning in blocks of steps", True, "Schmidhuber (1992)", "", False, _hybrid),
    Rule(
        "truncated_gradient",
        "the gradient of each step alone",
        False,
        "Williams and Zipser (1989), without the recurrent term",
        "all that a parameter does to later steps",
        True,
        _truncated_gradient,
    ),
    Rule(
        "snapN",
        "the sparse n-step approximation",
        False,
        "Menick et al. (2021)",
        "influences that a parameter has only after more than n steps",
        True,
        _snap,
    ),
    Rule(
        "rflo",
        "traces by the leak of each unit",
        False,
        "Murray (2019)",
        "what goes from step to step through nonlinear functions or from unit to unit",
        True,
        _rflo,
    ),
    Rule(
        "eprop",
        "eligibility traces by the state of each unit",
        False,
        "Bellec et al. (2020)",
        "what goes from step to step from unit to unit",
        True,
        _eprop,
    ),
    Rule("focused", "focused back-propagation, each unit by itself", True, "Mozer (1989)", "", True, _focused),
    Rule(
        "uoro",
        "unbiased online recurrent optimization",
        False,
        "Tallec and Ollivier (2017)",
        "",
        True,
        _uoro,
        random=True,
    ),
    Rule(
        "kf_rtrl",
        "real-time recurrent learning with random Kronecker factors",
        False,
        "Mujika, Meier and Steger (2018)",
        "",
        True,
        _kf_rtrl,
        random=True,
    ),
    Rule(
        "truncated_bptt",
        "back-propagation through time over windows",
        False,
        "Williams and Peng (1990), BPTT(h; h')",
        "what a step does to losses of windows that begin after it",
        False,
        _in_pieces,
    ),
)

CHECKPOINTS = Rule(
    "bptt with checkpoints",
    "back-propagation through time in pieces",
    True,
    "Chen, Xu, Zhang and Guestrin (2016)",
    "",
    False,
    _in_pieces,
    form_of="bptt",
)
"""What `rnnc compile --checkpoint` makes of `bptt`."""

ALWAYS = ("bptt", "rtrl")
"""What a module has where nothing is asked for and the network allows it."""


OTHER_NAMES = {
    "epochwise": "epochwise back-propagation is `bptt` on each epoch, from the state before it",
    "tbptt": "did you mean `truncated_bptt`?",
    "snap": "a number belongs to it: `snap1` keeps least",
    "dni": "its gradient is no function of parameters and data: it comes from a second network that learns as it goes",
}
"""Names from the literature for what a module has under another, or has not."""


class NoRule(Exception):
    """There is no rule of that name; `hint` says which was meant, or which there are."""

    def __init__(self, name: str, hint: str) -> None:
        self.said = f"there is no learning rule `{name}`"
        super().__init__(f"{self.said}: {hint}")
        self.hint = hint


def rule(name: str) -> Rule:
    """The rule called `name`, of a family the one with its number. Raises `NoRule`."""
    for known in RULES:
        if not known.family:
            if known.name == name:
                return known
        elif match := re.fullmatch(rf"{known.name[:-1]}([1-9][0-9]{{0,3}})", name):
            return replace(known, name=name, number=int(match[1]))
    if name in OTHER_NAMES:
        raise NoRule(name, OTHER_NAMES[name])
    names = tuple(known.name for known in RULES)
    meant = suggest(name, (n[:-1] + "1" if n.endswith("N") else n for n in names))
    raise NoRule(name, f"did you mean `{meant}`?" if meant else f"there are {', '.join(names)}")


def chosen(names: Iterable[str] | None) -> tuple[Rule, ...]:
    """The rules of these names in their order, each once, `bptt` first; of None those of `ALWAYS`. Raises `NoRule`,
    and `ValueError` for one text in place of names."""
    if isinstance(names, str):
        raise ValueError(f"learn takes the names of rules one by one, as in ('rtrl', 'snap1'), found {names!r}")
    return tuple(rule(name) for name in dict.fromkeys(("bptt", *(ALWAYS if names is None else names))))
