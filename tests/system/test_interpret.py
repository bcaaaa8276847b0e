"""The reference interpreter against loops written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from oracle.differences import along, five_point
from oracle.unrolled import gradients

from rnnc.model.forms import At
from rnnc.ops.elementary import ELEMENTARY
from rnnc.sizes import Size
from rnnc.system import forms as s
from rnnc.system.arithmetic import FUNCTIONS
from rnnc.system.graph import components, cycle, unrolled
from rnnc.system.interpret import interpret
from system.systems import TWO, D, H, a, elman, given, here, op, system, token, unit

Array = NDArray[Any]
SIZES = {"D": 2, "H": 3}
N = ("n",)


def data(length: int, seed: int = 0) -> dict[str, Array]:
    draw = np.random.default_rng(seed)
    shapes = {"x": (length, 2), "t": (length, 3), "W": (3, 2), "R": (3, 3), "h0": (3,)}
    arrays = {name: 0.7 * draw.standard_normal(shape) for name, shape in shapes.items()}
    arrays["t"][length // 2, 1] = np.nan
    return arrays


def by_hand(g: dict[str, Array]) -> tuple[Array, Any]:
    h, states, loss = g["h0"], [], 0.0
    for x, t in zip(g["x"], g["t"], strict=True):
        h = np.tanh(g["W"] @ x + g["R"] @ h)
        states.append(h)
        loss = loss + 0.5 * np.sum(np.where(np.isnan(t), 0.0, (h - t) ** 2))
    return np.array(states), loss


@pytest.mark.parametrize("length", [1, 2, 17, 500])
def test_elman_is_the_loop(length: int) -> None:
    g = data(length)
    run = interpret(elman(), SIZES, {"n": length}, g)
    states, loss = by_hand(g)
    assert_allclose(run.read("h"), states, rtol=1e-13, atol=1e-13)
    assert_allclose(run.read("loss"), loss, rtol=1e-13)


def test_three_gradients_agree() -> None:
    g, wrt = data(4), ("W", "R", "h0", "x")
    found = gradients(elman(), SIZES, {"n": 4}, g, wrt)
    draw = np.random.default_rng(1)
    for name in wrt:
        direction = {name: draw.standard_normal(g[name].shape)}
        expected = along(elman(), SIZES, {"n": 4}, g, direction)
        assert_allclose(np.sum(found[name] * direction[name]), expected, rtol=1e-12, err_msg=name)
        assert_allclose(five_point(elman(), SIZES, {"n": 4}, g, direction), expected, rtol=1e-9)


def test_a_target_that_is_not_given_is_missing_everywhere() -> None:
    g = {name: array for name, array in data(3).items() if name != "t"}
    assert interpret(elman(), SIZES, {"n": 3}, g).read("loss") == 0


def one(op_: s.Op, dims: tuple[str, ...], reads: tuple[s.Access, ...], out: s.Value, *values: s.Value) -> s.System:
    """A system of one equation."""
    return system((*values, out), (s.Equation(out.name, dims, op_, reads),))


def test_windows_and_ends() -> None:
    x = given("x", "input", N, D)
    window = s.Access("x", (At("n", -2, 1),), ("w", "k"))
    run = interpret(
        one(s.Contract(), ("w", "k"), (window,), unit("u", N, Size.of(4), D), x),
        SIZES,
        {"n": 3},
        {"x": np.arange(6.0).reshape(3, 2) + 1},
    )
    padded = np.vstack([np.zeros((2, 2)), np.arange(6.0).reshape(3, 2) + 1, np.zeros((1, 2))])
    assert_array_equal(run.read("u"), np.stack([padded[n : n + 4] for n in range(3)]))

    ends = (
        s.Access("x", (At("n", 1, anchor="first"),), ("k",)),
        s.Access("x", (At("n", anchor="last"),), (1,)),
    )
    run = interpret(
        one(s.Pointwise(op("+", a(0), op("*", 100, a(1)))), ("k",), ends, unit("u", (), D), x),
        SIZES,
        {"n": 3},
        {"x": np.arange(6.0).reshape(3, 2)},
    )
    assert_array_equal(run.read("u"), np.array([2.0, 3.0]) + 500)


def test_borders() -> None:
    """h[n] = h[n-2] + 1 with two early values and a default further out; the other side reads zero."""
    values = (given("p", "parameter", ()), given("q", "parameter", ()), unit("h", N), unit("g", N))
    for side, step in (("low", -2), ("high", 2)):
        net = system(
            values,
            (
                s.Equation("h", (), s.Pointwise(op("+", a(0), 1)), (here("h", N, (), step),)),
                s.Equation(
                    "g",
                    (),
                    s.Pointwise(op("+", a(0), op("*", 100, a(1)))),
                    (here("h", N, (), 2 * step), here("h", N, (), -step)),
                ),
            ),
            (s.Border("h", (side,), "p", ((1, "q"), (2, None))),),  # type: ignore[arg-type]
        )
        run = interpret(net, SIZES, {"n": 3}, {"p": np.array(10.0), "q": np.array(20.0)})
        h, g = run.read("h"), run.read("g")
        forward = slice(None) if side == "low" else slice(None, None, -1)
        assert_array_equal(h[forward], [1.0, 21.0, 2.0])
        assert_array_equal(g[forward], [210.0, 10.0, 0.0])


def test_a_border_on_two_axes() -> None:
    axes = ("i", "j")
    net = system(
        (given("p", "parameter", ()), unit("h", axes), unit("g", axes)),
        (
            s.Equation("h", (), s.Pointwise(op("*", 2, a(0))), (here("#i", ("i",)),)),
            s.Equation("g", (), s.Contract(), (here("h", axes, (), -1, 1),)),
        ),
        (s.Border("h", ("low", "low"), "p"),),
    )
    g = interpret(net, SIZES, {"i": 3, "j": 2}, {"p": np.array(7.0)}).read("g")
    assert_array_equal(g, [[7.0, 0.0], [0.0, 0.0], [2.0, 0.0]])


def test_an_access_mixes_anchors_and_offsets() -> None:
    axes = ("i", "j")
    x = given("x", "input", axes)
    read = s.Access("x", (At("i", -1), At("j", -1, anchor="last")), ())
    array = np.arange(12.0).reshape(3, 4)
    run = interpret(one(s.Contract(), (), (read,), unit("u", ("i",)), x), SIZES, {"i": 3, "j": 4}, {"x": array})
    assert_array_equal(run.read("u"), [0.0, array[0, 2], array[1, 2]])


def test_contract_sums_what_the_output_lacks() -> None:
    """A weight's gradient: sum over n of d[n] x[n-1]^T."""
    net = one(
        s.Contract(),
        ("i", "k"),
        (here("d", N, ("i",)), here("x", N, ("k",), -1)),
        unit("g", (), H, D),
        given("d", "input", N, H),
        given("x", "input", N, D),
    )
    draw = np.random.default_rng(0)
    d, x = draw.standard_normal((5, 3)), draw.standard_normal((5, 2))
    run = interpret(net, SIZES, {"n": 5}, {"d": d, "x": x})
    assert_allclose(run.read("g"), d[1:].T @ x[:-1])


