"""A derivation for a terminal: plain ASCII, equations aligned at their equals signs and wrapped between
terms.
"""

from __future__ import annotations

from dataclasses import replace

from rnnc.derive import expression as x
from rnnc.derive.derivation import Datum, Derivation, Line, Title
from rnnc.derive.writer import ATOM, SUM, Writer
from rnnc.sizes import Size, show_shape

WIDTH = 100
WIDEST = 120
"""A term that is no sum may be this long."""
REMARKS = {
    "loss": "L is the loss of one sequence.",
    "delta": "delta[u] is dL/dnet[u], the derivative by the net input of u.",
    "influence": "{p}^{k}_{i}{j}({n}) is an influence, du_{k}({n})/dw_{i}{j}, of the weight w that heads its section;\n"
    "delta_{i}{k} is 1 where {i} = {k}, else 0.",
    "diagonal": "Where {p} has no upper index, {p}^{k}_{i}{j}({n}) is 0 unless {k} = {i}.",
    "blocks": "A block is the steps {n} = {start}+1, ..., {stop}; a sum over {n} runs over it.\n"
    "Derivatives by what is past {stop} are 0. dL/du_{k}({start}) is passed back from the steps of the block alone.",
    "several": "{target} is {stop}, or a step before it that the next block still reads.",
    "ending": "What is computed at the end of the sequence counts in the last block alone.",
    "within": "dL/du_{k}({n}) is passed back within step {n} alone; what u does later is in the influences.",
    "truncated": "What a value was at an earlier step is taken as given: that part of an influence is dropped.",
    "change": "Delta w is the change of a weight, {rate} the learning rate.",
    "outside": "Outside its sequence a value is 0, and so is a derivative.",
    "ctc": "P(l, p) is the probability of the labels l: the sum over their alignments of the product of p along each.\n"
    "gamma(l, p) is the part of it that passes through that p, divided by it.",
    "missing": "A term that reads a missing target is 0.",
    "dropout": "mask is 0 with the rate of the dropout, else 1 / (1 - rate).",
}


class Text(Writer):
    """`h_k(n-1)`, `h.W_x[k,l]`, `net[h]_k(n)`, `delta[h]_k(n)`, `dL/dh_k(n)`."""

    def named(self, title: Title, ref: x.Ref) -> str:
        indices = self.indices(ref)
        if title.kind == "gradient" and title.of is not None:
            return f"dL/d{' ' if title.of.kind == 'part' else ''}{self.named(title.of, ref)}"
        where = f"({','.join(self.place(p) for p in ref.at)})" if ref.at else ""
        if title.kind == "change":
            return f"Delta {title.subject}" + (f"[{','.join(indices)}]" if indices else "") + where
        if title.kind == "influence":
            return self._influence(title, ref) + where
        if title.kind == "ratio" and title.of is not None:
            return f"d{self.differentiated(title, ref)}/d{self.named(title.of, beneath(title, ref))}"
        if title.kind == "array":
            return title.subject + (f"[{','.join(indices)}]" if indices else "")
        return self._head(title) + _below("_", indices) + where

    def differentiated(self, title: Title, ref: x.Ref) -> str:
        """The state that is differentiated."""
        state = replace(ref, name=title.subject, at=ref.at[:1], indices=ref.indices[: int(title.part)])
        return self.named(self.titles[title.subject], state)

    def _influence(self, title: Title, ref: x.Ref) -> str:
        """`p^k_ij`: the unit's index above, the weight's below."""
        count = int(title.part)
        above, below = (self.indices(replace(ref, indices=i)) for i in (ref.indices[:count], ref.indices[count:]))
        of = "" if title.of is None else f"[{self._head(title.of)}]"
        return title.subject + of + _below("^", above) + _below("_", below)

    def _head(self, title: Title) -> str:
        if title.kind == "part":
            return f"{title.part}[{title.subject}]"
        if title.kind == "delta":
            return f"delta{title.part.removeprefix('net')}[{title.subject}]"
        return title.subject + title.part if title.kind in ("error", "loss") else title.subject

    def join(self, factors: list[str]) -> str:
        return " ".join(factors)

    def group(self, inner: str) -> str:
        return f"({inner})"

    def breaking(self, inner: list[str]) -> list[str]:
        return [f"({inner[0]}", *inner[1:-1], f"{inner[-1]})"]

    def fraction(self, above: str, below: str) -> str:
        return f"{above} / {below}" if not (above + below).isdigit() else f"{above}/{below}"

    def raised(self, operand: str, exponent: str) -> str:
        return f"{operand}^{exponent}" if exponent.isalnum() else f"{operand}^({exponent})"

    def call(self, title: str, args: list[str]) -> str:
        return f"{title}({', '.join(args)})"

    def reduce(self, e: x.Reduce) -> str:
        names = [self.letter.get(b, b) for b in e.bound]
        where = "" if e.where is None else f" where {self.write(e.where, SUM)}"
        if e.kind != "sum":
            return f"{e.kind}_{','.join(names)}({self.write(e.body, SUM)}{where})"
        return " ".join(f"sum_{n}" for n in names) + " " + self.write(e.body, 2 if isinstance(e.body, x.Mul) else 3)

    def cases(self, condition: str, yes: str, no: str) -> str:
        return f"{yes} if {condition}, else {no}"

    def bracket(self, condition: str) -> str:
        return f"[{condition}]"

    def kronecker(self, left: str, right: str) -> str:
        return "delta" + _below("_", [left, right])

    def compare(self, op: str, left: str, right: str) -> str:
        return f"{left} {'=' if op == '==' else op} {right}"

    def given(self, ref: str, missing: bool) -> str:
        return f"{ref} {'missing' if missing else 'given'}"

    def both(self, left: str, right: str) -> str:
        return f"{left} and {right}"

    def vector(self, parts: list[str], index: str) -> str:
        inner = f"[{'; '.join(parts)}]"
        return inner if not index else f"{inner}_{index}" if len(index) == 1 else f"{inner}_[{index}]"

    def size(self, size: Size, level: int = ATOM) -> str:
        text = str(size)
        return text if level == SUM or (len(size.terms) <= 1 and "/" not in text) else f"({text})"

    def end(self, base: str) -> str:
        return base

    def stride(self, size: str, letter: str) -> str:
        return f"{size}*{letter}"


