"""How CUDA C spells a scalar formula; `T` stands for float or double."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rnnc.emit.naming import fresh, spelled
from rnnc.ops.formula import COMPARISONS, Constant, Extent, Formula, Operand, Operation
from rnnc.sizes import Size

CALLS = {
    "tanh": "tanh", "exp": "exp", "log": "log", "log1p": "log1p", "expm1": "expm1", "sqrt": "sqrt",
    "root": "sqrt",
    "sin": "sin", "cos": "cos", "tan": "tan", "atan": "atan", "sinh": "sinh", "cosh": "cosh", "abs": "fabs",
    "round": "rint", "floor": "floor", "ceil": "ceil", "erf": "erf", "^": "pow",
    "square": "square", "sigmoid": "sigmoid", "half_tanh": "half_tanh", "relu": "relu", "softplus": "softplus",
    "softsign": "softsign",
    "elu": "elu", "step": "unit_step", "sign": "sign", "min": "smaller", "max": "larger", "clip": "clip",
}  # fmt: skip

# NaN goes through `smaller` and `larger`, as it does in NumPy; through fmin and fmax it does not
FUNCTIONS: tuple[tuple[str, str], ...] = (
    ("square", "T square(T a) { return a * a; }"),
    ("sigmoid", "T sigmoid(T a) { return T(0.5) * tanh(T(0.5) * a) + T(0.5); }"),
    ("half_tanh", "T half_tanh(T a) { return T(0.5) * tanh(a) + T(0.5); }"),
    ("relu", "T relu(T a) { return a < T(0) ? T(0) : a; }"),
    ("softplus", "T softplus(T a) { return a > T(0) ? a + log1p(exp(-a)) : log1p(exp(a)); }"),
    ("softsign", "T softsign(T a) { return a / (T(1) + fabs(a)); }"),
    ("elu", "T elu(T a) { return a > T(0) ? a : expm1(a); }"),
    ("unit_step", "T unit_step(T a) { return a > T(0) ? T(1) : T(0); }"),
    ("sign", "T sign(T a) { return a > T(0) ? T(1) : a < T(0) ? T(-1) : a; }"),
    ("smaller", "T smaller(T a, T b) { return a < b || a != a ? a : b; }"),
    ("larger", "T larger(T a, T b) { return a > b || a != a ? a : b; }"),
    (
        "clip",
        "T clip(T a, T low, T high) {"
        " a = a < low || low != low ? low : a; return a > high || high != high ? high : a; }",
    ),
)
"""Functions that CUDA does not have: name and definition, without `template <typename T> __device__`."""

WORDS = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept const
    constexpr const_cast continue decltype default delete do double dynamic_cast else enum explicit export
    extern false final float for friend goto if inline int long mutable namespace new noexcept not not_eq
    nullptr operator or or_eq override private protected public register reinterpret_cast requires return
    short signed sizeof static static_assert static_cast struct switch template this thread_local throw true
    try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
    half complex threadIdx blockIdx blockDim gridDim warpSize NULL INFINITY NAN T count element
    first_element elements_apart
"""
RESERVED = (*WORDS.split(), *CALLS.values(), *(name for name, _ in FUNCTIONS))
"""Words that no variable of a kernel may have."""

ELEMENTS = """
__device__ long long first_element() { return blockIdx.x * (long long)blockDim.x + threadIdx.x; }
__device__ long long elements_apart() { return gridDim.x * (long long)blockDim.x; }
"""
"""How a kernel's threads share its elements."""