def test_contract_takes_diagonals_and_broadcasts() -> None:
    net = one(
        s.Contract(),
        ("i", "k"),
        (here("R", (), ("i", "i")),),
        unit("g", (), H, D),
        given("R", "parameter", (), H, H),
    )
    r = np.arange(9.0).reshape(3, 3)
    run = interpret(net, SIZES, {}, {"R": r})
    assert_array_equal(run.read("g"), np.repeat(np.diag(r)[:, None], 2, axis=1))


@pytest.mark.parametrize("log", [False, True])
def test_softmax_over_units_and_axes(log: bool) -> None:
    x = np.random.default_rng(0).standard_normal((4, 3)) * 300
    mask = np.array([1.0, 0.0, 1.0, 1.0])
    v, m = given("x", "input", N, H), given("m", "input", N)
    over_units = one(s.Softmax("i", log), ("i",), (here("x", N, ("i",)),), unit("p", N, H), v)
    found = interpret(over_units, SIZES, {"n": 4}, {"x": x}).read("p")
    assert_allclose(np.exp(found) if log else found, _softmax(x, 1), rtol=1e-12)
    reads = (here("x", N, ("i",)), here("m", N))
    over_axis = one(s.Softmax("n", log), ("i",), reads, unit("p", N, H), v, m)
    found = interpret(over_axis, SIZES, {"n": 4}, {"x": x, "m": mask}).read("p")
    kept = mask != 0
    assert_allclose(np.exp(found[kept]) if log else found[kept], _softmax(x[kept], 0), rtol=1e-12)
    assert_array_equal(found[~kept], 0)
    found = interpret(over_axis, SIZES, {"n": 4}, {"x": x, "m": 0 * mask}).read("p")
    assert_array_equal(found, 0)


