"""Shapes that follow, up from what is read and down from what is declared."""

from __future__ import annotations

import pytest
from understanding import codes, inside, mistakes, model, shapes, unit

from rnnc.sizes import show_shape


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        ("x", "D"),
        ("sum(x)", "1"),
        ("concat(x, 1, h)", "D + H + 1"),
        ("slice(x, 1, 3)", "2"),
        ("outer(x, h)", "(D, H)"),
        ("transpose(outer(x, h))", "(H, D)"),
        ("x[n-2..n]", "(3, D)"),
        ("transpose(W) @ h", "D"),
        ("W @ outer(x, h)", "(H, H)"),
        ("x @ outer(x, h)", "H"),
        ("h @ h", "1"),
        ("embedding(w, 2*D)", "2*D"),
        ("E[w]", "H"),
        ("where(n == 0, 1, x)", "D"),
        ("softmax(x) * norm(h)", "D"),
        ("x / D + H", "D"),
        ("s * 2", "1"),
        ("max(x, 0)", "D"),
        ("max(x)", "1"),
        ("mean over n (x)", "D"),
    ],
)
def test_up(expression: str, shape: str) -> None:
    body = f"""input h[n] : H input w[n] : token(V) input s[n] : 1
    param W : (H, D) param E : (V, H)
    output y[n] = {expression}"""
    assert show_shape(unit(model(inside(body, "D = 3, H = 4, V = 7")), "y").type.shape) == shape


def test_down_through_a_product_with_a_known_vector() -> None:
    body = "param v : A\n unit q[n] : H = full(x)\n output e[n] = dot(v, tanh(full(q[n-1]) + full(x)))"
    found = shapes(model(inside(body, "D = 3, H = 4, A = 5")))
    assert found["e.W_q"] == "(A, H)" and found["e.W_x"] == "(A, D)"


def test_declared_parameters_without_a_shape() -> None:
    found = shapes(model(inside("param W, b\n param v\n output y[n] : H = v * (W @ x + b)", "D = 3, H = 4")))
    assert found == {"W": "(H, D)", "b": "H", "v": "H"}


def test_shapes_follow_through_many_units() -> None:
    units = "\n".join(f"unit h{k}[n] = tanh(h{k + 1}[n-1])" for k in range(300))
    found = model(inside(f"{units}\n unit h300[n] = x\n output y[n] = h0", "D = 3"))
    assert show_shape(unit(found, "y").type.shape) == "D"


def test_recurrence_without_a_declared_shape() -> None:
    assert show_shape(unit(model(inside("output h[n] = tanh(x + h[n-1])", "D = 3")), "h").type.shape) == "D"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("output y[n] : D = x + z", "E201"),
        ("output y[n] : 1 = dot(x, z)", "E201"),
        ("output y[n] : H = W @ z", "E201"),
        ("output y[n] : H = x", "E202"),
        ("output y[n] : D/2 = full(x)", "E204"),
        ("output y[n] = full(x)", "E203"),
        ("output y[n] : 2 = slice(x, 2, 4)", "E205"),
        ("output y[n] : D = transpose(x)", "E205"),
        ("output y[n] : D = 2 @ x", "E205"),
        ("output y[n] : 4 = block(x, 2)", "E204"),
        ("output y[n] : D = (x > 0) + x", "E205"),
        ("output y[n] : D = where(x, x, 0)", "E205"),
        ("output y[n] : D = x > 0", "E205"),
    ],
)
def test_misfits(body: str, code: str) -> None:
    spec = inside(f"input z[n] : H\n param W : (H, D)\n {body}", "D = 3, H = 4")
    assert [c for c in codes(spec) if c != "E203" or code == "E203"][:1] == [code]


def test_one_mistake_is_one_error() -> None:
    body = "unit a[n] = W @ x\n unit b[n] = a + 1\n unit c[n] : H = full(b) + q\n output y[n] : H = c + b"
    found = mistakes(inside(f"param W : (D, H)\n {body}", "D = 3, H = 4"))
    assert [d.code for d in found] == ["E201", "E101"]


def test_all_mistakes_at_once() -> None:
    body = "output y[n] : D = x + nothing\n output z[n] : 2.5 = full(x)\n unit h[n] : H = x\n loss sum(xx)"
    assert codes(inside(body, "D = 3, H = 4")) == ["E101", "E204", "E202", "E101"]
