"""The arrays that the functions of a generated module make, read off its text: their sizes as polynomials.

Buffers, scratch, kept transposes and what single statements need for a moment, since the text is what runs. What is
made under a condition (a ragged batch, a gradient of an input) is left out, and so are views.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from rnnc.plan.passing import CAST, WHOLE, passing
from rnnc.plan.symbols import Symbols
from rnnc.sizes import Shape, Size, kept_of, number

WORK = "KEPT"
"""The variable of a module that keeps the work space of alignments."""


@dataclass(frozen=True)
class Arrays:
    """What one function makes by variable, what of it (`kept`) it hands to the next function, what it copies for
    its caller at its end (`copies`), and what there is in all at `moments` before all of it is made."""

    made: tuple[tuple[str, Size], ...]
    kept: tuple[str, ...]
    copies: Size
    moments: tuple[Size, ...]

    def whole(self) -> Size:
        return sum((count for _, count in self.made), Size.of(0))

    def all(self) -> tuple[Size, ...]:
        """What there is at each moment."""
        return (self.whole(), *self.moments)

    def handed_on(self) -> Size:
        return sum((count for name, count in self.made if name in self.kept), Size.of(0))


def arrays(text: str, letters: Symbols, shapes: Mapping[str, Shape]) -> dict[str, Arrays]:
    """By function of the module. `shapes`: of every parameter, input and target, with axes and batch."""
    found, saved = {}, dict[str, tuple[Size, Size]]()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_"):
            reading = _Function(letters, shapes, saved)
            reading.block(node.body)
            moments = tuple(dict.fromkeys(reading.moments))
            found[node.name] = Arrays(tuple(reading.made.items()), tuple(reading.kept), reading.copies, moments)
    return found


def told(text: str, name: str) -> Any:
    """What a module's text says that `name` is, a plain value; None where it does not say."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                return ast.literal_eval(value)
            case ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value) if found == name:
                return ast.literal_eval(value)
    return None