def _softmax(x: Array, axis: int) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def test_extremes() -> None:
    x = np.random.default_rng(0).standard_normal((4, 3)) - 5
    mask = np.array([1.0, 0.0, 1.0, 1.0])
    v, m = given("x", "input", N, H), given("m", "input", N)
    reads = (here("x", N, ("i",)), here("m", N))
    net = one(s.Extreme("max", ("n",)), ("i",), reads, unit("p", (), H), v, m)
    assert_array_equal(interpret(net, SIZES, {"n": 4}, {"x": x, "m": mask}).read("p"), x[mask != 0].max(axis=0))
    assert_array_equal(interpret(net, SIZES, {"n": 4}, {"x": x, "m": 0 * mask}).read("p"), 0)
    net = one(s.Extreme("min", ("i", "n")), (), reads[:1], unit("p", ()), v)
    assert interpret(net, SIZES, {"n": 4}, {"x": x}).read("p") == x.min()


def test_rows_of_a_table() -> None:
    w = np.array([2, -1, 0, 2])
    e = np.arange(6.0).reshape(3, 2)
    reads = (here("E", (), ("v", "i")), here("w", N))
    table = given("E", "parameter", (), H, D)
    net = one(s.Gather(), ("i",), reads, unit("u", N, D), table, token("w", "input", N))
    rows = interpret(net, SIZES, {"n": 4}, {"E": e, "w": w}).read("u")
    assert_array_equal(rows, np.where((w >= 0)[:, None], e[w], 0))
    d = np.arange(8.0).reshape(4, 2)
    reads = (here("d", N, ("i",)), here("w", N))
    net = one(s.Scatter(), ("v", "i"), reads, unit("g", (), H, D), given("d", "input", N, D), token("w", "input", N))
    summed = interpret(net, SIZES, {"n": 4}, {"d": d, "w": w}).read("g")
    assert_array_equal(summed, [d[2], [0, 0], d[0] + d[3]])


def test_entries_by_a_fixed_table() -> None:
    columns = np.array([[2, 0], [2, 1], [0, 1]])
    x, d = np.array([1.0, 2.0, 3.0]), np.arange(6.0).reshape(3, 2)
    c = s.Value("c", "fixed", (), False, (H, TWO), "token")
    take = one(
        s.Take(),
        ("i", "k"),
        (here("x", (), ("d",)), here("c", (), ("i", "k"))),
        unit("u", (), H, TWO),
        given("x", "input", (), H),
        c,
    )
    assert_array_equal(interpret(take, SIZES, {}, {"x": x, "c": columns}).read("u"), x[columns])
    untake = one(
        s.Untake(),
        ("d",),
        (here("y", (), ("i", "k")), here("c", (), ("i", "k"))),
        unit("u", (), H),
        given("y", "input", (), H, TWO),
        c,
    )
    expected = np.zeros(3)
    np.add.at(expected, columns, d)
    assert_array_equal(interpret(untake, SIZES, {}, {"y": d, "c": columns}).read("u"), expected)


def test_joining_and_cutting() -> None:
    x, y = given("x", "input", (), H), given("y", "input", (), D)
    reads = (here("x", (), ("i",)), here("y", (), ("i",)))
    parts = ((D, 1), (TWO, None), (H, 0))
    net = one(s.Concat(parts), ("i",), reads, unit("u", (), Size.of(7)), x, y)
    g = {"x": np.array([1.0, 2, 3]), "y": np.array([4.0, 5])}
    assert_array_equal(interpret(net, SIZES, {}, g).read("u"), [4, 5, 0, 0, 1, 2, 3])
    net = one(s.Slice(Size.of(1), H), ("i",), reads[:1], unit("u", (), TWO), x)
    assert_array_equal(interpret(net, SIZES, {}, {"x": g["x"]}).read("u"), [2, 3])
    m = given("m", "input", (), H, D)
    net = one(s.Reshape(), ("i",), (here("m", (), ("i", "k")),), unit("u", (), H * D), m)
    array = np.arange(6.0).reshape(3, 2)
    assert_array_equal(interpret(net, SIZES, {}, {"m": array}).read("u"), array.reshape(-1))


