"""What must hold of every network: one function a property, on one network compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

import rnnc
from oracle import data, differences, unrolled
from rnnc.compiler import adjoint_text, build_text
from rnnc.system.forms import System
from rnnc.system.interpret import Evaluation, interpret

Array = NDArray[Any]

LENGTHS = (17, 3, 2, 1)
SHORT = (4, 3, 2, 1)


class Poisoned:
    """NumPy whose unwritten memory is NaN: what is read before it is written shows, every time."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def empty(*args: Any, **kwargs: Any) -> Array:
        array = np.empty(*args, **kwargs)
        if array.dtype.kind == "f":
            array.fill(np.nan)
        return array

    def empty_like(self, like: Array) -> Array:
        return self.empty(like.shape, like.dtype)


@dataclass(frozen=True)
class Subject:
    """One network: its text, a number that picks what is drawn for it, and the learning rules it is to have."""

    text: str
    seed: int
    rules: tuple[str, ...] | None = None

    @cached_property
    def module(self) -> ModuleType:
        module: ModuleType = rnnc.compile_text(self.text, learn=self.rules)
        assert module.__dict__["np"] is np
        module.__dict__["np"] = Poisoned()
        # strips of a few positions, so that short sequences take several: a batch of 3 or more one at a time
        module.__dict__["STRIP"] = 2 + self.seed % 5
        return module

    @cached_property
    def system(self) -> System:
        return build_text(self.text)

    @cached_property
    def adjoint(self) -> System:
        return adjoint_text(self.text)

    @cached_property
    def sizes(self) -> dict[str, int]:
        return data.sizes_of(self.system)

    @cached_property
    def parameters(self) -> dict[str, Array]:
        return data.parameters(self.system, self.seed, self.module.init(seed=self.seed, dtype="float64", **self.sizes))

    @cached_property
    def units(self) -> tuple[str, ...]:
        return tuple(v.name for v in self.system.values if v.role == "unit")

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The real inputs that something reads: those that have a gradient."""
        loss = (self.system.loss,) if self.system.loss is not None else ()
        read = data.reached(self.system, (*self.units, *loss), borders=True)
        values = self.system.values
        return tuple(v.name for v in values if v.role == "input" and v.kind == "real" and v.name in read)

    @cached_property
    def ragged(self) -> data.Batch:
        """Four sequences of different length: 17, 3, 2 and 1 on one axis, shorter where there are two."""
        turn = self.seed % 4
        labels = data.label_axes(self.system)
        axes = tuple(a for a in self.system.axes if a not in labels)
        longest = LENGTHS if len(axes) == 1 else SHORT
        lengths = {axis: tuple(np.roll(longest if k == 0 else SHORT, turn + k).tolist()) for k, axis in enumerate(axes)}
        # as many labels as there is room for, though all be equal, or one less
        lengths |= {m: tuple((n + 1) // 2 - (b + n) % 2 for b, n in enumerate(lengths[a])) for m, a in labels.items()}
        return data.batch(self.system, self.seed, lengths, 4)

    @cached_property
    def short(self) -> data.Batch:
        """One sequence of four positions (three on two axes)."""
        labels = data.label_axes(self.system)
        axes = tuple(a for a in self.system.axes if a not in labels)
        length = 4 if len(axes) == 1 else 3
        lengths = {axis: (length - (k + self.seed) % 2,) for k, axis in enumerate(axes)}
        lengths |= {m: ((lengths[a][0] + 1) // 2,) for m, a in labels.items()}
        return data.batch(self.system, self.seed + 1, lengths, 1)

    @cached_property
    def tiny(self) -> data.Batch:
        """One sequence so short that most references look outside it."""
        labels = data.label_axes(self.system)
        axes = tuple(a for a in self.system.axes if a not in labels)
        lengths = {axis: (1 + (k + self.seed) % 2,) for k, axis in enumerate(axes)}
        lengths |= dict.fromkeys(labels, (1,))
        return data.batch(self.system, self.seed + 4, lengths, 1)

    @cached_property
    def forward(self) -> dict[str, Array]:
        return self.run(self.ragged)

    @cached_property
    def gradients(self) -> tuple[Any, dict[str, Array]]:
        return self.learn(self.ragged)

    @cached_property
    def single(self) -> tuple[data.Batch, dict[str, Array]]:
        """The ragged batch and the parameters in float32."""
        arrays, parameters = (
            {n: a.astype("float32") if a.dtype.kind == "f" else a for n, a in some.items()}
            for some in (self.ragged.arrays, self.parameters)
        )
        return data.Batch(arrays, self.ragged.lengths, self.ragged.axes, self.ragged.size), parameters

    @cached_property
    def single_bound(self) -> float:
        """How far gradients in float32 may be off: 1e-4, or thrice as far as back-propagation is on this network."""
        _, found = self.learn(*self.single)
        scales = {n: max(1.0, float(np.max(np.abs(a), initial=0.0))) for n, a in self.gradients[1].items()}
        off = (float(np.max(np.abs(found[n] - a), initial=0.0)) / scales[n] for n, a in self.gradients[1].items())
        return max(1e-4, 3 * max(off, default=0.0))

    def run(self, batch: data.Batch, parameters: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """The module's forward on a batch, every unit observed."""
        found: dict[str, Array] = self.module.forward(
            self.parameters if parameters is None else parameters,
            **batch.arrays,
            lengths=batch.given(self.system.axes),
            observe=list(self.units),
        )
        return found

    def learn(self, batch: data.Batch, parameters: Mapping[str, Array] | None = None) -> tuple[Any, dict[str, Array]]:
        """The module's loss and gradients, summed over a batch."""
        value, grads = self.module.bptt(
            self.parameters if parameters is None else parameters,
            **batch.arrays,
            lengths=batch.given(self.system.axes),
            wrt=self.inputs,
            reduce="sum",
        )
        return value, dict(grads)

    def alone(self, b: int, batch: data.Batch, system: System) -> Evaluation:
        """The interpreter on one sequence of a batch."""
        lengths, arrays = batch.alone(b)
        return interpret(system, self.sizes, lengths, {**arrays, **self.parameters})

    def differentiated(self, b: int, batch: data.Batch) -> dict[str, Array]:
        """The gradients of one sequence of a batch by the adjoint system, stacked weights taken apart."""
        oracle = self.alone(b, batch, self.adjoint)
        stacks = {s.name: s.parts for s in self.adjoint.stacks}
        found = {}
        for name, gradient in self.adjoint.gradients:
            array = oracle.read(gradient)
            rows = 0
            for part in stacks.get(name, (name,)):
                count = len(self.parameters[part]) if name in stacks else len(array) if array.ndim else 0
                found[part] = array[rows : rows + count] if array.ndim else array
                rows += count
        return found


