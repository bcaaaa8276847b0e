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

from rnnc.diagnostics import Source, Span
from rnnc.model.forms import (
    Apply,
    At,
    Datum,
    Expr,
    Init,
    Loss,
    Model,
    Number,
    Over,
    Parameter,
    Read,
    SizeName,
    Start,
    Type,
    Unit,
)
from rnnc.picture import draw
from rnnc.picture.drawing import Drawing, Shape
from rnnc.picture.folded import folded
from rnnc.picture.labels import Rect, around, meet
from rnnc.picture.measure import text_width
from rnnc.picture.plan import NAME, SMALL
from rnnc.picture.strokes import told
from rnnc.picture.unrolled import unrolled
from rnnc.sizes import Size

H = (Size.named("H"),)


class Net:
    """Builds a model value by value, without a resolver."""

    def __init__(self, name: str, *axes: str) -> None:
        self.name, self.axes = name, axes
        self.parameters: dict[str, Parameter] = {}
        self.data: list[Datum] = []
        self.units: list[Unit] = []
        self.losses: list[Loss] = []
        self.known: dict[str, tuple[str, ...]] = {}

    def span(self, text: str) -> Span:
        return Span(Source("made.rnn", text), 0, len(text))

    def given(self, name: str, *axes: str, role: str = "input", token: bool = False) -> None:
        self.known[name] = axes
        kind = Type(axes, () if token else H, "token" if token else "real")
        size = Size.named("V") if token else None
        assert role in ("input", "target")
        self.data.append(Datum(name, "input" if role == "input" else "target", kind, size, self.span(name)))

    def read(self, name: str, *places: At | int) -> Read:
        axes = self.known[name]
        full = [*places, *([0] * len(axes))][: len(axes)]
        at = tuple(p if isinstance(p, At) else At(a, p) for a, p in zip(axes, full, strict=True))
        return Read(name, at, Type(axes, H), self.span(name))

    def op(self, op: str, *args: Expr, axes: tuple[str, ...] | None = None) -> Apply:
        found = axes or tuple(a for a in self.axes if any(a in e.type.axes for e in args))
        return Apply(op, args, Type(found, H), self.span(op))

    def weight(self, key: str) -> Read:
        self.parameters[key] = Parameter(key, H + H, Init("glorot"), True, self.span(key))
        return Read(key, (), Type((), H + H), self.span(key))

    def full(self, key: str, value: Expr) -> Apply:
        return self.op("matmul", self.weight(key), value)

    def add(self, *terms: Expr) -> Expr:
        total = terms[0]
        for term in terms[1:]:
            total = self.op("+", total, term)
        return total

    def unit(
        self,
        name: str,
        axes: tuple[str, ...],
        right: Expr,
        role: str = "unit",
        cell: tuple[str, str] | None = None,
        start: Start | None = None,
    ) -> None:
        self.known[name] = axes
        assert role in ("unit", "gate", "output")
        kind = "gate" if role == "gate" else "output" if role == "output" else "unit"
        text = self.span(f'unit {name} = <{right.span.text}> & "more"')
        self.units.append(Unit(name, kind, Type(axes, H), right, start, cell, text, text))  # type: ignore[arg-type]

    def loss(self, op: str, *names: str, mean: str = "") -> None:
        value: Expr = self.op(op, *(self.read(n) for n in names))
        if mean:
            value = Over("mean", mean, value, None, Type((), ()), self.span("mean"))
        self.losses.append(Loss(value, f"{op}({', '.join(names)})", self.span(op)))

    def lstm(self, use: str, x: Expr, axis: str = "n", step: int = -1) -> None:
        self.known |= {f"{use}.{k}": (axis,) for k in "ifoc"} | {use: (axis,)}
        cell = (use, "lstm")

        def net(key: str) -> Expr:
            return self.add(
                self.full(f"{key}.W_x", x),
                self.full(f"{key}.W_y", self.read(use, step)),
                self.weight(f"{key}.b"),
            )

        for gate in "ifo":
            self.unit(f"{use}.{gate}", (axis,), self.op("sigmoid", net(f"{use}.{gate}")), "gate", cell)
        c, o = self.read(f"{use}.c"), self.read(f"{use}.o")
        held = self.op("*", self.read(f"{use}.f"), self.read(f"{use}.c", step))
        new = self.op("*", self.read(f"{use}.i"), self.op("tanh", net(f"{use}.c")))
        self.unit(f"{use}.c", (axis,), self.add(held, new), cell=cell)
        self.unit(use, (axis,), self.op("*", o, self.op("tanh", c)), cell=cell)

    def gru(self, use: str, x: Expr, axis: str = "n", step: int = -1, start: Start | None = None) -> None:
        self.known |= {f"{use}.{k}": (axis,) for k in "zrc"} | {use: (axis,)}
        cell, past = (use, "gru"), self.read(use, step)
        for gate in "zr":
            key = f"{use}.{gate}"
            net = self.add(self.full(f"{key}.W_x", x), self.full(f"{key}.W_y", past))
            self.unit(key, (axis,), self.op("sigmoid", net), "gate", cell)
        key = f"{use}.c"
        reset = self.full(f"{key}.W_r_y", self.op("*", self.read(f"{use}.r"), past))
        self.unit(key, (axis,), self.op("tanh", self.add(self.full(f"{key}.W_x", x), reset)), cell=cell)
        z = self.read(f"{use}.z")
        one = Number(1.0, Type((), ()), self.span("1"))
        mix = self.add(self.op("*", z, past), self.op("*", self.op("-", one, z), self.read(key)))
        self.unit(use, (axis,), mix, cell=cell, start=start)

    def model(self) -> Model:
        return Model(
            self.name,
            (SizeName("H", 4, False, self.span("H")),),
            self.axes,
            tuple(d for d in self.data if d.role == "input"),
            tuple(d for d in self.data if d.role == "target"),
            tuple(self.parameters.values()),
            tuple(self.units),
            (),
            tuple(self.losses),
            tuple(u.name for u in self.units if u.role == "output"),
            self.span("network"),
        )


