"""An elementwise equation as a run of `out=` calls in three-address form."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rnnc.emit.lines import Lines
from rnnc.emit.planes import unit_dims
from rnnc.emit.spelling import BINARY, TESTS, UNARY, call
from rnnc.emit.views import BATCH, Names, View, aligned, target_labels, view
from rnnc.model.forms import At
from rnnc.ops.formula import ZERO, Constant, Extent, Formula, Operand, Operation, operands
from rnnc.system.forms import Access, Equation, Pointwise

NUMBERS = {0.5: "half", 1.0: "one", 2.0: "two", -1.0: "minus_one"}


class Elementwise:
    """Writes the equations of one section; `work` arrays are asked for by the space they have."""

    def __init__(self, names: Names, lines: Lines, work: dict[str, list[str]], real: str = "real") -> None:
        self.names = names
        self.lines = lines
        self.work = work
        self.real = real
        self.numbers: dict[float, str] = {}
        self.absent: dict[str, str] = {}
        self.repeated: dict[str, str] = {}
        """Values without a batch that were written out for each sequence before the scan, and their variables."""

    def number(self, value: float) -> str:
        """A number inside a scan: an array without dimensions, which a call takes twice as fast as Python's own."""
        if value not in self.numbers:
            count = len(self.numbers) + 1
            self.numbers[value] = NUMBERS.get(value, f"number{count}")
        return self.numbers[value]

    def call(self, op: str, args: list[str], out: str, scans: Mapping[str, str]) -> list[str]:
        """The lines that put `op` of `args` into `out`, in a scan those that NumPy is called fastest by."""
        return call(op, args, out, self.number, "") if scans else call(op, args, out)

    def equation(self, e: Equation, scans: Mapping[str, str]) -> None:
        """The lines that compute `e` where it lies."""
        assert isinstance(e.op, Pointwise)
        target = target_labels(self.names, e, scans)
        out = self.output(e, scans)
        planes = self.names.plane(e.out) is not None
        leaves = [self._leaf(r, scans, planes) for r in e.reads]
        writer = _Writer(self, e, leaves, target, out, scans)
        writer.write(e.op.formula)

    def _leaf(self, r: Access, scans: Mapping[str, str], planes: bool) -> View:
        if scans and not planes and r.name in self.repeated and r.dims:
            return View(self.repeated[r.name], (BATCH, *(d for d in r.dims if isinstance(d, str))), "")
        return view(self.names, r, scans, self.lines, planes)

    def output(self, e: Equation, scans: Mapping[str, str]) -> View:
        v = self.names.values[e.out]
        access = Access(e.out, tuple(At(a) for a in v.axes), e.dims)
        return view(self.names, access, scans, self.lines, self.names.plane(e.out) is not None)


