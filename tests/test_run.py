"""A run of training: the same bits twice, in two halves and after every stop; what ends it; its log."""

from __future__ import annotations

import json
import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_parts import FAMILIES, SPEC, Quiet, module, options, play, same, sums, trainer

from rnnc.runtime.checkpoints import Folder
from rnnc.runtime.fit import fit
from rnnc.runtime.log import SCHEMA
from rnnc.runtime.network import UnfitNetwork
from rnnc.runtime.not_finite import NotFinite
from rnnc.runtime.options import OPTIMIZERS
from rnnc.runtime.run import Run
from rnnc.runtime.signals import Stop
from rnnc.runtime.weights import WeightsError, load_weights

MADE = module()
SPECS = Path(__file__).parent.parent / "specs"


class After(Stop):
    """Asks for a stop once it has been looked at so often."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    @property
    def number(self) -> int:
        self.looks -= 1
        return 15 if self.looks < 0 else 0

    @number.setter
    def number(self, value: int) -> None: ...


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_bits_twice_in_halves_and_after_every_stop(family: str, tmp_path: Path) -> None:
    chosen = options(24, family)
    assert play(MADE, tmp_path / "whole", chosen) == "steps"
    play(MADE, tmp_path / "again", chosen)
    same(tmp_path / "whole", tmp_path / "again")
    play(MADE, tmp_path / "halves", options(12, family))
    play(MADE, tmp_path / "halves", chosen, resume=True)
    same(tmp_path / "whole", tmp_path / "halves")
    assert play(MADE, tmp_path / "stops", chosen, stop=After(1)) == "stop"
    while play(MADE, tmp_path / "stops", chosen, resume=True, stop=After(7)) == "stop":
        pass
    same(tmp_path / "whole", tmp_path / "stops")
    assert len(Folder(tmp_path / "stops", 3).steps()) == 3


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimiser_learns_and_goes_on_to_the_same_bits(optimizer: str) -> None:
    lr = {"sgd": 0.1, "momentum": 0.03, "nag": 0.03, "adadelta": 5.0, "adagrad": 0.1}.get(optimizer, 0.01)
    chosen = options(40, batch=20, lr=lr, optimizer=optimizer)
    whole, first, second = (trainer(MADE, chosen) for _ in range(3))
    losses = [whole.advance().loss for _ in range(40)]
    assert losses[-1] < 0.75 * losses[0]
    for _ in range(15):
        first.advance()
    second.restore(first.checkpoint({}))
    assert [second.advance().loss for _ in range(25)] == losses[15:]
    np.testing.assert_array_equal(second.p.flat, whole.p.flat)


def test_windows_carry_the_state_from_one_to_the_next() -> None:
    """With weights that stand still, what the windows cost is what the whole costs."""
    made = module(
        "network total(H = 4) { axis n input x[n] : 1 target t[n] : 1 unit h[n] : H = tanh(full(x[n]) + full(h[n-2])) "
        "output y[n] : 1 = full(h[n]) loss squared_error(y, t) }"
    )
    draw = np.random.default_rng(0)
    lengths = [13, 4, 9, 5, 1]
    data = {"x": draw.normal(size=(13, 5, 1)), "t": draw.normal(size=(13, 5, 1)), "lengths": lengths}
    found = fit(made, data, lr=1e-30, optimizer="sgd", window=4, batch=5, epochs=1, dtype="float64")
    counts = [5, 3, 2, 1]  # how many sequences are left in each window
    whole = made.forward(found.p, x=data["x"], t=data["t"], lengths=np.array(lengths))["loss"].sum()
    assert np.dot(found.losses, counts) == pytest.approx(whole, rel=1e-12)
    single = fit(made, data, lr=1e-30, optimizer="sgd", online=True, batch=5, epochs=1, dtype="float64")
    assert np.dot(single.losses, [sum(n > k for n in lengths) for k in range(13)]) == pytest.approx(whole)


def test_one_long_sequence_is_read_as_streams() -> None:
    data = {"x": np.random.default_rng(0).normal(size=(103, 2)), "t": np.ones((103, 1))}
    made = trainer(MADE, options(8, window=5))
    assert len(made.data) == 20
    found = fit(MADE, data, valid=data, window=5, batch=4, epochs=3)
    assert len(found.losses) == 3 * 6
    assert found.checks[-1][1] < found.checks[0][1]


def test_validation_in_windows_is_validation_of_the_whole() -> None:
    for loss in ("squared_error(y, t)", "mean over n (squared_error(y, t))"):
        made = module(SPEC.replace("mean over n (squared_error(y, t))", loss))
        facts: dict[str, Any] = {"steps": 1, "batch": 20, "lr": 1e-30, "optimizer": "sgd", "dtype": "float64"}
        one = fit(made, sums(), valid=sums(6, 1), **facts)
        two = fit(made, sums(), valid=sums(6, 1), **facts, window=4)
        assert one.checks[0][1] == pytest.approx(two.checks[0][1], rel=1e-12)


class Learner:
    """The interface of a rule that learns forward in time, made of single steps of another."""

    def __init__(self, made: Any) -> None:
        self.made, self.seen = made, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.made, name)

    def rtrl(self, p: Any, **given: Any) -> Any:
        return self.made.bptt(p, **given)

    def rtrl_start(self, p: Any, batch: int) -> Any:
        return {"state": self.made.start(p, batch=batch), "influence": {"h": np.zeros((batch, 3))}}

    def rtrl_step(self, p: Any, learner: Any, *, x: Any, t: Any) -> Any:
        assert x.shape[1:] == (2,) and t.shape[1:] == (1,)
        value, grads = self.made.bptt(p, x=x[None], t=t[None], state=learner["state"])
        self.seen += 1
        return value, grads, {"state": grads.state, "influence": {"h": learner["influence"]["h"] + 1}}


def test_learning_rules_by_name(tmp_path: Path) -> None:
    learner = Learner(MADE)
    by_window = fit(MADE, sums(), batch=1, online=True, epochs=1)
    by_step = fit(learner, sums(), batch=1, online=True, learn="rtrl", epochs=1)
    assert learner.seen == sums()["lengths"].sum()
    assert by_step.losses == by_window.losses
    chosen = options(30, learn="rtrl", online=True)
    play(learner, tmp_path / "whole", chosen)
    play(learner, tmp_path / "halves", options(17, learn="rtrl", online=True))
    play(learner, tmp_path / "halves", chosen, resume=True)
    same(tmp_path / "whole", tmp_path / "halves")
    with pytest.raises(UnfitNetwork, match="no learning rule `rtrl`; it has bptt"):
        fit(module(learn=("bptt",)), sums(), learn="rtrl")
    with pytest.raises(UnfitNetwork, match="no loss to train with"):
        fit(Hidden(MADE, "bptt"), sums())
    with pytest.raises(UnfitNetwork, match="looks ahead"):
        fit(Hidden(MADE, "start"), sums(), window=3)


@pytest.mark.parametrize("way", [{}, {"window": 4}, {"online": True}])
def test_real_time_recurrent_learning(way: dict[str, Any], tmp_path: Path) -> None:
    """With weights that stand still, it says what back-propagation says; with others, it learns and goes on."""
    still = {"batch": 5, "epochs": 1, "lr": 1e-30, "optimizer": "sgd", "dtype": "float64", **way}
    one, two = (fit(MADE, sums(10), learn=rule, **still) for rule in ("bptt", "rtrl"))
    if "online" not in way:  # there sequences of one length alone go side by side
        np.testing.assert_allclose(one.losses, two.losses, rtol=1e-12)
    found = fit(MADE, sums(40), learn="rtrl", epochs=15, lr=0.02, batch=8, **way)
    length = len(found.losses) // 15
    assert np.mean(found.losses[-length:]) < 0.8 * np.mean(found.losses[:length])
    play(MADE, tmp_path / "whole", options(30, learn="rtrl", **way))
    play(MADE, tmp_path / "halves", options(17, learn="rtrl", **way))
    play(MADE, tmp_path / "halves", options(30, learn="rtrl", **way), resume=True)
    same(tmp_path / "whole", tmp_path / "halves")


@pytest.mark.parametrize("rule", ["snap1", "eprop", "truncated_gradient"])
def test_rules_that_keep_less_learn_too(rule: str) -> None:
    made = module(learn=(rule,))
    for way in ({"window": 4}, {"online": True}):
        found = fit(made, sums(40), learn=rule, epochs=15, lr=0.02, batch=8, **way)
        length = len(found.losses) // 15
        assert np.mean(found.losses[-length:]) < 0.8 * np.mean(found.losses[:length]), way


class Hidden:
    """A module without some of its functions."""

    def __init__(self, made: Any, *names: str) -> None:
        self._made, self._names = made, names

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in self._names:
            raise AttributeError(name)
        return getattr(self._made, name)


class Breaks(Learner):
    """Its loss or a gradient is no number at one step."""

    def __init__(self, made: Any, at: int, where: str) -> None:
        super().__init__(made)
        self.at, self.where = at, where

    def bptt(self, p: Any, **given: Any) -> Any:
        value, grads = self.made.bptt(p, **given)
        self.seen += 1
        if self.seen == self.at:
            if self.where == "loss":
                return math.nan, grads
            grads["h.W_h"][3, 1] = math.inf
        return value, grads


def test_a_gradient_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    broken = Breaks(MADE, 8, "gradient")
    with pytest.raises(NotFinite, match=r"^step 8: the gradient of `h.W_h` at \[3, 1\] is inf$"):
        play(broken, tmp_path / "run", options(20, save=5))
    play(MADE, tmp_path / "good", options(7))
    assert same_weights(tmp_path / "run", tmp_path / "good")
    assert Folder(tmp_path / "run", 3).steps() == [0, 5]
    play(MADE, tmp_path / "run", options(20), resume=True)
    play(MADE, tmp_path / "whole", options(20))
    same(tmp_path / "whole", tmp_path / "run")


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(NotFinite, match=r"^step 8: the loss is nan$"):
        play(Breaks(MADE, 8, "loss"), tmp_path / "run", options(20))
    play(MADE, tmp_path / "good", options(6))
    assert same_weights(tmp_path / "run", tmp_path / "good")


def same_weights(one: Path, other: Path) -> bool:
    a, b = (load_weights(path / "weights.npz").arrays for path in (one, other))
    return all(np.array_equal(a[name], b[name]) and np.isfinite(a[name]).all() for name in a)


def test_weights_that_run_away_are_named(tmp_path: Path) -> None:
    made = module(
        "network away(D = 2) { axis n input x[n] : D target t[n] : 1 unit h[n] : 1 = full(x[n]) + full(h[n-1]) "
        "output y[n] : 1 = h[n] * h[n] loss squared_error(y, t) }"
    )
    with pytest.raises(NotFinite, match=r"^step \d+: the (loss|gradient of).* is (inf|nan)"):
        fit(made, sums(), optimizer="sgd", lr=1e3, steps=50)
    x = sums()
    x["x"][5, 3] = 1e30
    x["lengths"][3] = 8
    with pytest.raises(NotFinite, match=r"step 1: the loss of sequence 3 is inf; unit `y` at \[5, \d+, 0\] is inf"):
        fit(made, x, steps=50, batch=20)


def test_early_stopping_keeps_the_best() -> None:
    noise = {"x": np.random.default_rng(3).normal(size=(9, 4, 2)), "t": np.random.default_rng(4).normal(size=(9, 4, 1))}
    found = fit(MADE, sums(), valid=noise, lr=0.05, epochs=500, patience=4, check=3)
    losses = [loss for _, loss in found.checks]
    assert len(losses) < 60
    assert min(losses) == losses[-5] and found.score(noise)["loss"] == pytest.approx(min(losses), rel=1e-6)


def test_averaged_weights_are_what_is_saved(tmp_path: Path) -> None:
    chosen = options(20, average=0.9)
    made = trainer(MADE, chosen)
    average = np.array(made.p.flat)
    for step in range(1, 21):
        made.advance()
        keep = min(0.9, step / (step + 10))
        average = keep * average + (1 - keep) * made.p.flat
    np.testing.assert_allclose(made.weights().flat, average, rtol=1e-6)
    play(MADE, tmp_path / "run", chosen)
    np.testing.assert_array_equal(load_weights(tmp_path / "run" / "weights.npz").arrays["h.b"], made.weights()["h.b"])


def test_what_a_resumed_run_may_not_change(tmp_path: Path) -> None:
    play(MADE, tmp_path / "run", options(10))
    for chosen, made, said in (
        (options(20, lr=0.5), MADE, "was made without --lr, and now it is with --lr 0.5"),
        (options(20, batch=7), MADE, "was made with --batch 6, and now it is with --batch 7"),
        (options(20), module(SPEC.replace("tanh", "sigmoid")), "was made with another spec"),
    ):
        with pytest.raises(WeightsError, match=said):
            play(made, tmp_path / "run", chosen, resume=True)
    other = trainer(MADE, options(20))
    other.data.columns["x"].mapped.array[0, 0] += 1  # type: ignore[attr-defined]
    run = Run(other, Folder(tmp_path / "run", 3), {}, Quiet())
    with pytest.raises(WeightsError, match="was made with other data"):
        run.resume(print)
    with pytest.raises(WeightsError, match="holds a run, up to step 10: go on with --resume"):
        play(MADE, tmp_path / "run", options(10))
    log = tmp_path / "run" / "log.jsonl"
    log.write_bytes(log.read_bytes()[:50])
    with pytest.raises(WeightsError, match="has 50 bytes, the checkpoint was made at"):
        play(MADE, tmp_path / "run", options(20), resume=True)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """As much of JSON Schema as the log's needs."""
    kinds = {"string": str, "integer": int, "number": (int, float), "null": type(None), "object": dict, "boolean": bool}
    kinds |= {"array": list}
    if "oneOf" in schema:
        return sum(fits(value, one) for one in schema["oneOf"]) == 1
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return value in schema["enum"]
    wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(isinstance(value, kinds[kind]) for kind in wanted):  # type: ignore[arg-type]
        return False
    if schema["type"] == "object" and "properties" in schema:
        fields = schema["properties"]
        known = set(schema["required"]) <= set(value) <= set(fields)
        return known and all(fits(value[name], fields[name]) for name in value)
    return True


