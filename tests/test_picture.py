"""Pictures: everything that a network has is in them, nothing lies on anything else, and the files are
sound."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from picture_models import (
    MODELS,
    SPECS,
    Net,
    attention,
    bidirectional,
    elman,
    fed_back,
    gru,
    jordan,
    lstm,
    made_up,
    narx,
    rnn2d,
    spec,
    top,
)

from rnnc.compiler import understand
from rnnc.frontend.read import read_text
from rnnc.model.forms import Model
from rnnc.picture import draw
from rnnc.picture.drawing import Drawing, Shape
from rnnc.picture.folded import folded
from rnnc.picture.labels import Rect, around, meet
from rnnc.picture.measure import text_width
from rnnc.picture.plan import NAME, SMALL
from rnnc.picture.strokes import told
from rnnc.picture.unrolled import unrolled

STEPS = (None, 1, 2, 4)
EVERY = [pytest.param(m(), n, id=f"{m.__name__}-{n or 'folded'}") for m in MODELS for n in STEPS]
EVERY += [pytest.param(made_up(seed), n, id=f"made_up_{seed}-{n or 'folded'}") for seed in range(6) for n in (None, 3)]


def picture(model: Model, steps: int | None) -> Drawing:
    return folded(model) if steps is None else unrolled(model, steps)


def _box(s: Shape) -> Rect:
    return s.x - s.width / 2, s.y - s.height / 2, s.x + s.width / 2, s.y + s.height / 2


@pytest.mark.parametrize(("model", "steps"), EVERY)
def test_nothing_lies_on_anything_else(model: Model, steps: int | None) -> None:
    drawing = picture(model, steps)
    boxes = [(s.key, _box(s)) for s in drawing.shapes]
    texts = [(t.text, around(t.text, t.at, t.size)) for t in drawing.texts]
    for i, (name, box) in enumerate(boxes):
        for other, rect in boxes[i + 1 :] + texts:
            assert not meet(box, rect), f"{name} and {other}"
    for i, (name, box) in enumerate(texts):
        for other, rect in texts[i + 1 :]:
            assert not meet(box, rect), f"{name} and {other}"
    for f in drawing.frames:
        rect = (f.left, f.bottom, f.left + f.width, f.bottom + f.height)
        for s in drawing.shapes:
            assert (s.group == f.key) == meet(_box(s), rect), f"{s.key} and {f.key}"


@pytest.mark.parametrize(("model", "steps"), EVERY)
def test_text_stays_in_its_box(model: Model, steps: int | None) -> None:
    for s in picture(model, steps).shapes:
        assert text_width(s.title, NAME) <= s.width - 8
        assert text_width(s.subtitle, SMALL) <= s.width - 8


@pytest.mark.parametrize(("model", "steps"), EVERY)
def test_lines_pass_no_box(model: Model, steps: int | None) -> None:
    drawing = picture(model, steps)
    for stroke in drawing.strokes:
        for x, y in stroke.curve.sampled():
            for s in drawing.shapes:
                left, bottom, right, top = _box(s)
                inside = left + 3 < x < right - 3 and bottom + 3 < y < top - 3
                assert not inside, f"{stroke.tooltip} crosses {s.key}"


@pytest.mark.parametrize("make", MODELS)
def test_a_folded_picture_has_every_value_and_every_edge(make: Callable[[], Model]) -> None:
    model = make()
    drawing = folded(model)
    keys = {s.key for s in drawing.shapes}
    names = {u.name for u in model.units} | {d.name for d in (*model.inputs, *model.targets)}
    assert names <= keys
    written = {t.text for t in drawing.texts}
    for e in drawing.edges:
        assert {e.source, e.target} <= keys
        assert not e.delay or e.delay in written, e
        assert any(told(e) == s.tooltip or told(replace(e, delay="")) == s.tooltip for s in drawing.strokes), e


@pytest.mark.parametrize("make", MODELS)
def test_an_unrolled_picture_repeats_each_of_them(make: Callable[[], Model]) -> None:
    model = make()
    drawing = unrolled(model, 3)
    keys = [s.key for s in drawing.shapes]
    assert len(keys) == len(set(keys))
    for name in (u.name for u in model.units):
        assert any(k.partition("@")[0] == name for k in keys)
    for e in drawing.edges:
        assert {e.source, e.target} <= set(keys)
        assert any(s.tooltip == told(e) for s in drawing.strokes), e


def test_unrolled_edges_go_where_the_delays_say() -> None:
    edges = {(e.source, e.target) for e in unrolled(elman(), 3).edges if e.recurrent}
    assert edges == {("h@-1", "h@0"), ("h@0", "h@1"), ("h@1", "h@2")}
    edges = {(e.source, e.target) for e in unrolled(narx(), 3).edges if e.recurrent}
    border = {("y@-1", f"y@{n}") for n in range(3)}
    assert edges == border | {("y@0", "y@1"), ("y@0", "y@2"), ("y@1", "y@2")}
    windows = {(e.source, e.target) for e in unrolled(narx(), 3).edges if e.source.startswith("x")}
    assert windows == {(f"x@{a}", f"y@{b}") for b in range(3) for a in range(b + 1)}
    back = {(e.source, e.target) for e in unrolled(bidirectional(), 2).edges if e.source.startswith("b.c")}
    assert ("b.c@2", "b.c@1") in back and ("b.c@1", "b.c@0") in back


def test_a_feedback_leads_from_an_output_to_the_next_input() -> None:
    """Beside the recurrence that the network has anyway, dashed; to the first step nothing is fed back."""
    drawing = unrolled(fed_back(), 3)
    fed = {(e.source, e.target) for e in drawing.edges if e.feeds}
    assert fed == {("y@0", "x@1"), ("y@1", "x@2")}
    assert ("y@0", "h@1") in {(e.source, e.target) for e in drawing.edges if e.recurrent and not e.feeds}
    text = draw(fed_back(), unroll=None, format="svg")
    assert text.count("<title>y → x, fed back</title>") == 1 and ">fed back<" in text
    assert 'label="fed back"' in draw(fed_back(), unroll=None, format="dot")
    windows = [e for e in folded(spec(SPECS / "handwriting.rnn")).edges if e.feeds]
    assert {(e.source, e.target) for e in windows} == {
        ("e", "lifted"),
        *((name, "x") for name in ("pi", "mu", "sigma", "rho")),
    }
    assert not any(e.feeds for e in folded(jordan()).edges)


def test_two_axes_are_a_grid() -> None:
    edges = {(e.source, e.target) for e in unrolled(rnn2d(), 2).edges if e.recurrent}
    assert ("h@0,1", "h@1,1") in edges and ("h@1,0", "h@1,1") in edges and ("h@-1,0", "h@0,0") in edges
    assert len(edges) == 8


def test_a_sum_over_an_axis_reads_all_of_it() -> None:
    edges = {(e.source, e.target) for e in unrolled(attention(), 3).edges}
    assert {(f"h@{s}", f"c@{t}") for s in range(3) for t in range(3)} <= edges
    assert {(f"a@{t}", f"c@{t}") for t in range(3)} <= edges and ("a@0", "c@1") not in edges
    assert ("b@0", "q@-1") in edges


def test_gates_multiply_and_say_so() -> None:
    edges = {(e.source, e.target): e for e in folded(lstm()).edges}
    factors = {k for k, e in edges.items() if e.multiplies}
    assert factors == {("h.f", "h.c"), ("h.i", "h.c"), ("h.o", "h")}
    assert {(e.source, e.target) for e in folded(gru()).edges if e.multiplies} == {
        ("h.r", "h.c"),
        ("h.z", "h"),
    }
    assert edges[("x", "h.i")].weights == ("h.i.W_x",) and edges[("h.c", "h.c")].delay == "n-1"


@pytest.mark.parametrize(("model", "steps"), EVERY)
def test_svg_is_sound(model: Model, steps: int | None) -> None:
    text = draw(model, unroll=steps, format="svg")
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg" and root.get("role") == "img"
    assert root.findtext(f"{space}title") == model.name and root.findtext(f"{space}desc")
    background = root.find(f"{space}rect")
    assert background is not None and background.get("fill") == "#ffffff"
    assert "href" not in text and "<script" not in text and "nan" not in text
    assert text == draw(model, unroll=steps, format="svg")


def test_names_and_equations_are_escaped() -> None:
    model = replace(elman(), name='<a & "b">\x01')
    text = draw(model, unroll=None, format="svg")
    title = ElementTree.fromstring(text).findtext("{http://www.w3.org/2000/svg}title")
    assert title == '<a & "b">\ufffd'
    _parse(draw(model, unroll=2, format="dot"))


_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|->|[A-Za-z_0-9.]+|[\[\]{};,=])', re.DOTALL)


def _parse(text: str) -> list[list[str]]:
    """The statements of a dot file; raises where it is none."""
    tokens: list[str] = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        assert found, text[at : at + 40]
        tokens.append(found[1])
        at = found.end()
    assert tokens[0] == "digraph" and tokens[2] == "{" and tokens[-1] == "}"
    depth, lists = 0, 0
    statement: list[str] = []
    statements: list[list[str]] = []
    for token in tokens:
        depth += (token == "{") - (token == "}")
        lists += (token == "[") - (token == "]")
        assert depth >= 0 and 0 <= lists <= 1
        if token in "{};" and not lists:
            statements.append(statement)
            statement = []
        else:
            statement.append(token)
    assert depth == lists == 0 and not statement
    return [s for s in statements if s]


@pytest.mark.parametrize(("model", "steps"), EVERY)
def test_dot_is_sound(model: Model, steps: int | None) -> None:
    drawing = picture(model, steps)
    statements = _parse(draw(model, unroll=steps, format="dot"))
    edges = [(s[0].strip('"'), s[2].strip('"')) for s in statements if len(s) > 2 and s[1] == "->"]
    assert edges == [(e.source, e.target) for e in drawing.edges]
    nodes = {s[0].strip('"') for s in statements if len(s) > 2 and s[1] == "[" and s[0].startswith('"')}
    assert nodes == {s.key for s in drawing.shapes}
    for e in drawing.edges:
        assert not e.delay or any(f'"{e.delay}' in "".join(s) for s in statements)


def test_a_picture_does_not_depend_on_the_hash_seed() -> None:
    code = (
        "import picture_models as t; from rnnc.picture import draw\n"
        "for m in t.MODELS: print(draw(m(), unroll=2, format='svg'), draw(m(), unroll=None, format='dot'))"
    )
    texts = []
    for seed in "12":
        path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
        texts.append(run.stdout)
    assert texts[0] == texts[1]


def test_a_long_sum_is_drawn() -> None:
    net = Net("long", "n")
    net.given("x", "n")
    net.unit("h", ("n",), net.add(*(net.full("h.W_x", net.read("x")) for _ in range(5000))))
    assert len(folded(top(net, "h")).edges) == 4


def test_zero_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        draw(elman(), unroll=0, format="svg")


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.rnn")), ids=lambda p: p.stem)
def test_every_spec_of_the_library_is_drawn(path: Path) -> None:
    model = spec(path)
    for steps in (None, 3):
        test_nothing_lies_on_anything_else(model, steps)
        test_text_stays_in_its_box(model, steps)
        test_lines_pass_no_box(model, steps)
        test_dot_is_sound(model, steps)


def test_a_mean_over_several_axes_names_them_all() -> None:
    spec = """network grid(D = 3) {
      axis i, j
      input  x[i, j] : D
      target t[i, j] : D
      output y[i, j] : D = full(x)
      output g : D = sum over i, j (x)
      loss mean over i, j (squared_error(y, t))
    }"""
    shown = draw(understand(read_text(spec)).model, unroll=None, format="svg")
    assert ">mean over i, j<" in shown and "sum over i, j" in shown