class _Writer:
    def __init__(
        self,
        owner: Elementwise,
        equation: Equation,
        leaves: list[View],
        target: tuple[str, ...],
        out: View,
        scans: Mapping[str, str],
    ) -> None:
        self.owner = owner
        self.equation = equation
        self.leaves = leaves
        self.target = target
        self.out = out
        self.scans = scans
        self.used = 0
        # a 0-d row has no view to write through: `a[n]` is a number there, `a[n, ...]` an array
        self.place = out.text

    def write(self, formula: Formula) -> None:
        if isinstance(formula, Operation) and formula.op not in TESTS and formula.op not in ("present", "and"):
            self._into(formula, self.place)
            return
        self.owner.lines.add(f"{self.place}[...] = {self._value(formula)}")

    def _into(self, node: Operation, dest: str) -> None:
        lines = self.owner.lines
        if node.op == "where" and node.args[2] == ZERO and (absent := self._absent(node.args[0])):
            self._fill(node.args[1], dest)
            with lines.block(f"if {absent[0]} is not None:"):
                lines.add(f"{dest}[{absent[1]}] = 0.0")
            return
        if node.op == "where":
            lines.add(f"{dest}[...] = {self._choice(node)}")
            return
        args: list[str] = []
        for k, a in enumerate(node.args):
            others = [b for j, b in enumerate(node.args) if j != k]
            free = not args_in(args, dest) and not any(self._reads(b, dest) for b in others)
            if isinstance(a, Operation) and free and self._full(a) and self._spellable(a):
                self._into(a, dest)
                args.append(dest)
            else:
                args.append(self._value(a))
        for line in self.owner.call(node.op, args, dest, self.scans):
            lines.add(line)

    def _fill(self, node: Formula, dest: str) -> None:
        if isinstance(node, Operation) and self._spellable(node) and self._full(node):
            self._into(node, dest)
        elif (text := self._value(node)) != dest:
            self.owner.lines.add(f"{dest}[...] = {text}")

    def _absent(self, condition: Formula) -> tuple[str, str] | None:
        """For `present(target)`: the mask of what is missing (None in the module where nothing is), and as much of it
        as is being written; None where the target does not lie over the output entry by entry."""
        names = self.owner.names
        leaf = condition.args[0] if isinstance(condition, Operation) and condition.op == "present" else None
        if not isinstance(leaf, Operand):
            return None
        access, labels = self.equation.reads[leaf.index], self.leaves[leaf.index].labels
        v = names.values[access.name]
        here = access.in_place and not any(e.low or e.high for e in names.extents(v.name))
        if v.role != "target" or not here or labels != self.target[: len(labels)]:
            return None
        variable = f"absent_{names.variable(v.name)}"
        self.owner.absent[v.name] = variable
        rows = ", ".join(self.scans.get(a) or names.span(a) for a in v.axes)
        return variable, f"{variable}[{rows}]" if set(rows) - set(":, ") else variable

    def _spellable(self, a: Operation) -> bool:
        return a.op not in TESTS and a.op not in ("present", "and")

    def _full(self, a: Formula) -> bool:
        """The sub-formula has every label of the output, so that it fits its place."""
        found: set[str] = set()
        for k in operands(a):
            found.update(self.leaves[k].labels)
        return set(self.target) <= found

    def _reads(self, node: Formula, dest: str) -> bool:
        if dest != self.place:
            return False
        return any(self.leaves[k].home == self.out.home for k in operands(node))

    def _value(self, node: Formula) -> str:
        """The text of a sub-formula's value, computed into a work array first where it is an operation."""
        if isinstance(node, Constant):
            plain = not self.scans or node.value == math.inf
            return repr(float(node.value)) if plain else self.owner.number(float(node.value))
        if isinstance(node, Extent):
            return f"({self.owner.names.size_text(node.size)})"
        if isinstance(node, Operand):
            return aligned(self.leaves[node.index], self.target)
        if node.op in TESTS:
            a, b = (self._value(x) for x in node.args)
            return f"({a} {node.op} {b})"
        if node.op == "and":
            a, b = (self._value(x) for x in node.args)
            return f"({a} & ({b} != 0))"
        if node.op == "present":
            return self._present(node)
        if not self._full(node):
            return self._inline(node)
        work = self._work()
        self._into(node, work)
        return work

    def _present(self, node: Operation) -> str:
        text = self._value(node.args[0])
        leaf = node.args[0]
        if isinstance(leaf, Operand):
            name = self.equation.reads[leaf.index].name
            if self.owner.names.values[name].kind == "token":
                return f"({text} >= 0)"
        return f"({text} == {text})"

    def _inline(self, node: Operation) -> str:
        """A part that lacks dimensions of the output: small, written as an ordinary expression."""
        if node.op == "where":
            return self._choice(node)
        args = [self._value(a) for a in node.args]
        if node.op in ("+", "-", "*", "/"):
            return f"({args[0]} {node.op} {args[1]})"
        if node.op == "^":
            return f"({args[0]} ** {args[1]})"
        if node.op == "neg":
            return f"(-{args[0]})"
        if node.op in BINARY:
            return f"np.{BINARY[node.op]}({', '.join(args)})"
        if node.op in UNARY:
            return f"np.{UNARY[node.op]}({args[0]})"
        return self._small(node.op, args)

    def _choice(self, node: Operation) -> str:
        """`where`: of two of Python's own numbers NumPy would choose in double precision."""
        condition, yes, no = node.args
        if isinstance(yes, Constant) and isinstance(no, Constant):
            numbers = (self.owner.number(float(a.value)) for a in (yes, no))
            return f"np.where({self._value(condition)}, {', '.join(numbers)})"
        return f"np.where({', '.join(self._value(a) for a in node.args)})"

    def _small(self, op: str, args: list[str]) -> str:
        """A function without a spelling of its own, through a work array of the output's space."""
        work = self._work()
        for line in self.owner.call(op, args, work, self.scans):
            self.owner.lines.add(line)
        return work

    def _work(self) -> str:
        """A work array of the output's space that no other value of this equation uses."""
        names = self.owner.names
        v = names.values[self.equation.out]
        axes = [a for a in v.axes if a not in self.scans]
        dims = [names.of_axis("strip", a) if a == names.strip else names.length(a) for a in axes]
        dims += unit_dims(names, v.batched, v.shape, names.plane(self.equation.out))
        space = ", ".join(dims)
        pool = self.owner.work.setdefault(space, [])
        if self.used == len(pool):
            count = sum(len(p) for p in self.owner.work.values())
            pool.append(f"work{count + 1 if count else ''}")
        self.used += 1
        work = pool[self.used - 1]
        if names.strip not in axes:
            return work
        rows = ", ".join([":"] * axes.index(names.strip) + [":" + names.of_axis("count", names.strip)])
        return self.owner.lines.row(f"{work}[{rows}]", f"{work}_strip")


def args_in(args: list[str], dest: str) -> bool:
    return dest in args