def close(found: Any, expected: Any, tolerance: float, what: str) -> None:
    """Equal up to `tolerance` of the largest entry (and of 1)."""
    expected = np.asarray(expected)
    assert np.shape(found) == expected.shape, f"{what}: {np.shape(found)}, not {expected.shape}"
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    assert_allclose(found, expected, rtol=0, atol=tolerance * scale, err_msg=what)


def forward_is_the_interpreter(subject: Subject) -> None:
    """Every unit and the loss, on a ragged batch; zero in the padding."""
    axes = {v.name: v.axes for v in subject.system.values}
    for b in range(subject.ragged.size):
        oracle = subject.alone(b, subject.ragged, subject.system)
        for name in subject.units:
            whole = subject.forward[name]
            taken = whole[(slice(None),) * len(axes[name]) + (b,)]
            inside = tuple(slice(0, subject.ragged.lengths[a][b]) for a in axes[name])
            close(taken[inside], oracle.read(name), 1e-10, f"forward, {name}, sequence {b}")
            padding = np.array(taken)
            padding[inside] = 0
            assert_array_equal(padding, 0, err_msg=f"padding of {name}, sequence {b}")
        if subject.system.loss is not None:
            close(subject.forward["loss"][b], oracle.read(subject.system.loss), 1e-10, f"loss, sequence {b}")


def bptt_is_the_adjoint(subject: Subject) -> None:
    """The module's gradients are those of the adjoint system, interpreted; the loss with them."""
    value, found = subject.gradients
    expected = [subject.differentiated(b, subject.ragged) for b in range(subject.ragged.size)]
    for name in expected[0]:
        parts = [gradients[name] for gradients in expected]
        if name in subject.inputs:
            for b, part in enumerate(parts):
                cut = subject.ragged.cut(name, found[name], b)
                close(cut, part, 1e-9, f"gradient of {name}, sequence {b}")
        else:
            close(found[name], sum(parts), 1e-9, f"gradient of {name}")
    trained = {p.name for p in subject.system.parameters if p.trained}
    assert set(found) == trained | set(subject.inputs), "names of the gradients"
    close(value, np.sum(subject.forward["loss"]), 1e-12, "the loss bptt gives")


def adjoint_is_the_unrolled_gradient(subject: Subject) -> None:
    """The adjoint system and, independent of it, reverse mode on the unrolled graph; bptt beside them."""
    for batch in (subject.short, subject.tiny):
        lengths, arrays = batch.alone(0)
        given = {**arrays, **subject.parameters}
        oracle = subject.differentiated(0, batch)
        _, found = subject.learn(batch)
        expected = unrolled.gradients(subject.system, subject.sizes, lengths, given, tuple(found))
        for name, array in found.items():
            mine = batch.cut(name, array, 0) if name in subject.inputs else array
            close(mine, expected[name], 1e-9, f"bptt of {name}, lengths {lengths}")
            # what the loss does not depend on has no adjoint
            close(oracle.get(name, 0 * array), expected[name], 1e-9, f"adjoint of {name}, lengths {lengths}")


