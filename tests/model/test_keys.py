"""The key of every parameter: unit, kind, and the names its source reads."""

from __future__ import annotations

import pytest
from understanding import codes, inside, model, shapes

from rnnc.model.forms import Init

LSTM = """cell lstm(x, H) over n {
  gate i : H = sigmoid(full(x) + full(y[n-1]) + bias)
  unit c : H = i * c[n-1] + tanh(full(x) + full(y[n-1]) + bias)
  unit y : H = tanh(c)
  return y
}"""


@pytest.mark.parametrize(
    ("source", "key", "shape"),
    [
        ("full(x[n])", "h.W_x", "(H, D)"),
        ("full(h[n-1])", "h.W_h", "(H, H)"),
        ("full(x[n-3..n])", "h.W_x", "(H, 4*D)"),
        ("full(x, h[n-1])", "h.W_x_h", "(H, D + H)"),
        ("full(x * x[n-1])", "h.W_x", "(H, D)"),
        ("full(leak * x + n)", "h.W_x", "(H, D)"),
        ("full(sum(x))", "h.W_x", "(H, 1)"),
        ("full(r * h[n-1])", "h.W_r_h", "(H, H)"),
        ("full(r * h[n-1], as = U)", "U", "(H, H)"),
        ("diag(h[n-1])", "h.w_h", "H"),
        ("bilinear(h[n-1], x)", "h.W_h_x", "(H, H, D)"),
        ("block(h[n-1], 2)", "h.W_h", "(2, H/2, H/2)"),
        ("embedding(w, H)", "h.E_w", "(V, H)"),
        ("bias", "h.b", "H"),
        ("bias(as = shift)", "shift", "H"),
        ("full(n)", "h.W", "(H, 1)"),
    ],
)
def test_connection(source: str, key: str, shape: str) -> None:
    body = f"input w[n] : token(V)\n unit r[n] : H = x[n] * 0 + 1\n output h[n] : H = tanh({source})"
    found = shapes(model(inside(body.replace("x[n] * 0 + 1", "1"), "D = 3, H = 4, V = 7, leak = 0.1")))
    assert found == {key: shape}


def test_cell_parts() -> None:
    found = model(inside("unit h1[n] = lstm(x, H)\n output y[n] : K = full(h1) + full(h1.c)", before=LSTM))
    kinds = ("W_x", "W_y", "b")
    parts = [f"h1.{part}.{kind}" for part in "ci" for kind in kinds]
    assert sorted(shapes(found)) == sorted([*parts, "y.W_h1", "y.W_h1_c"])
    assert [u.name for u in found.units] == ["h1", "h1.c", "h1.i", "y"]
    assert [u.cell for u in found.units] == [*[("h1", "lstm")] * 3, None]


def test_returned_unit_has_its_own_name_in_keys() -> None:
    cell = "cell c(x, H) over n { unit y : H = tanh(full(x) + full(y[n-1])) return y }"
    found = model(inside("output h[n] = c(x, H)", "D = 3, H = 4", cell))
    assert shapes(found) == {"h.y.W_x": "(H, D)", "h.y.W_y": "(H, H)"}


def test_cell_in_cell() -> None:
    cells = (
        "cell inner(x, H) over n { unit y : H = tanh(full(x)) return y }\n"
        "cell whole(x, H) over n { unit a = inner(x, H) unit y = inner(a, H) return y }"
    )
    found = model(inside("output h[n] = whole(x, H)", "D = 3, H = 4", cells))
    assert shapes(found) == {"h.a.y.W_x": "(H, D)", "h.y.y.W_x": "(H, H)"}
    assert [u.name for u in found.units] == ["h", "h.a"]


def test_shared() -> None:
    body = "unit f[n] = lstm(x, H) as both\n unit b[n] = lstm(x, H) backward as both"
    body += "\n output y[n] : K = full(f, b)"
    found = shapes(model(inside(body, before=LSTM)))
    assert sorted(k for k in found if not k.startswith("y.")) == [
        f"both.{part}.{kind}" for part in "ci" for kind in ("W_x", "W_y", "b")
    ]


