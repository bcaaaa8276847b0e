"""Positions: offsets, windows, ends, several axes, and what `backward` does to them."""

from __future__ import annotations

import pytest
from understanding import codes, inside, model, right, unit

MIRRORED = """cell c(x, H) over n {{
  unit y : H = {body}
  return y
}}"""


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("x[n-1] + y[n-1]", "x[n+1] + h[n+1]"),
        ("x[first] + y[n-2]", "x[n last] + h[n+2]"),
        ("x[last-1]", "x[n first+1]"),
        ("n * x", "n * x[n]"),
        (
            "sum(x[n-1..n]) * x",
            "sum(concat(slice(x[n..n+1], 1, 2), slice(x[n..n+1], 0, 1))) * x[n]",
        ),
    ],
)
def test_backward_mirrors(body: str, wanted: str) -> None:
    spec = inside("output h[n] = c(x, D) backward", "D = 3", MIRRORED.format(body=body))
    assert right(model(spec), "h") == wanted


def test_backward_twice_is_forward() -> None:
    cells = (
        "cell inner(x, H) over n { unit y : H = x[n-1] + y[n-1] return y }\n"
        "cell whole(x, H) over n { unit y = inner(x, H) backward return y }"
    )
    found = model(inside("output h[n] = whole(x, D) backward", "D = 3", cells))
    assert right(found, "h") == "x[n-1] + h[n-1]"


def test_arguments_are_not_mirrored() -> None:
    cell = "cell c(x, H) over n { unit y : H = x + x[n-1] return y }"
    found = model(inside("output h[n] = c(x[n-1], D) backward", "D = 3", cell))
    assert right(found, "h") == "x[n-1] + x[n]"


def test_an_argument_that_is_an_expression_is_a_unit() -> None:
    cell = "cell c(x, H) over n { unit y : H = x + x[n-1] return y }"
    found = model(inside("output h[n] = c(2 * x, D)", "D = 3", cell))
    assert right(found, "h") == "h.x[n] + h.x[n-1]"
    assert right(found, "h.x") == "2 * x[n]"


def test_an_argument_without_the_axis() -> None:
    cell = "cell c(x, H) over n { unit y : H = x[n] + y[n-1] return y }"
    found = model(inside("input u : D\n output h[n] = c(u, D)\n loss sum over n (sum(x))", "D = 3", cell))
    assert right(found, "h") == "u + h[n-1]"


def test_a_cell_is_bound_to_an_axis() -> None:
    text = """cell c(x, H) over n { unit y : H = x[n-1] + y[n-1] return y }
    network a(D = 3) {
      axis i, j
      input x[i, j] : D
      output h[i, j] = c(x, D) over j
    }"""
    found = model(text)
    assert right(found, "h") == "x[i, j-1] + h[i, j-1]"
    assert unit(found, "h").type.axes == ("i", "j")
    assert codes(text.replace(" over j\n", "\n")) == ["E112"]


def test_order_of_axes_is_that_of_the_declarations() -> None:
    text = "network a(D = 3) {{ axis {axes} input x[t, s] : D input z[s] : D output y[t, s] : D = z * x }}"
    first, second = model(text.format(axes="s, t")), model(text.format(axes="t axis s"))
    assert first.axes == second.axes == ("t", "s")
    assert unit(first, "y").right.type.axes == ("t", "s")


def test_constants_in_offsets() -> None:
    found = model(inside("output y[n] : D = x[n-k] + sum(x[n-2*k..n+k-1])", "D = 3, k = 2"))
    assert right(found, "y") == "x[n-2] + sum(x[n-4..n+1])"


def test_a_constant_is_set_from_outside() -> None:
    found = model(inside("output y[n] : D = leak * x[n-k]", "D = 3, k = 2, leak = 0.5"), {"k": 3, "leak": 1})
    assert right(found, "y") == "1 * x[n-3]"


@pytest.mark.parametrize(
    ("read", "code"),
    [
        ("x[n-0.5]", "E306"),
        ("x[n-x]", "E306"),
        ("x[n-D]", "E306"),
        ("x[n-99999]", "E502"),
        ("x[3]", "E112"),
        ("x[m]", "E101"),
        ("x[n, n]", "E112"),
        ("x[n..last]", "E112"),
        ("x[n+1..n]", "E112"),
        ("x[-n]", "E112"),
        ("x[n*n]", "E112"),
        ("x[last-first]", "E112"),
    ],
)
def test_wrong_positions(read: str, code: str) -> None:
    assert codes(inside(f"output y[n] : D = {read}", "D = 3")) == [code]


def test_a_window_of_one_axis_of_two() -> None:
    text = "network a(D = 3) { axis i, j input x[i, j] : D output y[i, j] : 2 = full(x[i-1..i+1, j-1..j]) }"
    found = model(text)
    assert right(found, "y") == "y.W_x @ flatten(x[i-1..i+1, j-1..j])"
    assert str(found.parameters[0].shape[1]) == "6*D"


def test_reductions_bind_their_axis() -> None:
    lines = "axis n, m input x[n] : D input z[m] : D output y[n] : D = x * sum over m (z * x)"
    text = f"network a(D = 3) {{ {lines} }}"
    assert right(model(text), "y") == "x[n] * sum over m (z[m] * x[n])"


def test_softmax_keeps_its_axis() -> None:
    assert codes(inside("output y : 1 = sum over n (softmax over n (sum(x)))", "D = 3")) == []
    assert codes(inside("output y : 1 = softmax over n (sum(x))", "D = 3")) == ["E112"]