def gradients_are_differences(subject: Subject) -> None:
    """Along random directions the gradient is the derivative that complex steps give."""
    lengths, arrays = subject.short.alone(0)
    given = {**arrays, **subject.parameters}
    _, found = subject.learn(subject.short)
    mine = {n: subject.short.cut(n, a, 0) if n in subject.inputs else a for n, a in found.items()}
    draw = np.random.default_rng(subject.seed)
    for _ in range(2):
        direction = {name: draw.standard_normal(given[name].shape) for name in sorted(mine)}
        expected = differences.along(subject.system, subject.sizes, lengths, given, direction)
        along = sum(float(np.sum(mine[name] * direction[name])) for name in direction)
        assert_allclose(along, expected, rtol=1e-7, atol=1e-7, err_msg="derivative along a random direction")


def a_batch_is_its_sequences(subject: Subject) -> None:
    """Each sequence alone, with and without a batch of one, gives the numbers it gives among others."""
    axes = {v.name: v.axes for v in subject.system.values}
    total: dict[str, Any] = {}
    for b in range(subject.ragged.size):
        lengths, arrays = subject.ragged.alone(b)
        single = subject.module.forward(
            subject.parameters, **arrays, lengths=_lengths(subject, lengths), observe=list(subject.units)
        )
        _, grads = subject.module.bptt(
            subject.parameters, **arrays, lengths=_lengths(subject, lengths), wrt=subject.inputs, reduce="sum"
        )
        for name in subject.units:
            whole = subject.forward[name][(slice(None),) * len(axes[name]) + (b,)]
            inside = tuple(slice(0, lengths[a]) for a in axes[name])
            close(whole[inside], single[name], 1e-12, f"{name}, sequence {b} alone")
        close(subject.forward["loss"][b], single["loss"], 1e-12, f"loss, sequence {b} alone")
        for name, array in grads.items():
            if name in subject.inputs:
                cut = subject.ragged.cut(name, subject.gradients[1][name], b)
                close(cut, array, 1e-12, f"gradient of {name}, sequence {b} alone")
            else:
                total[name] = total.get(name, 0) + array
    for name, array in total.items():
        close(subject.gradients[1][name], array, 1e-12, f"gradient of {name}, summed over single runs")


def a_batch_of_one(subject: Subject) -> None:
    """Without a batch is a batch of one; an equal batch needs no lengths where an array carries the axis."""
    count = (1, 2, 3, 5)[subject.seed % 4]
    lengths = {a: (n[0],) * count for a, n in subject.short.lengths.items()}
    batch = data.batch(subject.system, subject.seed + 2, lengths, count)
    carried = {a for axes in batch.axes.values() for a in axes}
    extra = {} if carried == set(subject.system.axes) else {"lengths": batch.given(subject.system.axes)}
    whole = subject.module.forward(subject.parameters, **batch.arrays, **extra, observe=list(subject.units))
    axes = {v.name: v.axes for v in subject.system.values}
    for b in range(count):
        one, arrays = batch.alone(b)
        lengthen = {"lengths": _lengths(subject, one)} if extra else {}
        single = subject.module.forward(subject.parameters, **arrays, **lengthen, observe=list(subject.units))
        for name in subject.units:
            taken = whole[name][(slice(None),) * len(axes[name]) + (b,)]
            close(taken, single[name], 1e-12, f"{name} of a batch of {count}")
    mean, grads = subject.module.bptt(subject.parameters, **batch.arrays, **extra)
    total, sums = subject.module.bptt(subject.parameters, **batch.arrays, **extra, reduce="sum")
    close(mean, total / count, 1e-12, "the mean over the batch")
    for name in grads:
        close(grads[name], sums[name] / count, 1e-12, f"gradient of {name}, mean over the batch")


def single_precision_is_near(subject: Subject) -> None:
    """float32 in, float32 out, close to float64."""
    batch, parameters = subject.single
    forward = subject.run(batch, parameters)
    for name in (*subject.units, "loss"):
        assert forward[name].dtype == np.float32, f"{name} is {forward[name].dtype}"
        close(forward[name], subject.forward[name], 1e-3, f"{name} in float32")
    _, grads = subject.learn(batch, parameters)
    for name, array in grads.items():
        assert array.dtype == np.float32, f"gradient of {name} is {array.dtype}"
        close(array, subject.gradients[1][name], 1e-2, f"gradient of {name} in float32")


def _lengths(subject: Subject, lengths: Mapping[str, int]) -> Any:
    """The lengths of one sequence as a module takes them."""
    axes = subject.system.axes
    return dict(lengths) if len(axes) > 1 else lengths[axes[0]] if axes else None


PROPERTIES: tuple[Callable[[Subject], None], ...] = (
    forward_is_the_interpreter,
    adjoint_is_the_unrolled_gradient,
    bptt_is_the_adjoint,
    gradients_are_differences,
    a_batch_is_its_sequences,
    a_batch_of_one,
    single_precision_is_near,
)
