"""Starts, losses, sizes and constants as the model holds them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from understanding import codes, inside, mistakes, model, right, unit

from rnnc.model.forms import Apply
from rnnc.model.show import show_expr
from rnnc.sizes import Size, begun_of, kept_of


def test_early_values() -> None:
    body = "input a : D input b : D\n output y[n] : D = x + y[n-2]\n start y[first-1] = a\n start y[first-2] = b"
    start = unit(model(inside(body, "D = 3")), "y").start
    assert start is not None
    assert show_expr(start.default) == "0"
    assert [(back, show_expr(e)) for back, e in start.early] == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("first-k", []),
        ("first-k-1", []),
        ("first-(2*k - 1)", []),
        ("last+1", ["E207"]),
        ("first+k", ["E207"]),
        ("first-1e400", ["E207"]),
        ("first-D", ["E306"]),
    ],
)
def test_places_of_early_values(place: str, wrong: list[str]) -> None:
    body = f"input a : D\n output y[n] : D = x + y[n-2]\n start y[{place}] = a"
    assert codes(inside(body, "D = 3, k = 1")) == wrong


def test_numbers_without_an_end() -> None:
    assert codes(inside("output y[n] = slice(x, 0, 1e400)", "D = 3")) == ["E205"]
    assert codes(inside("output y[n] = x[1e400]", "D = 3")) == ["E112"]


def test_starts_of_inputs_and_parts() -> None:
    cell = "cell c(x, c0, H) over n { unit s : H = x + s[n-1] start s = c0 unit y : H = s[n-1] return y }"
    body = "input a : D\n output h[n] = c(x[n-1], 2 * a, D)\n start x = 1"
    found = model(inside(body, "D = 3", cell))
    assert [(i.name, show_expr(i.start.default)) for i in found.input_starts] == [("x", "1")]
    start = unit(found, "h.s").start
    assert start is not None and show_expr(start.default) == "h.c0"
    assert right(found, "h.c0") == "2 * a" and unit(found, "h.c0").type.axes == ()


def test_a_start_for_a_part_from_outside() -> None:
    cell = "cell c(x, H) over n { unit s : H = x + s[n-1] unit y : H = s[n-1] return y }"
    found = model(inside("output h[n] = c(x, D)\n start h.s = learned", "D = 3", cell))
    start = unit(found, "h.s").start
    assert start is not None and show_expr(start.default) == "h.s.start"


def test_sizes_and_constants() -> None:
    found = model(inside("output y[n] : H = leak * full(x) / H", "D = 3, H = 4, leak = 0.5"), {"H": 64})
    assert [(s.name, s.default, s.pinned) for s in found.sizes] == [("D", 3, False), ("H", 64, True)]
    assert right(found, "y") == "0.5 * (y.W_x @ x[n]) / H"


def test_losses() -> None:
    body = """target t[n] : K target l[n] : token(K)
    output y[n] : K = softmax(full(x))
    loss cross_entropy(y, l)
    loss mean over n (0.5 * squared_error(y, t))"""
    assert [show_expr(x.right) for x in model(inside(body)).losses] == [
        "cross_entropy(y[n], l[n])",
        "mean over n (0.5 * squared_error(y[n], t[n]))",
    ]


def test_functions_share_their_arguments() -> None:
    found = model(inside("output y[n] : D = square_plus(x + 1, x)", "D = 3", "fn square_plus(a, b) = a * a + b"))
    total = unit(found, "y").right
    assert isinstance(total, Apply)
    product = total.args[0]
    assert isinstance(product, Apply)
    assert product.args[0] is product.args[1]


def test_kinds_of_axes_not_there_yet_are_one_error_each() -> None:
    text = """network two_rate(D = 2, F = 3, S = 2) {
      axis n axis k = n / 3
      input x[n] : D
      output f[n] : F = tanh(full(x[n]) + full(f[n-1]) + full(s[k-1]) + bias)
      unit s[k] : S = tanh(full(f[3*k+2]) + full(s[k-1]) + bias)
    }"""
    assert codes(text) == ["E390"]


@pytest.mark.parametrize(("settings", "wrong"), [({"h": 3}, 1), ({"H": 0}, 1), ({"H": 2.5, "q": 1}, 2), ({"H": 7}, 0)])
def test_settings(settings: dict[str, float], wrong: int) -> None:
    found = mistakes(inside("output y[n] : H = full(x)", "D = 3, H = 4"), settings)
    assert [d.code for d in found] == ["E110"] * wrong


def test_a_share_of_a_size_to_the_nearest() -> None:
    kept = kept_of(Fraction(1, 10), Size.named("D"))
    assert str(kept) == "max(1, round(D/10))"
    assert [int(kept.value({"D": d})) for d in (1, 10, 14, 16, 24, 25, 26, 35)] == [1, 1, 1, 2, 2, 2, 3, 4]
    assert kept.bind({"D": Size.of(35)}) == Size.of(4)
    assert str(kept.bind({"D": Size.named("H") * Size.of(5)}) + Size.of(1)) == "max(1, round(H/2)) + 1"
    assert kept.names == ("D",)


def test_parts_that_are_begun() -> None:
    begun = begun_of(Size.named("N") / Size.of(8))
    assert str(begun) == "ceil(N/8)"
    assert [int(begun.value({"N": n})) for n in (1, 8, 9, 16)] == [1, 1, 2, 2]
