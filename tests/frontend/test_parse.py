"""The syntax tree of every form of the language."""

from __future__ import annotations

from pathlib import Path

import pytest
from frontend.trees import expression, right, wrong

from rnnc.frontend import syntax
from rnnc.frontend.syntax import Call, Chain, Number, Reference, Unary
from rnnc.places import specs_folder

SPECS = sorted(specs_folder().glob("*.rnn"))


def statement(text: str) -> syntax.Statement:
    return right(f"network a {{ {text} }}").networks[0].body[0]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_library(path: Path) -> None:
    assert right(path.read_text(encoding="utf-8")).networks


def test_precedence() -> None:
    sum_ = expression("a + b * c ^ -d - e")
    assert isinstance(sum_, Chain)
    assert [op for op, _ in sum_.rest] == ["+", "-"]
    product = sum_.rest[0][1]
    assert isinstance(product, Chain) and product.rest[0][0] == "*"
    power = product.rest[0][1]
    assert isinstance(power, Chain) and power.rest[0][0] == "^"
    assert isinstance(power.rest[0][1], Unary)


def test_minus_binds_less_than_a_power_and_more_than_a_product() -> None:
    assert isinstance(expression("-a^2"), Unary)
    product = expression("-a * b")
    assert isinstance(product, Chain) and isinstance(product.first, Unary)


def test_long_sum_is_flat() -> None:
    chain = expression(" + ".join(["x"] * 10_000))
    assert isinstance(chain, Chain) and len(chain.rest) == 9_999


def test_indices() -> None:
    window = expression("x[n-5..n, first-1, 4*k+3, last]")
    assert isinstance(window, Reference) and window.index is not None
    assert [one.high is not None for one in window.index] == [True, False, False, False]
    assert isinstance(window.index[0].low, Chain)
    assert isinstance(window.index[3].low, Reference) and window.index[3].low.name.text == "last"
    part = expression("h1.c[last]")
    assert isinstance(part, Reference) and [one.text for one in part.parts] == ["c"]
    nested = expression("E[w[n-1]]")
    assert isinstance(nested, Reference) and nested.index is not None
    assert isinstance(nested.index[0].low, Reference)


def test_cell_uses() -> None:
    use = expression("lstm(x, 128) backward over s as shared")
    assert isinstance(use, Call)
    assert use.backward is not None and use.backward.text == "backward"
    assert [one.text for one in use.over] == ["s"] and not use.over_first
    assert use.shared is not None and use.shared.text == "shared"
    both = expression("grid(x, 4) over i, j")
    assert isinstance(both, Call) and [one.text for one in both.over] == ["i", "j"]


def test_across_an_axis() -> None:
    call = expression("sum over s (a[t, s] * h[s], where = m > 0)")
    assert isinstance(call, Call) and call.over_first
    assert [one.text for one in call.over] == ["s"]
    assert [one.name.text for one in call.keywords] == ["where"]
    assert isinstance(call.keywords[0].value, Chain)


def test_bias() -> None:
    plain, given = expression("bias"), expression("bias(init = ones)")
    assert isinstance(plain, Call) and plain.bare and plain.function.text == "bias"
    assert isinstance(given, Call) and not given.bare and len(given.keywords) == 1


def test_data() -> None:
    several = statement("param W, R : (H, 2*D) = glorot")
    assert isinstance(several, syntax.Data) and several.keyword.text == "param"
    assert [one.name.text for one in several.names] == ["W", "R"]
    assert several.shape is not None and len(several.shape.dims) == 2
    assert isinstance(several.init, Reference)
    token = statement("target l[m] : token(K)")
    assert isinstance(token, syntax.Data) and token.shape is not None
    assert token.shape.dims == () and isinstance(token.shape.token, Reference)


def test_axes() -> None:
    two = statement("axis s, t")
    assert isinstance(two, syntax.AxisDeclaration) and len(two.names) == 2
    slow = statement("axis k = n / 4")
    assert isinstance(slow, syntax.AxisDeclaration) and isinstance(slow.definition, Chain)
    settle = statement("axis r settle(tol = 1e-6, max = 200)")
    assert isinstance(settle, syntax.AxisDeclaration) and settle.kind is not None
    assert [one.name.text for one in settle.kind.keywords] == ["tol", "max"]


def test_units() -> None:
    slope = statement("unit h[u]' : H = -h[u] / tau")
    assert isinstance(slope, syntax.Unit) and slope.left.prime
    drawn = statement("unit s[n] : H ~ bernoulli(p) through")
    assert isinstance(drawn, syntax.Unit) and drawn.random
    assert drawn.word is not None and drawn.word.text == "through"
    named = statement("output y, z")
    assert isinstance(named, syntax.Output) and len(named.names) == 2


def test_starts_and_the_rest() -> None:
    early = statement("start y[first-1] = a")
    assert isinstance(early, syntax.Start) and early.index is not None and not early.learned
    learned = statement("start h = learned")
    assert isinstance(learned, syntax.Start) and learned.learned
    assert isinstance(statement("feedback x[n+1] = sample(p[n])"), syntax.Feedback)
    assert isinstance(statement("loss mean over n (squared_error(y, t))"), syntax.Loss)
    assert isinstance(statement("fn f(z) = z * z"), syntax.Function)


def test_files() -> None:
    file = right(
        'fn f(z) = z use "a.rnn" cell c(x, H = 2) over n { unit y = x return y }network a { } network b(D = 1) { }'
    )
    assert [one.path for one in file.uses] == ["a.rnn"]
    assert [one.name.text for one in file.networks] == ["a", "b"]
    cell = file.cells[0]
    assert [one.name.text for one in cell.formals] == ["x", "H"]
    assert isinstance(cell.formals[1].value, Number)
    assert [one.text for one in cell.over] == ["n"]


@pytest.mark.parametrize("word", ["lambda", "None", "print", "np", "S", "N", "I", "E", "match", "users", "units"])
def test_other_words_are_names(word: str) -> None:
    assert isinstance(statement(f"unit {word} = {word}[n-1] + tanh({word})"), syntax.Unit)


def test_spans_reach_the_author_s_text() -> None:
    call = expression("tanh( x[n-1] + (a) )")
    assert call.span.text == "tanh( x[n-1] + (a) )"
    assert isinstance(call, Call) and call.args[0].span.text == "x[n-1] + (a)"


def test_line_ends_and_spaces_carry_no_meaning() -> None:
    assert right("network a{axis n unit h[n]=x unit g=h}").networks[0].body[2].span.text == "unit g=h"


@pytest.mark.parametrize("text", ["(" * 10_000 + "x" + ")" * 10_000, "-" * 10_000 + "x", "x" + "^x" * 10_000])
def test_depth_is_limited(text: str) -> None:
    assert [one.code for one in wrong(f"network a {{ unit h = {text} }}")] == ["E501"]


def test_fifty_deep_is_fine() -> None:
    right("network a { unit h = " + "(" * 49 + "x" + ")" * 49 + " }")
