"""A network that makes its own next input: what is drawn, step by step. Copied where a spec has a `feedback`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnnc.emit.support.calls import Call
from rnnc.emit.support.facts import FEEDBACK, INPUTS, NAME, STATES
from rnnc.emit.support.parameters import whole_number

# ---- copied from here


def on_host(a: Any) -> Any:
    """An array where numbers are drawn."""
    return np.asarray(a)


def draw_token(rng: Any, p: Any, temperature: float, without: tuple[int, ...]) -> Any:
    """Tokens (batch,) from probabilities (batch, V) to the power 1/temperature; at 0 the first of the greatest."""
    if max(without, default=0) >= p.shape[1]:
        raise ValueError(f"without names token {max(without)}; tokens are 0 to {p.shape[1] - 1}")
    with np.errstate(divide="ignore"):
        scores = np.log(p)
    scores[:, list(without)] = -np.inf
    if not np.isfinite(scores).any(axis=1).all():
        raise ValueError("no token is left to draw: all that have a probability are in without")
    if temperature == 0.0:
        return scores.argmax(axis=1)
    with np.errstate(over="ignore"):
        weights = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    edges = np.cumsum(weights, axis=1)
    drawn = (edges <= rng.random((len(p), 1)) * edges[:, -1:]).sum(axis=1)
    # rounding may put the number drawn on the last edge
    return np.minimum(drawn, weights.shape[1] - 1 - (weights[:, ::-1] > 0.0).argmax(axis=1))


def draw_flags(rng: Any, p: Any, temperature: float) -> Any:
    """1 with probability p, else 0, entry by entry; at temperature 0 whether p is above one half."""
    if temperature == 0.0:
        return (p > 0.5).astype(np.float64)
    with np.errstate(divide="ignore", over="ignore"):
        odds = (np.log(p) - np.log1p(-p)) / temperature
    return (rng.random(p.shape) < 0.5 * (1.0 + np.tanh(0.5 * odds))).astype(np.float64)


def draw_mixture(rng: Any, normal: Any, parts: list[Any], temperature: float, width: int) -> Any:
    """Vectors (batch, width) from a mixture of Gaussians: weights and normal densities to the power 1/temperature.

    parts: weights (batch, M), means and deviations (batch, width * M), perhaps correlations (batch, M).
    """
    pi, mu, sigma, *rho = parts
    rows, count = np.arange(len(pi)), pi.shape[1]
    chosen = draw_token(rng, pi, temperature, ())
    mean, deviation = (a.reshape(len(pi), width, count)[rows, :, chosen] for a in (mu, sigma))
    noise = normal.standard_normal(mean.shape)
    if rho:
        r = rho[0][rows, chosen]
        noise[:, 1] = r * noise[:, 0] + np.sqrt(np.maximum(1.0 - r * r, 0.0)) * noise[:, 1]
    return mean + np.sqrt(temperature) * deviation * noise


def drawn(name: str, sources: list[Any], like: Any, place: int, seed: int, temperature: float, without: Any) -> Any:
    """The next step of a fed-back input, as `like` (batch, ...): a function of its sources and (seed, name, place)."""
    kind, names = FEEDBACK[name]
    if kind == "value":
        return np.asarray(sources[0], like.dtype).reshape(like.shape)
    parts = [np.array(a, np.float64).reshape(len(a), -1) for a in sources]
    for source, part in zip(names, parts, strict=True):
        if not np.isfinite(part).all():
            raise ValueError(f"`{source}` is not finite, so the next `{name}` cannot be drawn from it")
    rng = np.random.default_rng([seed, place, 0, *name.encode()])
    if kind == "token":
        return draw_token(rng, parts[0], temperature, without)
    if kind == "flags":
        made = draw_flags(rng, parts[0], temperature)
    else:
        normal = np.random.default_rng([seed, place, 1, *name.encode()])
        made = draw_mixture(rng, normal, parts, temperature, like[0].size)
    return made.astype(like.dtype).reshape(like.shape)


def in_a_row(steps: list[Any]) -> Any:
    """What was drawn, one step after the other."""
    return np.stack(steps)


def result_key(name: str) -> str:
    """The key of a unit or an input in a result, where `state` is the state."""
    return f"{name}_" if name == "state" else name


class Beginning:
    """What a generation starts from, checked: `data` for the first `length` steps of the fed-back inputs, `outer`
    for all steps of the others, `state`; all with a batch, whether the caller has one (`batched`) or not."""

    def __init__(self, p: Any, steps: int, prefix: Any, outer: Mapping[str, Any], state: Any, batch: Any) -> None:
        given = self._named(prefix)
        outer = {name: a for name, a in outer.items() if a is not None}
        for own in (given, outer):
            if own:
                Call(p, own, self._length(own), state, carries=())
        first = {name: np.asarray(a)[:1] if INPUTS[name]["axes"] else a for name, a in (given | outer).items()}
        call = Call(p, first, self._length(first), state, carries=())
        self.batched, self.batch = call.batched, call.batch
        if batch is not None:
            batch = whole_number("batch", batch, 1)
            if not first and state is None:
                self.batched, self.batch = True, batch
            elif batch != self.batch or not self.batched:
                found = self.batch if self.batched else "none"
                raise ValueError(f"batch is {batch}, the inputs and the state have {found}")
        data = {name: self._whole(call, name, a) for name, a in (given | outer).items()}
        self.length = next((len(data[name]) for name in given), 1)
        self.data = {name: data[name] if name in given else self._nothing(call, name) for name in FEEDBACK}
        self.outer = {name: data[name] for name in outer}
        self.moving = {name: a for name, a in self.outer.items() if INPUTS[name]["axes"]}
        for name, a in self.moving.items():
            if len(a) < self.length + steps - 1:
                raise ValueError(
                    f"input `{name}` has {len(a)} positions; {steps} steps after {self.length} need "
                    f"{self.length + steps - 1}"
                )
        self.state = None if call.state is None else {n: a if STATES[n] > 1 else a[0] for n, a in call.state.items()}

    def _named(self, prefix: Any) -> dict[str, Any]:
        if prefix is None:
            return {}
        if not isinstance(prefix, Mapping):
            if len(FEEDBACK) > 1:
                raise ValueError(f"prefix must be a dict by name: fed back are {', '.join(FEEDBACK)}")
            return {next(iter(FEEDBACK)): prefix}
        for name in prefix:
            if name not in FEEDBACK:
                raise ValueError(f"prefix names `{name}`; fed back are {', '.join(FEEDBACK)}")
        return {name: a for name, a in prefix.items() if a is not None}

    def _length(self, given: Mapping[str, Any]) -> int | None:
        return None if any(INPUTS[name]["axes"] for name in given) else 1

    def _whole(self, call: Call, name: str, a: Any) -> Any:
        """All positions of an array, as the call has the first."""
        kept = call.data[name]
        return np.asarray(a).reshape((-1, *kept.shape[1:])).astype(kept.dtype) if INPUTS[name]["axes"] else kept

    def _nothing(self, call: Call, name: str) -> Any:
        """Zeros, or token 0: what stands outside a sequence (Graves 2013, section 2, begins with a null vector)."""
        shape, vocabulary = call.units[name]
        return np.zeros((self.length, self.batch, *shape), np.int64 if vocabulary else call.real)


def generated(
    steps: int,
    run: Callable[..., dict[str, Any]],
    begin: Beginning,
    wanted: tuple[str, ...],
    constant: tuple[str, ...],
    seed: int,
    temperature: float,
    made: int,
    without: tuple[int, ...],
) -> dict[str, Any]:
    """The loop of `generate`: run what there is, draw the next step, run that. `constant` are results without axis."""
    fed: dict[str, list[Any]] = {name: [] for name in FEEDBACK}
    results: dict[str, list[Any]] = {}
    data, state = dict(begin.data), begin.state
    at, stop = 0, begin.length
    for place in range(made, made + steps):
        outer = {name: a[at:stop] if name in begin.moving else a for name, a in begin.outer.items()}
        out = run({**data, **outer}, state)
        state = out["state"]
        for name in wanted:
            key = result_key(name)
            results.setdefault(key, []).append(out[key] if name in constant else out[key][-1:])
        for name, (_, sources) in FEEDBACK.items():
            values = [on_host(out[result_key(s)][-1]) for s in sources]
            like = on_host(data[name][-1])
            fed[name].append(drawn(name, values, like, place, seed, temperature, without))
        data = {name: own[-1][None] for name, own in fed.items()}
        at, stop = stop, stop + 1
    result = {result_key(name): in_a_row(own) for name, own in fed.items()}
    for name in wanted:
        key = result_key(name)
        result[key] = results[key][-1] if name in constant else np.concatenate(results[key])
    state = state or {}
    if not begin.batched:
        result = {n: a[0] if n in map(result_key, constant) else a[:, 0] for n, a in result.items()}
        state = {n: a[:, 0] if STATES[n] > 1 else a[0] for n, a in state.items()}
    return {**result, "state": state}


def check_drawing(temperature: Any, without: Any) -> tuple[int, ...]:
    """How `generate` draws: the temperature, and `without` as a tuple. Raises ValueError."""
    number = isinstance(temperature, int | float | np.number) and not isinstance(temperature, bool)
    if not number or not 0.0 <= temperature < np.inf:
        raise ValueError(f"temperature must be a number of at least 0, found {temperature!r}")
    tokens = tuple(whole_number("a token of without", token, 0) for token in without)
    if tokens and all(kind != "token" for kind, _ in FEEDBACK.values()):
        raise ValueError(f"without names tokens that are not drawn, and `{NAME}` draws none")
    return tokens


# ---- copied to here