def test_as_in_a_cell_names_one_parameter_of_the_network() -> None:
    cell = "cell c(x, H) over n { unit y : H = tanh(full(x, as = W)) return y }"
    body = "unit f[n] = c(x, H)\n output g[n] = c(x, H)\n loss sum(f)"
    assert shapes(model(inside(body, "D = 3, H = 4", cell))) == {"W": "(H, D)"}


def test_declared_arrays_in_cells() -> None:
    cell = "cell c(x, H) over n { param g : H unit y : H = g * tanh(full(x)) return y }"
    body = "unit f[n] = c(x, H)\n unit b[n] = c(x, H) as s\n output g[n] = c(x, H) as s\n loss sum(f + b)"
    assert sorted(shapes(model(inside(body, "D = 3, H = 4", cell)))) == ["f.g", "f.y.W_x", "s.g", "s.y.W_x"]


def test_starts() -> None:
    body = (
        "input z : D\n unit h[n] : H = tanh(full(x) + full(h[n-1]) + bias)\n start h = tanh(full(z) + bias)\n"
        "output y[n] : H = h + y[n-1]\n start y = learned"
    )
    found = shapes(model(inside(body, "D = 3, H = 4")))
    assert sorted(found) == ["h.W_h", "h.W_x", "h.b", "h.start.W_z", "h.start.b", "y.start"]
    assert found["y.start"] == "H"


def test_initialisers() -> None:
    body = (
        "param p : (H, H)\n fixed q : H = constant(2)\n"
        "output h[n] : H = p @ tanh(full(x) + full(h[n-1]) + diag(h[n-2]) + bias)"
        " + bias(as = c, init = ones) + q"
    )
    found = {p.name: p.init for p in model(inside(body, "D = 3, H = 4")).parameters}
    assert found == {
        "p": Init("glorot"),
        "q": Init("constant", (2.0,)),
        "h.W_x": Init("glorot"),
        "h.W_h": Init("orthogonal"),
        "h.w_h": Init("glorot"),
        "h.b": Init("zeros"),
        "c": Init("ones"),
    }


def test_sparse() -> None:
    found = model(inside("output h[n] : H = sparse(x, density = 0.1)", "D = 35, H = 4"))
    assert shapes(found) == {"h.W_x": "(H, max(1, round(D/10)))", "h.W_x.columns": "(H, max(1, round(D/10)))"}
    values, columns = found.parameters
    assert values.trained and not columns.trained
    assert str(columns.columns_of) == "D"
    assert [int(s.value({"D": 35, "H": 4})) for s in values.shape] == [4, 4]


def test_equal_keys_are_refused() -> None:
    assert codes(inside("output h[n] : D = full(x) + full(x[n-1])", "D = 3")) == ["E107"]
    assert codes(inside("output h[n] : D = full(x) + full(x[n-1], as = V)", "D = 3")) == []


SCALED = """cell scaled(x, M, v) over n {
  param g : M = constant(v)
  unit y : 1 = sum(x) * norm(g) + y[n-1]
  return y
}"""


@pytest.mark.parametrize(
    ("first", "second", "wrong"), [("3, 1", "3, 1", []), ("3, 1", "3, 2", ["E208"]), ("3, 1", "5, 1", ["E208"])]
)
def test_shared_arrays_are_alike(first: str, second: str, wrong: list[str]) -> None:
    """An array that a cell declares is one for all uses that share their parameters: the first does not just win."""
    body = (
        f"unit a[n] = scaled(x, {first}) as both\n unit b[n] = scaled(x, {second}) as both\n output y[n] = concat(a, b)"
    )
    assert codes(inside(body, "D = 3", SCALED)) == wrong


@pytest.mark.parametrize(("start", "wrong"), [("full(a)", "E107"), ("learned", "E102")])
def test_a_part_called_like_a_start(start: str, wrong: str) -> None:
    cell = """cell c(x, a, M) over n {
      unit start_1 : M = full(a) + full(x)
      unit y : M = start_1 + y[n-1]
      return y
    }"""
    body = f"input a : D\n output h[n] = c(x, a, D)\n start h[first-1] = {start}"
    assert codes(inside(body, "D = 3", cell)) == [wrong]