def test_the_log_keeps_to_its_schema(tmp_path: Path) -> None:
    play(MADE, tmp_path / "run", options(24, "all"))
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines].count("valid") == 6
    assert lines[0]["event"] == "run" and lines[-1] == {"event": "end", "step": 24, "reason": "steps"}
    assert [line["step"] for line in lines if line["event"] == "step"] == list(range(1, 25))
    assert all(fits(line, SCHEMA) for line in lines)
    assert not fits({**lines[1], "more": 1}, SCHEMA) and not fits({"event": "step"}, SCHEMA)


def test_no_growth_of_memory(request: pytest.FixtureRequest) -> None:
    count = 10_000 if request.config.getoption("long_proofs") else 350
    made = trainer(MADE, options(count, "all"))
    for _ in range(100):
        made.advance()
    tracemalloc.start()
    for _ in range(20):
        made.advance()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(count - 120):
        made.advance()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 30_000


def test_labels_that_do_not_fit_are_skipped_and_named(tmp_path: Path) -> None:
    made = module((SPECS / "elman_ctc.rnn").read_text())
    draw = np.random.default_rng(0)
    lines = []
    for labels in ([1, 2], [1, 1, 1], [], [3]):
        lines.append(json.dumps({"x": draw.normal(size=(4, 3)).tolist(), "l": labels}))
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    losses = fit(made, tmp_path / "a.jsonl", steps=40, lr=0.05, out=tmp_path / "run").losses
    assert losses[-1] < 0.7 * losses[0]
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert {tuple(line["skipped"]) for line in events if line["event"] == "step"} == {(1,)}
    assert all(fits(line, SCHEMA) for line in events)
    found = fit(made, tmp_path / "a.jsonl", steps=1)
    assert found.score(tmp_path / "a.jsonl")["sequences of infinite loss"] == 1
    assert found.predict(tmp_path / "a.jsonl")["p"].shape == (4, 4, 5)


def test_a_network_without_an_axis(tmp_path: Path) -> None:
    made = module(
        "network line(D = 2) { input x : D target t : 1 output y : 1 = full(x) + bias loss squared_error(y, t) }"
    )
    x = np.random.default_rng(0).normal(size=(50, 2))
    t = x @ [1.0, -2.0] + 0.5
    rows = [f"{a!r},{b!r},{c!r}" for (a, b), c in zip(x.tolist(), t.tolist(), strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["x.0,x.1,t", *rows]))
    found = fit(made, tmp_path / "a.csv", valid={"x": x, "t": t}, epochs=200, lr=0.05, batch=10)
    assert found.score(tmp_path / "a.csv")["normalised error of t"] < 1e-6