@dataclass
class _Function:
    letters: Symbols
    shapes: Mapping[str, Shape]
    saved: dict[str, tuple[Size, Size]]
    """The entries of what earlier functions hand on, and those of a step, by its name there."""
    made: dict[str, Size] = field(default_factory=dict)
    moments: list[Size] = field(default_factory=list)
    step: dict[str, Size] = field(default_factory=dict)
    """Of an array its entries at one position."""
    dims: dict[str, Shape] = field(default_factory=dict)
    parts: dict[str, Size] = field(default_factory=dict)
    """What is a strip of an array."""
    kept: list[str] = field(default_factory=list)
    copies: Size = field(default_factory=lambda: Size.of(0))
    sizes: dict[str, Size] = field(default_factory=dict)
    given: dict[str, Size] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)
    rings: dict[str, int] = field(default_factory=dict)

    def block(self, body: Sequence[ast.stmt]) -> None:
        for node in body:
            self.moments += [
                sum(self.made.values(), extra) for extra in passing(node, self._sized, self._row, self._part)
            ]
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._assign(name, value)
                case ast.Assign(targets=[ast.Subscript()], value=ast.Call(func=ast.Name(id="last_rows"), args=args)):
                    self._behind(args)
                case ast.AugAssign(value=ast.Call() as call) if ast.unparse(call.func) == "call.recent":
                    self._recent(ast.unparse(call.args[1]))
                case ast.Return(value=ast.Dict(keys=keys, values=values)):
                    roots = [self._root(ast.unparse(v)) for v in values]
                    self.kept += roots
                    for key, root in zip(keys, roots, strict=True):
                        whole = self.made.get(root, self.given.get(root))
                        if isinstance(key, ast.Constant) and root in self.step and whole is not None:
                            self.saved[str(key.value)] = (whole, self.step[root])
                case ast.For() | ast.With():
                    self.block(node.body)

    def _root(self, name: str) -> str:
        while name in self.views:
            name = self.views[name]
        return name

    def _sized(self, name: str) -> Size | None:
        """The entries of an array, or of what is a strip of one."""
        root = self._root(name)
        return self.parts.get(name, self.made.get(root, self.given.get(root)))

    def _part(self, node: ast.expr) -> Size | None:
        """The entries of an array, or of a span of each of its first dimensions."""
        name = next(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
        whole, dims = self._sized(name), self.dims.get(self._root(name), ())
        if whole is None or not isinstance(node, ast.Subscript):
            return whole
        for dim, span in zip(
            dims, node.slice.elts if isinstance(node.slice, ast.Tuple) else (node.slice,), strict=False
        ):
            if isinstance(span, ast.Slice) and span.upper is not None:
                lower = Size.of(0) if span.lower is None else self._size(span.lower)
                whole = whole / dim * (self._size(span.upper) - lower)
        return whole

    def _row(self, name: str) -> Size | None:
        return self.step.get(self._root(name))

    def _entries(self, name: str) -> Size:
        found = self._sized(name)
        if found is None:
            raise ValueError(f"how large `{name}` is cannot be read off the module")
        return found

    def _behind(self, args: list[ast.expr]) -> None:
        """The last steps of an array, for who goes on from there."""
        array, steps, *_ = args
        match array:
            case ast.Subscript(value=ast.Name(id="saved"), slice=ast.Constant(value=str(key))):
                _, one = self.saved[key]
            case _:
                one = self.step[self._root(ast.unparse(array))]
        self.copies = self.copies + one * self._size(steps)

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
                elif of == "lengths":
                    self.made[name] = self.letters.sequences * Size.of(WHOLE)
                elif of in ("p", "data"):
                    self._given(name, key)
            case ast.BinOp(left=left) if ast.unparse(left).startswith("call.lengths["):
                self.made[name] = self.letters.sequences * Size.of(WHOLE)
            case ast.BinOp(left=left, right=right) if ast.unparse(right) == "call.begin":
                (axis,) = (str(n.value) for n in ast.walk(left) if isinstance(n, ast.Constant) and n.value)
                self.made[name] = self.letters.length(axis) * self.letters.sequences * Size.of(WHOLE)
                self.moments.append(sum(self.made.values(), Size.of(CAST)))
            case ast.Subscript(value=ast.Name(id="grads"), slice=ast.Constant(value=str(key))):
                self._given(name, key)
            case ast.Subscript(value=ast.Name(id="saved"), slice=ast.Constant(value=str(key))) if key in self.saved:
                self.given[name], self.step[name] = self.saved[key]
            case ast.Attribute(value=ast.Name(id="call"), attr="batch"):
                self.sizes[name] = self.letters.sequences
            case ast.Name(id=source):
                self.views[name] = source
            case ast.Subscript(value=ast.Name(id=source), slice=rows) if source not in ("saved", "grads"):
                self.views[name] = source
                whole = self._sized(source)
                if whole is not None and "first_" in ast.unparse(rows):
                    named = {self.letters.length(axis).names[0]: axis for axis, _ in self.letters.steps}
                    self.parts[name] = whole.bind({length: self.letters.strip(a) for length, a in named.items()})
            case ast.Call():
                self._call(name, ast.unparse(value.func), value.args)

    def _call(self, name: str, function: str, args: list[ast.expr]) -> None:
        match function, args:
            case "call.strip", [ast.Constant(value=str(axis))]:
                self.sizes[name] = self.letters.strip(axis)
            case "np.empty", [ast.Tuple(elts=parts), *_]:
                self.dims[name] = tuple(self._size(part) for part in parts)
                self.made[name] = number(self.dims[name])
                self.step[name] = number(self.dims[name][1:])
                match parts:
                    case [ast.Constant(value=int(ring)), *_]:
                        self.rings[name] = ring
            case "np.empty_like", [ast.Name(id=other)]:
                self.made[name] = self.made[self._root(other)]
            case "np.asarray", [ast.Attribute(value=ast.Name(id=other), attr="T")]:
                self.made[name] = self.given[self._root(other)]
            case "for_each", [ast.Name(id=other), _]:
                self.made[name] = self._entries(other) * self.letters.sequences
            case "np.pad", [array, rows]:
                self.made[name] = self._padded(array, ast.literal_eval(rows))
                self.step[name] = number(self.shapes[_key(array, self.shapes)][1:])
            case "call.target" | "call.input_or_zero", [ast.Constant(value=str(key)), *_]:
                self._given(name, key)
            case "Lattice", [ast.Name(id=logits), _, frames, labels, *_]:
                lengths = (self.letters.length(_key(a, dict(self.letters.steps))) for a in (frames, labels))
                self._lattice(name, self._entries(logits), *lengths)
            case "stacked", [_, *names]:
                self.given[name] = sum((number(self.shapes[ast.literal_eval(n)]) for n in names), Size.of(0))

    def _given(self, name: str, key: str) -> None:
        if key in self.shapes:
            self.given[name] = number(self.shapes[key])
            self.step[name] = number(self.shapes[key][1:])

    def _lattice(self, name: str, logits: Size, frames: Size, labels: Size) -> None:
        """The sums over alignments, in double precision: the derivative by the logits; the work space, which is kept
        for the next call; and of it at worst, what is made of some frames at a time."""
        group, near = (Size.named(letter) for letter in self.letters.alignments)
        double, one = Size.of(2), Size.of(1)
        self.made[name] = double * logits
        self.made[WORK] = double * frames * group * (Size.of(5) * labels + Size.of(2))
        self.kept.append(WORK)
        shares = double * group * (frames * (labels + one) + labels)
        walked = group * (Size.of(16) * labels + Size.of(8))
        classes = logits / frames / self.letters.sequences
        met, divided = (
            double * near * group * (z + Size.of(4)) for z in (labels * Size.of(3), labels * double + classes)
        )
        self.moments += [sum(self.made.values(), shares + more) for more in (walked, met, divided)]

    def _padded(self, array: ast.expr, rows: tuple[tuple[int, int], ...]) -> Size:
        """An input or a target with rows outside the sequence."""
        shape = self.shapes[_key(array, self.shapes)]
        return number(tuple(z + Size.of(low + high) for z, (low, high) in zip(shape, rows, strict=True)))

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
            case ast.Call(func=ast.Name(id="max"), args=[_, ast.Call(func=ast.Name(id="round"), args=[inner])]):
                return kept_of(Fraction(1), self._size(inner))
        raise ValueError(f"an array of {ast.unparse(node)} entries")


def _key(array: ast.expr, shapes: Mapping[str, object]) -> str:
    """Which of these names an expression reads."""
    (key,) = [n.value for n in ast.walk(array) if isinstance(n, ast.Constant) and n.value in shapes]
    return str(key)
