"""The arrays that the functions of a generated module make, read off its text: their sizes as polynomials.

Buffers, scratch and kept transposes alike, since the text is what runs. What is made under a condition (a ragged batch,
a gradient of an input) is left out, and so are views.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from rnnc.plan.symbols import Symbols
from rnnc.sizes import Shape, Size, kept_of


@dataclass(frozen=True)
class Arrays:
    """What one function makes by variable, what of it (`kept`) it hands to the next function, and what it copies for
    its caller at its end (`copies`)."""

    made: tuple[tuple[str, Size], ...]
    kept: tuple[str, ...]
    copies: Size

    def whole(self) -> Size:
        return sum((count for _, count in self.made), Size.of(0))

    def handed_on(self) -> Size:
        return sum((count for name, count in self.made if name in self.kept), Size.of(0))


def arrays(text: str, letters: Symbols, shapes: Mapping[str, Shape]) -> dict[str, Arrays]:
    """By function of the module. `shapes`: of every parameter, input and target, with axes and batch."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_"):
            reading = _Function(letters, shapes)
            reading.block(node.body)
            found[node.name] = Arrays(tuple(reading.made.items()), tuple(reading.kept), reading.copies)
    return found


def strip_rows(text: str) -> int:
    """How many rows the module computes at a time, positions times sequences."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "STRIP":
            return int(ast.literal_eval(node.value))
    raise ValueError("the module does not say how many rows a strip has")


@dataclass
class _Function:
    letters: Symbols
    shapes: Mapping[str, Shape]
    made: dict[str, Size] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    copies: Size = field(default_factory=lambda: Size.of(0))
    sizes: dict[str, Size] = field(default_factory=dict)
    given: dict[str, Size] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)
    rings: dict[str, int] = field(default_factory=dict)

    def block(self, body: Sequence[ast.stmt]) -> None:
        for node in body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._assign(name, value)
                case ast.AugAssign(value=ast.Call() as call) if ast.unparse(call.func) == "call.recent":
                    self._recent(ast.unparse(call.args[1]))
                case ast.Return(value=ast.Dict(values=values)):
                    self.kept += [self._root(ast.unparse(v)) for v in values]
                case ast.For() | ast.With():
                    self.block(node.body)

    def _root(self, name: str) -> str:
        while name in self.views:
            name = self.views[name]
        return name

    def _recent(self, name: str) -> None:
        """A learner is given copies of all steps of a ring but the one that is written next."""
        ring = self.rings[name]
        self.copies = self.copies + self.made[name] * Size.of(Fraction(ring - 1, ring))

    def _assign(self, name: str, value: ast.expr) -> None:
        match value:
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id="call"), attr=of), slice=ast.Constant(value=str(key))
            ):
                if of in ("sizes", "length"):
                    self.sizes[name] = Size.named(key) if of == "sizes" else self.letters.length(key)
                elif of == "p":
                    self.given[name] = _product(self.shapes[key])
            case ast.Attribute(value=ast.Name(id="call"), attr="batch"):
                self.sizes[name] = self.letters.sequences
            case ast.Name(id=source):
                self.views[name] = source
            case ast.Subscript(value=ast.Name(id=source)) if source not in ("saved", "grads"):
                self.views[name] = source
            case ast.Call():
                self._call(name, ast.unparse(value.func), value.args)

    def _call(self, name: str, function: str, args: list[ast.expr]) -> None:
        match function, args:
            case "call.strip", [ast.Constant(value=str(axis))]:
                self.sizes[name] = self.letters.strip(axis)
            case "np.empty", [ast.Tuple(elts=parts), *_]:
                self.made[name] = _product(tuple(self._size(part) for part in parts))
                match parts:
                    case [ast.Constant(value=int(ring)), *_]:
                        self.rings[name] = ring
            case "np.empty_like", [ast.Name(id=other)]:
                self.made[name] = self.made[self._root(other)]
            case "np.ascontiguousarray", [ast.Attribute(value=ast.Name(id=other), attr="T")]:
                self.made[name] = self.given[self._root(other)]
            case "np.pad", [array, rows]:
                self.made[name] = self._padded(array, ast.literal_eval(rows))
            case "stacked", [_, *names]:
                self.given[name] = sum((_product(self.shapes[ast.literal_eval(n)]) for n in names), Size.of(0))

    def _padded(self, array: ast.expr, rows: tuple[tuple[int, int], ...]) -> Size:
        """An input or a target with rows outside the sequence."""
        (key,) = [n.value for n in ast.walk(array) if isinstance(n, ast.Constant) and n.value in self.shapes]
        shape = self.shapes[str(key)]
        return _product(tuple(z + Size.of(low + high) for z, (low, high) in zip(shape, rows, strict=True)))

    def _size(self, node: ast.expr) -> Size:
        match node:
            case ast.Constant(value=int(value)):
                return Size.of(value)
            case ast.Name(id=name):
                return self.sizes[name]
            case ast.BinOp(left=left, op=op, right=right):
                a, b = self._size(left), self._size(right)
                match op:
                    case ast.Add():
                        return a + b
                    case ast.Sub():
                        return a - b
                    case ast.Mult():
                        return a * b
                    case ast.FloorDiv() | ast.Div():
                        return a / b
            case ast.Call(func=ast.Name(id="ceil"), args=[inner]):
                return kept_of(Fraction(1), self._size(inner))
        raise ValueError(f"an array of {ast.unparse(node)} entries")


def _product(shape: Shape) -> Size:
    total = Size.of(1)
    for z in shape:
        total = total * z
    return total