def beneath(title: Title, ref: x.Ref) -> x.Ref:
    """What a state is differentiated by."""
    return replace(ref, at=ref.at[1:], indices=ref.indices[int(title.part) :])


def words(derivation: Derivation) -> dict[str, str]:
    """What remarks call influences (`p`), the learning rate (`rate`), the ends of a block, a step (`n`: its place on
    each of its axes), and the indices of a unit (`k`) and of its weights (`i`, `j`)."""
    titles = dict(derivation.names)
    made = [line.left for section in derivation.sections for line in section.lines]
    steps = (tuple(p.base for p in r.at) for r in made if r.name in titles and titles[r.name].kind == "influence")
    axes = next((own for own in steps if not any(base.startswith(":") for base in own)), derivation.axes[:1])
    p = next((t.subject for t in titles.values() if t.kind == "influence"), "p")
    ends = {of: titles[f":{of}"].subject for of in ("rate", "start", "stop", "target") if f":{of}" in titles}
    letters = dict.fromkeys((*"ijklm", *derivation.letters))
    i, j, k = [letter for letter in letters if letter not in axes][:3]
    return {"p": p, "n": ",".join(axes), "i": i, "j": j, "k": k, **ends}


def _below(sign: str, indices: list[str]) -> str:
    """Indices, set off by brackets where one is more than a letter."""
    simple = all(len(i) == 1 for i in indices)
    return (sign + "".join(indices) if simple else f"{sign}[{','.join(indices)}]") if indices else ""


def text(derivation: Derivation) -> str:
    """The whole derivation, lines of at most about 100 characters."""
    writer = Text(derivation)
    out = [derivation.title, "=" * len(derivation.title), ""]
    called = words(derivation)
    out.extend(REMARKS[key].format(**called) for key in derivation.remarks)
    out += ["", "Given"]
    given = [_datum(writer, d) for d in derivation.given]
    width = max((len(head) for head, _ in given), default=0)
    out.extend(f"  {head:<{width}}   {what}" for head, what in given)
    for section in derivation.sections:
        out += ["", section.title + (f", the rest as for {section.like}" if section.like else "")]
        lines = [(*writer.line(line, opened(writer, line)), _outside(line)) for line in section.lines]
        width = max(len(left) for left, _, _ in lines)
        for left, terms, outside in lines:
            out.extend(_wrapped(f"  {left:<{width}} = ", terms, outside))
    return "\n".join(out) + "\n"


def opened(writer: Text, line: Line) -> tuple[int, ...]:
    """The terms of a right side that are too long for a line."""
    left, terms = writer.line(line)
    return tuple(k for k, term in enumerate(terms) if len(left) + len(term) + 5 > WIDTH)


def _datum(writer: Text, datum: Datum) -> tuple[str, str]:
    writer.begin(datum.ref)
    what = datum.what if datum.what != "fixed" else "fixed weights"
    if datum.token:
        return writer.write(datum.ref, SUM), f"{what}, one of {datum.token} tokens"
    return writer.write(datum.ref, SUM), f"{what} : {show_shape(datum.shape)}"


def _outside(line: Line) -> str:
    sides = [f"{axis} < first" if side == "low" else f"{axis} > last" for axis, side in line.outside]
    return "   for " + " or ".join(sides) if sides else ""


def _wrapped(head: str, terms: list[str], outside: str) -> list[str]:
    lines = [head + terms[0]]
    for term in terms[1:]:
        if len(lines[-1]) + 1 + len(term) > WIDTH:
            lines.append(" " * len(head) + term)
        else:
            lines[-1] += " " + term
    lines[-1] += outside
    return [piece for line in lines for piece in _broken(line, " " * (len(head) + 4))]


def _broken(line: str, indent: str) -> list[str]:
    """A single term that is too long by itself, broken between its factors."""
    pieces = []
    while len(line) > WIDEST and (cut := line.rfind(" ", len(indent) + 1, WIDEST)) > 0:
        pieces.append(line[:cut])
        line = indent + line[cut + 1 :]
    return [*pieces, line]
