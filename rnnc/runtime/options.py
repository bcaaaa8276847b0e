"""How to train: everything a command line or a call can say of it, checked in the words of the command line."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from numbers import Integral, Real
from types import NoneType
from typing import Any, get_args, get_type_hints

from rnnc.runtime import optim
from rnnc.runtime.optim.optimiser import Optimiser
from rnnc.runtime.schedules import SCHEDULES, Schedule

OPTIMIZERS = ("sgd", "momentum", "nag", *(kind.__name__.lower() for kind in optim.OPTIMISERS if kind is not optim.SGD))
OF_SCHEDULES = {"every": ("step",), "factor": ("step", "plateau"), "plateau": ("plateau",)}
MAY_CHANGE = ("epochs", "steps", "patience", "keep")


@dataclass(frozen=True)
class Options:
    """The defaults train on whole sequences with Adam for ten epochs.

    `k1`, `k2`: the windows of `truncated_bptt`. `window`: so many positions a step, the state carried on; `online`: a
    weight change every position. `clip`: the largest norm of a gradient, `clip_value` of each of its entries.
    `average`: an exponential average of the weights with this decay is what is validated and saved. `check` and
    `save`: steps between two validations and two checkpoints (None: an epoch). `patience`: validations without a
    better one that end a run. `every` (1000), `factor` (0.1) and `plateau` (5) are of the schedules `step` and
    `plateau`.
    """

    learn: str = "bptt"
    epochs: int | None = None
    steps: int | None = None
    batch: int = 32
    window: int | None = None
    online: bool = False
    optimizer: str = "adam"
    lr: float | None = None
    momentum: float | None = None
    weight_decay: float | None = None
    clip: float | None = None
    clip_value: float | None = None
    schedule: str = "constant"
    warmup: int = 0
    every: int | None = None
    factor: float | None = None
    plateau: int | None = None
    k1: int | None = None
    k2: int | None = None
    average: float | None = None
    check: int | None = None
    patience: int | None = None
    save: int | None = None
    keep: int = 3
    seed: int = 0
    dtype: str = "float32"

    def __post_init__(self) -> None:
        """ValueError in the options' names."""
        self._check_kinds()
        least = {"epochs": 1, "steps": 1, "batch": 1, "window": 1, "warmup": 0, "every": 1, "plateau": 1}
        least |= {"k1": 1, "k2": 1}
        least |= {"check": 1, "patience": 1, "save": 1, "keep": 1, "seed": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise ValueError(f"--{_flag(name)} is {value}; it must be at least {low}")
        for name in ("lr", "clip", "clip_value", "factor"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0.0):
                raise ValueError(f"--{_flag(name)} is {value}; it must be a number above 0")
        for name in ("momentum", "average"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value < 1.0:
                raise ValueError(f"--{name} is {value}; it must be at least 0 and below 1")
        if self.weight_decay is not None and not (math.isfinite(self.weight_decay) and self.weight_decay >= 0.0):
            raise ValueError(f"--weight-decay is {self.weight_decay}; it must be a number of at least 0")
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("dtype", ("float32", "float64"))):
            if getattr(self, name) not in known:
                raise ValueError(f"--{name} is {getattr(self, name)}; there are {', '.join(known)}")
        for name, kinds in OF_SCHEDULES.items():
            if getattr(self, name) is not None and self.schedule not in kinds:
                raise ValueError(f"--{name} goes with --schedule {' or '.join(kinds)}, not with {self.schedule}")
        if self.optimizer == "rprop" and (self.warmup or self.schedule != "constant"):
            flag = "--warmup" if self.warmup else f"--schedule {self.schedule}"
            raise ValueError(f"--optimizer rprop finds the size of each step itself, so it takes no {flag}")
        if self.epochs is not None and self.steps is not None:
            raise ValueError("give --epochs or --steps, not both")
        for name, steps in self.windows().items():
            if self.learn != "truncated_bptt":
                raise ValueError(f"--{name} {steps} is for --learn truncated_bptt")
        if self.k1 is not None and self.k2 is not None and self.k2 < self.k1:
            raise ValueError(f"--k2 is {self.k2}; a window has at least the --k1 {self.k1} steps whose loss goes back")
        if self.online and self.window is not None:
            raise ValueError("--online changes weights at every position; it takes no --window")
        self.optimiser()

    @classmethod
    def named(cls, given: Mapping[str, Any]) -> Options:
        """Options by name; ValueError for a name that is none of them."""
        known = [one.name for one in fields(cls)]
        for name in given:
            if name not in known:
                close = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(known)}"
                raise ValueError(f"there is no option `{name}`; {hint}")
        return cls(**given)

    def _check_kinds(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            value, kinds = getattr(self, name), get_args(kind) or (kind,)
            if value is None and NoneType in kinds:
                continue
            if bool in kinds:
                fits, wanted = isinstance(value, bool), "True or False"
            elif str in kinds:
                fits, wanted = isinstance(value, str), "a text"
            elif int in kinds:
                fits, wanted = isinstance(value, Integral) and not isinstance(value, bool), "a whole number"
            else:
                fits, wanted = isinstance(value, Real) and not isinstance(value, bool), "a number"
            if not fits:
                raise ValueError(f"--{_flag(name)} is {value!r}; it must be {wanted}")

    def check_unvalidated(self) -> None:
        """ValueError for what only a validation can do, where there are no data for one."""
        asked = {"--patience": self.patience, "--check": self.check}
        asked["--schedule plateau"] = 1 if self.schedule == "plateau" else None
        for flag, value in asked.items():
            if value is not None:
                raise ValueError(f"{flag} needs data to validate on: --valid FILE, or --split 80/20/0")

    def windows(self) -> dict[str, int]:
        """What truncated back-propagation is told; nothing where its own numbers will do."""
        return {name: steps for name, steps in (("k1", self.k1), ("k2", self.k2)) if steps is not None}

    def optimiser(self) -> Optimiser:
        """A new optimiser; ValueError for an option it does not have."""
        facts: dict[str, Any] = {}
        for name, word in (("lr", "lr"), ("weight_decay", "weight_decay"), ("momentum", "momentum")):
            if getattr(self, name) is not None:
                facts[word] = getattr(self, name)
        if self.optimizer in ("momentum", "nag"):
            facts.setdefault("momentum", 0.9)
        if self.optimizer == "nag":
            facts["nesterov"] = True
        kinds = {kind.__name__.lower(): kind for kind in optim.OPTIMISERS}
        try:
            made = kinds.get(self.optimizer, optim.SGD)(**facts)
        except TypeError:
            names = " and ".join(f"--{_flag(name)}" for name in facts if name != "lr")
            raise ValueError(f"--optimizer {self.optimizer} does not take {names}") from None
        assert isinstance(made, Optimiser)
        return made

    def plan(self) -> Schedule:
        """A new schedule."""
        given: dict[str, Any] = {"every": self.every, "factor": self.factor, "patience": self.plateau}
        return Schedule(self.schedule, self.warmup, **{name: n for name, n in given.items() if n is not None})

    def fixed(self) -> dict[str, Any]:
        """What may not change between the parts of one run."""
        return {name: value for name, value in asdict(self).items() if name not in MAY_CHANGE}


def _flag(name: str) -> str:
    return name.replace("_", "-")
