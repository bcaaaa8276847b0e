"""Units behind a block-diagonal weight seen block by block, so that each block's derivatives stay its own.

before   cut = h[n-1] as (G, R);  product[g, i] = W[g, i, k] cut[g, k];  net = product as H, plus b;  h = tanh(net)
after    product[g, i] = W[g, i, k] h[n-1][g, k];  net[g, i] = product[g, i] + b[g, i];  h[g, i] = tanh(net[g, i])

What is entry by entry keeps its meaning whatever its shape; what else reads such a unit reads it flat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rnnc.model.forms import At
from rnnc.ops.formula import Operand
from rnnc.sizes import Shape, Size
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Border, Contract, Equation, Pointwise, Reshape, System

INNER = ".inner"


@dataclass(frozen=True)
class Refined:
    """`system`, and the values whose one dimension (of a parameter: the first) it has as two."""

    system: System
    names: frozenset[str]


def refined(system: System) -> Refined:
    """The system with every unit that block-diagonal weights alone connect in the shape of its blocks."""
    names: set[str] = set()
    for e in system.equations:
        if e.out in names or not isinstance(e.op, Reshape):
            continue
        blocks = _Blocks(system, e)
        if blocks.recurrent():
            system = blocks.run()
            names |= blocks.chosen | blocks.parameters
    return Refined(system, frozenset(names))


def _entry_by_entry(e: Equation, name: str) -> bool:
    """Whether the equation reads `name` at its own entries."""
    return isinstance(e.op, Pointwise) and any(r.name == name and r.dims == e.dims for r in e.reads)


class _Blocks:
    def __init__(self, system: System, seed: Equation) -> None:
        self.x = Extension(system)
        self.system = system
        source = self.x.values[seed.reads[0].name]
        self.shape: Shape = source.shape
        self.flat: Shape = self.x.values[seed.out].shape
        self.chosen: set[str] = set()
        self.parameters: set[str] = set()
        self.made: dict[tuple[str, tuple[At, ...], Shape], str] = {}
        if len(self.shape) == 2 and len(self.flat) == 1:
            self._spread(seed.out)

    def recurrent(self) -> bool:
        """Whether the blocks reach back to themselves."""
        return any(self._cuts(e) for e in self.x.equations.values())

    def _cuts(self, e: Equation) -> bool:
        """A unit of these blocks, seen as they are."""
        return isinstance(e.op, Reshape) and e.reads[0].name in self.chosen and self.x.values[e.out].shape == self.shape

    def _spread(self, seed: str) -> None:
        """Everything that entry by entry belongs to the blocks of `seed`."""
        readers: dict[str, list[Equation]] = {}
        for e in self.x.equations.values():
            for r in e.reads:
                readers.setdefault(r.name, []).append(e)
        waiting = [seed]
        while waiting:
            name = waiting.pop()
            if name in self.chosen or not self._fits(name):
                continue
            self.chosen.add(name)
            e = self.x.equations[name]
            if isinstance(e.op, Pointwise):
                waiting.extend(r.name for r in e.reads if r.dims == e.dims)
            waiting.extend(e.out for e in readers.get(name, ()) if _entry_by_entry(e, name))
        begun = {n for b in self.system.borders for n in b.reads()}
        for name in sorted(self.chosen):
            e = self.x.equations[name]
            for r in e.reads:
                v = self.x.values[r.name]
                alone = v.role == "parameter" and len(readers[r.name]) == 1 and r.name not in begun
                if alone and v.kind == "real" and v.shape[:1] == self.flat and r.dims[:1] == e.dims:
                    self.parameters.add(r.name)

    def _fits(self, name: str) -> bool:
        e = self.x.equations.get(name)
        if e is None or self.x.values[name].shape != self.flat:
            return False
        if isinstance(e.op, Reshape):
            return self.x.values[e.reads[0].name].shape == self.shape
        if isinstance(e.op, Contract):
            carriers = [r for r in e.reads if e.dims[0] in r.dims]
            return len(carriers) == 1 and carriers[0].dims[0] == e.dims[0] and carriers[0].dims.count(e.dims[0]) == 1
        return isinstance(e.op, Pointwise)

    # ---- rewriting

    def run(self) -> System:
        equations = []
        for e in tuple(self.x.equations.values()):
            if e.out in self.chosen:
                equations.append(self._inside(e))
            elif self._cuts(e):
                (read,) = e.reads
                labels = (".g", INNER)
                equations.append(replace(e, dims=labels, op=Pointwise(Operand(0)), reads=(replace(read, dims=labels),)))
            else:
                equations.append(replace(e, reads=tuple(self._outside(r) for r in e.reads)))
        borders = tuple(self._border(b) for b in self.system.borders)
        known = {e.out for e in equations}
        equations += [e for name, e in self.x.equations.items() if name not in known]
        for name in (*self.chosen, *self.parameters):
            v = self.x.values[name]
            self.x.values[name] = replace(v, shape=(*self.shape, *v.shape[1:]))
        return replace(self.system, values=tuple(self.x.values.values()), equations=tuple(equations), borders=borders)

    def _inside(self, e: Equation) -> Equation:
        (label,) = e.dims
        if isinstance(e.op, Reshape):
            (read,) = e.reads
            return replace(
                e, dims=(label, INNER), op=Pointwise(Operand(0)), reads=(replace(read, dims=(label, INNER)),)
            )
        return replace(e, dims=(label, INNER), reads=tuple(self._read(r, label) for r in e.reads))

    def _read(self, r: Access, label: str) -> Access:
        """A read of an equation of the blocks, whose entries `label` numbers."""
        taps = len(r.dims) - len(self.x.values[r.name].shape)
        if label not in r.dims:
            return self._outside(r)
        if r.name in self.chosen or r.name in self.parameters:
            k = r.dims.index(label)
            return replace(r, dims=(*r.dims[: k + 1], INNER, *r.dims[k + 1 :]))
        (at,) = [k for k, d in enumerate(r.dims) if d == label]
        assert at == taps, "entry by entry along the first dimension"
        return self._seen(r, (*self.shape, *self.x.values[r.name].shape[1:]), (label, INNER, *r.dims[at + 1 :]))

    def _outside(self, r: Access) -> Access:
        """A read of what is not of the blocks: theirs it sees flat."""
        taps = len(r.dims) - len(self.flat)
        return self._seen(r, self.flat, r.dims[taps:]) if r.name in self.chosen else r

    def _seen(self, r: Access, shape: Shape, dims: tuple[str | int, ...]) -> Access:
        """What `r` reads, in another shape behind its taps; read where it is made."""
        v = self.x.values[r.name]
        old = (*self.shape, *v.shape[1:]) if r.name in self.chosen else v.shape
        taps = tuple(Size.of(a.high - a.low + 1) for a in r.at if a.high is not None)
        ahead = tuple(f".w{k}" for k in range(len(taps)))
        key = (r.name, r.at, shape)
        if key not in self.made:
            labels = (*ahead, *(f".i{k}" for k in range(len(old))))
            axes = tuple(a.axis for a in r.at if a.anchor == "here")
            title = f"{r.name}:{'flat' if shape == self.flat else 'blocks'}"
            read = (replace(r, dims=labels),)
            self.made[key] = self.x.add(title, axes, v.batched, (*taps, *shape), Reshape(), read)
        return replace(self.x.here(self.made[key], (*r.dims[: len(taps)], *dims)), span=r.span)

    def _split(self, name: str) -> str:
        """What stands before the first step, in the shape of the blocks."""
        return self._seen(self.x.here(name, (".i0",)), self.shape, (".g", INNER)).name

    def _border(self, b: Border) -> Border:
        if b.name not in self.chosen:
            return b
        default = None if b.default is None else self._split(b.default)
        return replace(b, default=default, early=tuple((k, None if n is None else self._split(n)) for k, n in b.early))
