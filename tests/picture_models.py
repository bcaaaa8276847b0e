"""Networks for the tests of pictures, built value by value, and those of the library."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from rnnc.diagnostics import Reporter, Source, Span
from rnnc.frontend.parse import parse
from rnnc.frontend.syntax import File
from rnnc.model.forms import (
    Apply,
    At,
    Datum,
    Expr,
    Feedback,
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
from rnnc.model.resolve import resolve
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


def top(net: Net, *hidden: str) -> Model:
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
    return top(net, "h")


def jordan() -> Model:
    net = Net("jordan", "n")
    net.given("x", "n")
    net.known["y"] = ("n",)
    terms = net.full("h.W_x", net.read("x")), net.full("h.W_y", net.read("y", -1))
    net.unit("h", ("n",), net.op("tanh", net.add(*terms)))
    return top(net, "h")


def narx() -> Model:
    net = Net("narx", "n")
    net.given("x", "n")
    net.given("t", "n", role="target")
    net.known["y"] = ("n",)
    past = net.full("y.W_y", net.read("y", At("n", -5, -1)))
    net.unit("y", ("n",), net.op("tanh", net.add(past, net.full("y.W_x", net.read("x", At("n", -3, 0))))), "output")
    net.loss("squared_error", "y", "t")
    return net.model()


def lstm() -> Model:
    net = Net("lstm_labelling", "n")
    net.given("x", "n")
    net.lstm("h", net.read("x"))
    return top(net, "h")


def gru() -> Model:
    net = Net("gru_labelling", "n")
    net.given("x", "n")
    net.gru("h", net.read("x"))
    return top(net, "h")


def bidirectional() -> Model:
    net = Net("bidirectional_concat", "n")
    net.given("x", "n")
    net.lstm("f", net.read("x"))
    net.lstm("b", net.read("x"), step=1)
    return top(net, "f", "b")


def char_lm() -> Model:
    net = Net("char_lm", "n")
    net.given("w", "n", token=True)
    net.unit("e", ("n",), net.op("row", net.weight("e.E"), net.read("w")))
    net.lstm("h1", net.read("e"))
    net.lstm("h2", net.read("h1"))
    return top(net, "h2")


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


def fed_back() -> Model:
    """Jordan's network, whose output is also its next input when it generates."""
    net = jordan()
    feedback = Feedback("x", "value", ("y",), net.inputs[0].span)
    return replace(net, name="fed_back", feedbacks=(feedback,))


MODELS = (elman, jordan, narx, lstm, gru, bidirectional, char_lm, rnn2d, attention, fed_back)


def made_up(seed: int) -> Model:
    """A network with anything in it: cells on cells, windows, `last`, delays that cross, gates."""
    r = random.Random(seed)
    net = Net(f"made_up_{seed}", "n")
    for name in "xwz":
        net.given(name, "n", token=name == "w")
    names = ["x", "w", "z"]
    count = r.randint(1, 9)
    for i in range(count):
        unit = f"u{i}"
        if r.random() < 0.3:
            (net.lstm if r.random() < 0.5 else net.gru)(unit, net.read(r.choice(names)))
        else:
            net.known[unit] = ("n",)
            far: list[At | int] = [0, 0, 0, -1, 1, At("n", -2, 2), At("n", 0, anchor="last")]
            back: list[At | int] = [-1, -2, At("n", -3, -1)]
            terms = [
                net.full(f"{unit}.W_{j}", net.read(r.choice(names), r.choice(far))) for j in range(r.randint(1, 3))
            ]
            for j in range(r.randint(0, 2)):
                later = f"u{r.randint(i, count - 1)}"
                net.known.setdefault(later, ("n",))
                terms.append(net.full(f"{unit}.R_{j}", net.read(later, r.choice(back))))
            net.unit(unit, ("n",), net.op("tanh", net.add(*terms)), r.choice(["unit", "gate"]))
        names += [k for k in (unit, f"{unit}.c") if k in net.known]
    return top(net, names[-1])


SPECS = Path(__file__).parents[1] / "specs"


def spec(path: Path) -> Model:
    """The network of a spec in the library."""
    reporter = Reporter()

    def load(name: str) -> File:
        text = (SPECS / f"{name.removesuffix('.rnn')}.rnn").read_text(encoding="utf-8")
        return parse(Source(name, text), reporter)

    return resolve(load(path.name), reporter, load=lambda use: load(use.path))
