"""Options of a run, and the schedules they name: what they mean, and what is said of those that cannot be."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from run_parts import SPEC, module, sums

from rnnc.compiler import compile_text
from rnnc.runtime.data import DataError
from rnnc.runtime.fit import fit
from rnnc.runtime.network import UnfitNetwork
from rnnc.runtime.options import Options

MADE = module()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch": 0}, "--batch is 0; it must be at least 1"),
        ({"lr": math.nan}, "--lr is nan"),
        ({"clip_value": -1.0}, "--clip-value is -1.0; it must be a number above 0"),
        ({"average": 1.0}, "--average is 1.0; it must be at least 0 and below 1"),
        ({"optimizer": "adamm"}, "--optimizer is adamm; there are sgd, momentum, nag, adagrad"),
        ({"optimizer": "adam", "momentum": 0.5}, "--optimizer adam does not take --momentum"),
        ({"schedule": "linear"}, "--schedule is linear; there are constant, step, cosine, plateau"),
        ({"epochs": 1, "steps": 1}, "--epochs or --steps, not both"),
        ({"online": True, "window": 3}, "takes no --window"),
        ({"weight_decay": -1.0}, "--weight-decay is -1.0"),
        ({"dtype": "float16"}, "--dtype is float16"),
        ({"every": 3}, "--every goes with --schedule step, not with constant"),
        ({"factor": 0.5, "schedule": "cosine"}, "--factor goes with --schedule step or plateau, not with cosine"),
        ({"plateau": 3, "schedule": "step"}, "--plateau goes with --schedule plateau, not with step"),
        ({"optimizer": "rprop", "schedule": "step"}, "--optimizer rprop finds .* so it takes no --schedule step"),
        ({"optimizer": "rprop", "warmup": 5}, "--optimizer rprop finds .* so it takes no --warmup"),
        ({"steps": 2.5}, "--steps is 2.5; it must be a whole number"),
        ({"steps": "2"}, "--steps is '2'; it must be a whole number"),
        ({"batch": True}, "--batch is True; it must be a whole number"),
        ({"lr": "0.1"}, "--lr is '0.1'; it must be a number"),
        ({"online": 1}, "--online is 1; it must be True or False"),
        ({"optimizer": None}, "--optimizer is None; it must be a text"),
    ],
)
def test_options_that_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Options(**given)


def test_options_of_numpy_are_options() -> None:
    chosen = Options(steps=np.int64(3), lr=np.float32(0.5), clip=1)  # type: ignore[arg-type]
    assert chosen.steps == 3 and chosen.lr == 0.5


def test_mistakes_of_fit() -> None:
    with pytest.raises(ValueError, match="there is no option `step`; did you mean `steps`"):
        fit(MADE, sums(), step=3)
    with pytest.raises(ValueError, match="no option `zzz`; there are learn, epochs, steps"):
        fit(MADE, sums(), zzz=3)
    with pytest.raises(ValueError, match="the network has no size `Q`; it has D, H"):
        fit(MADE, sums(), sizes={"Q": 3})
    with pytest.raises(ValueError, match=r"size `H` is 2\.5; it must be a whole number of at least 1"):
        fit(MADE, sums(), sizes={"H": 2.5})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="gone on with in its folder: name it, `out=`"):
        fit(MADE, sums(), resume=True)
    with pytest.raises(DataError, match="found list"):
        fit(MADE, [1.0])  # type: ignore[arg-type]
    with pytest.raises(UnfitNetwork, match="has no learning rule `snap1`; it has bptt, rtrl; `learn=`"):
        fit(MADE, sums(), learn="snap1")
    found = fit(MADE, sums(), steps=1)
    for use in (found.predict, found.score):
        with pytest.raises(ValueError, match="batch is 0; it must be at least 1"):
            use(sums(), batch=0)
    with pytest.raises(DataError, match="data: `x`: its lists differ in length"):
        fit(MADE, {**sums(), "x": [[1.0, 2.0], [3.0]]})
    hidden = np.ma.masked_array(sums()["x"], mask=sums()["x"] > 1)
    with pytest.raises(DataError, match="data: `x` is a masked array"):
        fit(MADE, {**sums(), "x": hidden})


def test_schedules() -> None:
    step = Options(schedule="step", every=10, factor=0.5).plan()
    assert [step.rate(1.0, n, 100) for n in (0, 9, 10, 25)] == [1.0, 1.0, 0.5, 0.25]
    cosine = Options(schedule="cosine", warmup=4).plan()
    rates = [cosine.rate(2.0, n, 104) for n in range(105)]
    assert rates[:5] == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0])
    assert rates[54] == pytest.approx(1.0) and rates[104] == pytest.approx(0.0)
    assert all(a >= b for a, b in itertools.pairwise(rates[4:]))
    plateau = Options(schedule="plateau", plateau=2, factor=0.1).plan()
    seen = []
    for loss in (5.0, 4.0, 4.0, 4.5, 3.0, 3.0, 3.0, 3.0, 3.0):
        plateau.heard(loss)
        seen.append(round(plateau.rate(1.0, 0, 1), 6))
    assert seen == [1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001]


@pytest.mark.parametrize("name", ["learner", "k1", "block", "state"])
def test_inputs_called_like_arguments(name: str) -> None:
    """Of a step, of windows, of blocks: the network learns what it learns under another name."""
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(6, 4, 2)), rng.normal(size=(6, 4, 1))
    found = []
    for called in (name, "other"):
        spec = SPEC.replace("full(x[n])", "full(x[n], as = W)").replace("x[n]", f"{called}[n]")
        made = compile_text(spec, learn=("bptt", "rtrl", "hybrid", "truncated_bptt"))
        runs = ({"online": True, "learn": "rtrl"}, {"learn": "hybrid"}, {"learn": "truncated_bptt", "k1": 2, "k2": 3})
        found.append([fit(made, {called: x, "t": t}, epochs=1, batch=4, **options).losses for options in runs])
    assert found[0] == found[1]