def test_dropout_copies_unless_its_mask_is_given() -> None:
    x = np.ones((3, 2))
    net = one(s.Dropout(0.5, "u"), ("i",), (here("x", N, ("i",)),), unit("u", N, D), given("x", "input", N, D))
    assert_array_equal(interpret(net, SIZES, {"n": 3}, {"x": x}).read("u"), x)
    mask = np.array([[0.0, 2], [2, 2], [0, 0]])
    given_mask = interpret(net, SIZES, {"n": 3}, {"x": x, "u": mask})
    assert_array_equal(given_mask.read("u"), mask)


def test_position_and_length() -> None:
    net = one(
        s.Pointwise(op("/", a(0), a(1))),
        (),
        (here("#n", N), here("|n|")),
        unit("u", N),
        given("x", "input", N),
    )
    assert_allclose(interpret(net, SIZES, {"n": 4}, {}).read("u"), np.arange(4) / 4)


def test_mistakes() -> None:
    g = data(3)
    del g["x"]
    with pytest.raises(KeyError, match="no value for input `x`"):
        interpret(elman(), SIZES, {"n": 3}, g).read("h")
    with pytest.raises(ValueError, match=r"`x` is \(3, 1\), not \(3, 2\)"):
        interpret(elman(), SIZES, {"n": 3}, {**g, "x": np.zeros((3, 1))}).read("h")
    net = system((unit("u", N),), (s.Equation("u", (), s.Contract(), (here("u", N),)),))
    with pytest.raises(RecursionError, match="needs itself"):
        interpret(net, SIZES, {"n": 3}, {}).read("u")


POINTS = np.array([-1.3, -0.6, 0.3, 0.9, 2.4])
UNARY = ["neg", *(record.name for record in ELEMENTARY if record.arity == 1)]
POSITIVE = ("log", "log1p", "sqrt", "root")


@pytest.mark.parametrize("name", UNARY)
def test_functions_carry_derivatives(name: str) -> None:
    """The imaginary part is the derivative, the real part the value."""
    x = np.abs(POINTS) if name in POSITIVE else POINTS
    function, h = FUNCTIONS[name], 1e-3
    carried = function(x + 1e-30j)
    differences = (function(x - 2 * h) - 8 * function(x - h) + 8 * function(x + h) - function(x + 2 * h)) / (12 * h)
    assert_allclose(np.real(carried), function(x), rtol=1e-14, atol=1e-15)
    assert_allclose(np.imag(carried) / 1e-30, differences, rtol=1e-8, atol=1e-8)


def test_functions_at_the_ends_of_the_floats() -> None:
    x = np.array([-1e4, -800.0, 800.0, 1e4])
    assert_array_equal(FUNCTIONS["sigmoid"](x), [0, 0, 1, 1])
    assert_array_equal(FUNCTIONS["softplus"](x), [0, 0, 800, 1e4])
    assert_array_equal(FUNCTIONS["elu"](x), [-1, -1, 800, 1e4])
    assert FUNCTIONS["root"](np.array(0.0)) == 0


def test_components_in_order() -> None:
    nodes = ("z", "a", "b", "c", "d")
    edges = (("b", "c"), ("c", "b"), ("z", "b"), ("c", "a"))
    assert components(nodes, edges) == (("d",), ("z",), ("b", "c"), ("a",))
    assert components(reversed(nodes), reversed(edges)) == components(nodes, edges)


def test_a_shortest_cycle() -> None:
    edges = (("a", "b"), ("b", "c"), ("c", "a"), ("d", "c"), ("c", "d"))
    assert cycle("abcd", edges) == ("c", "d")
    assert cycle("abc", (("a", "b"), ("b", "c"))) == ()
    assert cycle("a", (("a", "a"),)) == ("a",)


def test_the_unrolled_graph() -> None:
    graph = unrolled(elman(), {"n": 3})
    assert graph.has_edge(("h", (0,)), ("Rh", (1,)))
    assert graph.has_edge(("h0", ()), ("Rh", (0,)))
    assert not graph.has_edge(("h", (2,)), ("Rh", (0,)))
    assert graph.nodes[("h", (0,))]["role"] == "unit"
    assert graph.in_degree(("loss", ())) == 3