@dataclass
class Signature:
    """The parameters of one kernel while it is written, by what the module calls them: C names, each used once."""

    taken: set[str] = field(default_factory=lambda: {*RESERVED})
    arrays: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Python text to C name and type."""
    numbers: dict[str, str] = field(default_factory=dict)

    def named(self, base: str) -> str:
        """A C name that nothing else has, as close to `base` as can be."""
        name = fresh(base, self.taken)
        self.taken.add(name)
        return name

    def number(self, text: str) -> str:
        """A whole number."""
        if text not in self.numbers:
            self.numbers[text] = self.named(text if text.isidentifier() else "size")
        return self.numbers[text]

    def table(self, text: str) -> str:
        """An array of whole numbers."""
        return self.array(text, "long long", text)

    def array(self, text: str, kind: str, base: str = "") -> str:
        """An array of numbers of type `kind`."""
        if text not in self.arrays:
            self.arrays[text] = (self.named(base or f"{spelled(text)}_all"), kind)
        return self.arrays[text][0]

    def parameters(self, written: Iterable[str], body: str) -> tuple[tuple[str, str], ...]:
        """Python text and C declaration of each that the body names: the arrays that are written first."""
        used = frozenset(re.findall(r"\w+", body))
        first = tuple(dict.fromkeys(written))
        rest = tuple(text for text, (name, _) in self.arrays.items() if text not in first and name in used)
        arrays = [(text, f"{self.arrays[text][1]}* {self.arrays[text][0]}") for text in first]
        arrays += [(text, f"const {self.arrays[text][1]}* {self.arrays[text][0]}") for text in rest]
        numbers = ((text, f"long long {name}") for text, name in sorted(self.numbers.items()) if name in used)
        return (*arrays, *numbers)


TERNARY, LOGICAL, EQUAL, RELATION, SUM, PRODUCT, UNARY, ATOM = range(8)
LEVEL = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "neg": UNARY, "and": LOGICAL, "where": TERNARY}
LEVEL |= {op: EQUAL if op in ("==", "!=") else RELATION for op in COMPARISONS}
TESTS = (*COMPARISONS, "present", "and")


class Speller:
    """Spells formulas; an operand's C text and whether it is a token, and a size's, are asked for."""

    def __init__(
        self, operand: Callable[[int], str], token: Callable[[int], bool], size: Callable[[Size], str]
    ) -> None:
        self.operand = operand
        self.token = token
        self.size = size

    def spell(self, formula: Formula, level: int = TERNARY) -> str:
        """`formula` as a C expression of type T, in parentheses where `level` binds more tightly."""
        if isinstance(formula, Constant):
            return f"T({repr(float(formula.value)).removesuffix('.0')})"
        if isinstance(formula, Extent):
            return self.size(formula.size)
        if isinstance(formula, Operand):
            text = self.operand(formula.index)
            return f"T({text})" if self.token(formula.index) else text
        if formula.op in TESTS:
            return f"T({self._test(formula)})"
        if formula.op == "^" and formula.args[1] == Constant(2.0):
            return f"square({self.spell(formula.args[0])})"
        if formula.op in CALLS:
            return f"{CALLS[formula.op]}({', '.join(self.spell(a) for a in formula.args)})"
        mine = LEVEL[formula.op]
        if formula.op == "where":
            test, yes, no = formula.args
            text = f"{self._test(test, LOGICAL)} ? {self.spell(yes, LOGICAL)} : {self.spell(no)}"
        elif formula.op == "neg":
            text = f"-{self.spell(formula.args[0], ATOM)}"
        else:
            text = f"{self.spell(formula.args[0], mine)} {formula.op} {self.spell(formula.args[1], mine + 1)}"
        return f"({text})" if mine < level else text

    def _test(self, formula: Formula, level: int = TERNARY) -> str:
        """`formula` as a C condition."""
        if not isinstance(formula, Operation) or formula.op not in TESTS:
            return (
                f"{self.spell(formula, EQUAL)} != T(0)" if level <= EQUAL else f"({self.spell(formula, EQUAL)} != T(0))"
            )
        if formula.op == "present":
            inner = formula.args[0]
            if isinstance(inner, Operand) and self.token(inner.index):
                return f"{self.operand(inner.index)} >= 0"
            text = self.spell(inner, EQUAL)
            return f"{text} == {text}"
        mine = LEVEL[formula.op]
        if formula.op == "and":
            text = f"{self._test(formula.args[0], LOGICAL)} && {self._test(formula.args[1], EQUAL)}"
        else:
            a, b = (self.spell(x, mine + 1) for x in formula.args)
            text = f"{a} {formula.op} {b}"
        return f"({text})" if mine < level else text


def operations(formula: Formula) -> Iterable[str]:
    """The names of the functions a formula calls in C."""
    if isinstance(formula, Operation):
        if formula.op == "^" and formula.args[1] == Constant(2.0):
            yield "square"
        elif formula.op in CALLS:
            yield CALLS[formula.op]
        for a in formula.args:
            yield from operations(a)