def _top(net: Net, *hidden: str) -> Model:
    """An output and a loss over `hidden`."""
    read = net.op("concat", *(net.read(h) for h in hidden)) if len(hidden) > 1 else net.read(hidden[0])
    key = f"y.W_{'_'.join(hidden)}"
    net.given("t", "n", role="target")
    net.unit("y", ("n",), net.op("softmax", net.full(key, read)), "output")
    net.loss("cross_entropy", "y", "t")
    return net.model()


def elman() -> Model:
    net = Net("elman", "n")
    net.given("x", "n")
    net.known["h"] = ("n",)
    terms = net.full("h.W_x", net.read("x")), net.full("h.W_h", net.read("h", -1)), net.weight("h.b")
    net.unit("h", ("n",), net.op("tanh", net.add(*terms)))
    return _top(net, "h")


def jordan() -> Model:
    net = Net("jordan", "n")
    net.given("x", "n")
    net.known["y"] = ("n",)
    terms = net.full("h.W_x", net.read("x")), net.full("h.W_y", net.read("y", -1))
    net.unit("h", ("n",), net.op("tanh", net.add(*terms)))
    return _top(net, "h")


def narx() -> Model:
    net = Net("narx", "n")
    net.given("x", "n")
    net.given("t", "n", role="target")
    net.known["y"] = ("n",)
    past = net.full("y.W_y", net.read("y", At("n", -5, -1)))
    net.unit(
        "y", ("n",), net.op("tanh", net.add(past, net.full("y.W_x", net.read("x", At("n", -3, 0))))), "output"
    )
    net.loss("squared_error", "y", "t")
    return net.model()


def lstm() -> Model:
    net = Net("lstm_labelling", "n")
    net.given("x", "n")
    net.lstm("h", net.read("x"))
    return _top(net, "h")


def gru() -> Model:
    net = Net("gru_labelling", "n")
    net.given("x", "n")
    net.gru("h", net.read("x"))
    return _top(net, "h")


def bidirectional() -> Model:
    net = Net("bidirectional_concat", "n")
    net.given("x", "n")
    net.lstm("f", net.read("x"))
    net.lstm("b", net.read("x"), step=1)
    return _top(net, "f", "b")


def char_lm() -> Model:
    net = Net("char_lm", "n")
    net.given("w", "n", token=True)
    net.unit("e", ("n",), net.op("row", net.weight("e.E"), net.read("w")))
    net.lstm("h1", net.read("e"))
    net.lstm("h2", net.read("h1"))
    return _top(net, "h2")


def rnn2d() -> Model:
    net = Net("rnn2d", "i", "j")
    net.given("x", "i", "j")
    net.given("t", "i", "j", role="target")
    net.known["h"] = ("i", "j")
    up, left = net.full("W_up", net.read("h", -1)), net.full("W_left", net.read("h", 0, -1))
    net.unit("h", ("i", "j"), net.op("tanh", net.add(net.full("h.W_x", net.read("x")), up, left)))
    net.unit("y", ("i", "j"), net.op("sigmoid", net.full("y.W_h", net.read("h"))), "output")
    net.loss("squared_error", "y", "t")
    return net.model()


def attention() -> Model:
    net = Net("attention", "s", "t")
    net.given("x", "s")
    net.given("w", "t", token=True)
    net.given("l", "t", role="target", token=True)
    net.gru("f", net.read("x"), "s")
    net.gru("b", net.read("x"), "s", step=1)
    net.unit("h", ("s",), net.op("concat", net.read("f"), net.read("b")))
    net.known["q"] = ("t",)
    both = ("t", "s")
    query = net.add(net.full("e.W_q", net.read("q", -1)), net.full("e.W_h", net.read("h")))
    net.unit("e", both, net.op("dot", net.weight("v"), net.op("tanh", query, axes=both), axes=both))
    net.unit("a", both, Over("softmax", "s", net.read("e"), None, Type(both, ()), net.span("softmax")))
    mix = net.op("*", net.read("a"), net.read("h"), axes=both)
    net.unit("c", ("t",), Over("sum", "s", mix, None, Type(("t",), H), net.span("sum")))
    net.unit("y", ("t",), net.op("row", net.weight("y.E"), net.read("w")))
    first = net.read("b", At("s", 0, anchor="first"))
    start = Start(net.op("tanh", net.full("q.start.W_b", first)), (), net.span("tanh(full(b[first]))"))
    net.gru("q", net.op("concat", net.read("y"), net.read("c")), "t", start=start)
    seen = net.op("concat", net.read("q"), net.read("c"), net.read("y"))
    net.unit("p", ("t",), net.op("softmax", net.full("p.W_q_c_y", seen)), "output")
    net.loss("cross_entropy", "p", "l")
    return net.model()


MODELS = (elman, jordan, narx, lstm, gru, bidirectional, char_lm, rnn2d, attention)
STEPS = (None, 1, 2, 4)
EVERY = [pytest.param(m(), n, id=f"{m.__name__}-{n or 'folded'}") for m in MODELS for n in STEPS]


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
        assert any(
            told(e) == s.tooltip or told(replace(e, delay="")) == s.tooltip for s in drawing.strokes
        ), e


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
        "import test_picture as t; from rnnc.picture import draw\n"
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
    assert len(folded(_top(net, "h")).edges) == 4


def test_zero_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        draw(elman(), unroll=0, format="svg")
