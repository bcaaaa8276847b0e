"""A derivation as a LaTeX document that compiles by itself (amsmath, nothing else)."""

from __future__ import annotations

from dataclasses import replace

from rnnc.derive import expression as x
from rnnc.derive.derivation import Datum, Derivation, Line, Section, Title
from rnnc.derive.text import Text, beneath, opened, words
from rnnc.derive.writer import ATOM, SUM, Writer
from rnnc.sizes import Size

WIDTH = 88
GREEK = (
    *(
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
    ),
    *("pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
)
KNOWN = ("tanh", "exp", "ln", "sin", "cos", "tan", "sinh", "cosh", "min", "max")
SIGNS = {"==": "=", "!=": r"\neq", "<=": r"\leq", ">=": r"\geq", "<": "<", ">": ">"}
REMARKS = {
    "loss": r"$L$ is the loss of one sequence.",
    "delta": r"$\delta^{{u}}$ is $\partial L / \partial \, \mathrm{{net}}^{{u}}$, the derivative by the"
    " net input of $u$.",
    "influence": r"${p}^{{{k}}}_{{{i}{j}}}({n})$ is an influence, $\partial u_{k}({n}) / \partial w_{{{i}{j}}}$, of the"
    r" weight $w$ that heads its section; $\delta_{{{i}{k}}}$ is 1 where ${i} = {k}$, else 0.",
    "diagonal": r"Where ${p}$ has no upper index, ${p}^{{{k}}}_{{{i}{j}}}({n})$ is 0 unless ${k} = {i}$.",
    "blocks": r"A block is the steps ${n} = {start}+1, \dots, {stop}$; a sum over ${n}$ runs over it. Derivatives"
    r" by what is past ${stop}$ are 0. $\partial L / \partial u_{k}({start})$ is passed back from the steps of"
    r" the block alone.",
    "several": r"${target}$ is ${stop}$, or a step before it that the next block still reads.",
    "ending": r"What is computed at the end of the sequence counts in the last block alone.",
    "within": r"$\partial L / \partial u_{k}({n})$ is passed back within step ${n}$ alone; what $u$ does later is"
    r" in the influences.",
    "truncated": r"What a value was at an earlier step is taken as given: that part of an influence is dropped.",
    "change": r"$\Delta w$ is the change of a weight, ${rate}$ the learning rate.",
    "outside": r"Outside its sequence a value is 0, and so is a derivative.",
    "ctc": r"$\operatorname{{P}}(l, p)$ is the probability of the labels $l$: the sum over their alignments of the"
    r" product of $p$ along each. $\operatorname{{gamma}}(l, p)$ is the part of it that passes through that $p$,"
    r" divided by it.",
    "missing": r"A term that reads a missing target is 0.",
    "dropout": r"$\mathrm{{mask}}$ is 0 with the rate of the dropout, else $1/(1-\mathrm{{rate}})$.",
}
PREAMBLE = r"""\documentclass{article}
\usepackage{amsmath}
\allowdisplaybreaks
\setlength{\oddsidemargin}{-10mm}
\setlength{\textwidth}{180mm}
\setlength{\topmargin}{-15mm}
\setlength{\textheight}{240mm}
\setlength{\parindent}{0pt}
"""


class Latex(Writer):
    """The unit a name belongs to is its superscript: `h.W_x` is W^{h,x}, `h1.c` is c^{h1}."""

    sums_beside_fractions = True
    above = SUM
    below = SUM

    def __init__(self, derivation: Derivation) -> None:
        super().__init__(derivation)
        self._heads: dict[str, str] = {}
        spelled: dict[str, list[str]] = {}
        for name, title in derivation.names:
            if title.kind in ("value", "array"):
                spelled.setdefault(_symbol(name), []).append(name)
        for symbol, names in spelled.items():
            for name in names:
                self._heads[name] = symbol if len(names) == 1 else rf"\mathtt{{{escaped(name)}}}"

    def named(self, title: Title, ref: x.Ref) -> str:
        if title.kind == "gradient" and title.of is not None:
            return rf"\frac{{\partial L}}{{\partial {self.named(title.of, ref)}}}"
        where = f"({','.join(self.place(p) for p in ref.at)})" if ref.at else ""
        if title.kind == "influence":
            return self._influence(title, ref) + where
        if title.kind == "ratio" and title.of is not None:
            state = replace(ref, at=ref.at[:1], indices=ref.indices[: int(title.part)])
            over = self.named(self.titles[title.subject], state)
            return rf"\frac{{\partial {over}}}{{\partial {self.named(title.of, beneath(title, ref))}}}"
        below = _run(self.indices(ref))
        return self._head(title) + (f"_{{{below}}}" if below else "") + where

    def _influence(self, title: Title, ref: x.Ref) -> str:
        """The unit and its index above, the weight's indices below."""
        count = int(title.part)
        above, below = (self.indices(replace(ref, indices=i)) for i in (ref.indices[:count], ref.indices[count:]))
        of = "" if title.of is None else _path(title.of.subject) if title.of.kind == "value" else self._head(title.of)
        upper = ",".join(s for s in (of, _run(above)) if s)
        lower = _run(below)
        return _word(title.subject) + (f"^{{{upper}}}" if upper else "") + (f"_{{{lower}}}" if lower else "")

    def _head(self, title: Title) -> str:
        if title.kind == "part":
            return rf"\mathrm{{{escaped(title.part)}}}^{{{_path(title.subject)}}}"
        if title.kind == "change":
            return rf"\Delta {self._heads.get(title.subject, _symbol(title.subject))}"
        if title.kind == "delta":
            number = title.part.removeprefix("net")
            return rf"\delta^{{{_path(title.subject)}{',' + number if number else ''}}}"
        if title.kind in ("error", "loss"):
            return _word(title.subject) + (f"^{{{title.part}}}" if title.part else "")
        return self._heads.get(title.subject, _symbol(title.subject))

    def join(self, factors: list[str]) -> str:
        return r" \, ".join(factors)

    def group(self, inner: str) -> str:
        return rf"\left({inner}\right)" if "frac" in inner or r"\sum" in inner else f"({inner})"

    def breaking(self, inner: list[str]) -> list[str]:
        return [rf"\Bigl({inner[0]}", *inner[1:-1], rf"{inner[-1]}\Bigr)"]

    def fraction(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}" if not (above + below).isdigit() else rf"\tfrac{{{above}}}{{{below}}}"

    def raised(self, operand: str, exponent: str) -> str:
        return f"{{{operand}}}^{{{exponent}}}"

    def call(self, title: str, args: list[str]) -> str:
        inner = ", ".join(args)
        if title == "abs":
            return rf"\left|{inner}\right|"
        if title == "sqrt":
            return rf"\sqrt{{{inner}}}"
        head = (
            rf"\{title}"
            if title in KNOWN
            else r"\sigma"
            if title == "sigmoid"
            else rf"\operatorname{{{escaped(title)}}}"
        )
        return head + (rf"\left({inner}\right)" if r"\frac" in inner or r"\sum" in inner else f"({inner})")

    def reduce(self, e: x.Reduce) -> str:
        names = [self.letter.get(b, b) for b in e.bound]
        if e.kind != "sum":
            where = "" if e.where is None else rf"\,\middle|\,{self.write(e.where, SUM)}"
            return rf"\{e.kind}_{{{','.join(names)}}}\left({self.write(e.body, SUM)}{where}\right)"
        return (
            " ".join(rf"\sum_{{{n}}}" for n in names) + " " + self.write(e.body, 2 if isinstance(e.body, x.Mul) else 3)
        )

    def cases(self, condition: str, yes: str, no: str) -> str:
        return rf"\begin{{cases}} {yes} & \text{{if }} {condition} \\ {no} & \text{{otherwise}} \end{{cases}}"

    def bracket(self, condition: str) -> str:
        return f"[{condition}]"

    def kronecker(self, left: str, right: str) -> str:
        return rf"\delta_{{{_run([left, right])}}}"

    def compare(self, op: str, left: str, right: str) -> str:
        return f"{left} {SIGNS[op]} {right}"

    def given(self, ref: str, missing: bool) -> str:
        return rf"{ref} \text{{ {'missing' if missing else 'given'}}}"

    def both(self, left: str, right: str) -> str:
        return rf"{left} \text{{ and }} {right}"

    def vector(self, parts: list[str], index: str) -> str:
        inner = "[" + r";\, ".join(parts) + "]"
        return f"{inner}_{{{index}}}" if index else inner

    def size(self, size: Size, level: int = ATOM) -> str:
        text = size.spelled({name: _word(name) for name in size.names}).replace("*", " ")
        return text if level == SUM or (len(size.terms) <= 1 and "/" not in text) else f"({text})"

    def end(self, base: str) -> str:
        return rf"\mathrm{{{base}}}"

    def stride(self, size: str, letter: str) -> str:
        return f"{size} {letter}"

    def place(self, place: x.Place) -> str:
        text = super().place(place)
        base = place.base.rstrip("'")
        return text.replace(base, _word(base), 1) if base not in ("first", "last") else text


def _run(indices: list[str]) -> str:
    return "".join(indices) if all(len(i) == 1 for i in indices) else ",".join(indices)


def escaped(text: str) -> str:
    return text.replace("\\", r"\textbackslash{}").replace("_", r"\_").replace(":", r"{:}")


def _word(name: str) -> str:
    """A name in mathematics: one letter, a Greek letter by its name, else upright letters."""
    if len(name) == 1:
        return name
    if name in GREEK:
        return rf"\{name}" if name != "epsilon" else r"\varepsilon"
    return rf"\mathrm{{{escaped(name)}}}"


def _path(name: str) -> str:
    """The name of a unit as a superscript."""
    return ".".join(_word(part) for part in name.split("."))


def _symbol(name: str) -> str:
    """`h.W_x` as W^{h,x}: what stands before the last point, then what stands after the first underscore."""
    path, _, last = name.rpartition(".")
    head, _, rest = last.partition("_")
    above = [_path(path)] if path else []
    if rest:
        above.append(",".join(_word(part) if part else r"\_" for part in rest.split("_")))
    elif len(head) > 1 and head[0].isalpha() and head[1:].isdigit():
        above.append(head[1:])
        head = head[0]
    return _word(head) + (f"^{{{','.join(above)}}}" if above else "")


def latex(derivation: Derivation) -> str:
    """A whole document. Equations too long for a line are broken between terms."""
    writer, plain = Latex(derivation), Text(derivation)
    out = [PREAMBLE + r"\begin{document}", rf"\section*{{\texttt{{{escaped(derivation.title)}}}}}", ""]
    called = {what: ",".join(_word(part) for part in word.split(",")) for what, word in words(derivation).items()}
    out.extend(REMARKS[key].format(**called) + r"\\" for key in derivation.remarks)
    out += ["", r"\subsection*{Given}", r"\begin{itemize} \setlength{\itemsep}{0pt}"]
    out.extend(_datum(writer, d) for d in derivation.given)
    out.append(r"\end{itemize}")
    for section in derivation.sections:
        out += [rf"\subsection*{{{_heading(section)}}}", r"\begin{align*}"]
        rows = [_rows(writer, plain, line) for line in section.lines]
        out.append(" \\\\\n".join(rows))
        out.append(r"\end{align*}")
    out.append(r"\end{document}")
    return "\n".join(out) + "\n"


def _heading(section: Section) -> str:
    text = section.title + (f", the rest as for {section.like}" if section.like else "")
    words = text.replace(",", " ,").split(" ")
    return " ".join(rf"\texttt{{{escaped(w)}}}" if "." in w else escaped(w) for w in words).replace(" ,", ",")


def _datum(writer: Latex, datum: Datum) -> str:
    writer.begin(datum.ref)
    what = datum.what if datum.what != "fixed" else "fixed weights"
    shape = r" \times ".join(writer.size(z) for z in datum.shape) or "1"
    shown = f"one of ${_word(datum.token)}$ tokens" if datum.token else f"${shape}$"
    key = rf" (\texttt{{{escaped(datum.ref.name)}}})" if datum.what in ("parameter", "fixed") else ""
    return rf"\item ${writer.write(datum.ref, SUM)}$, {what}{key}, {shown}"


def _rows(writer: Latex, plain: Text, line: Line) -> str:
    """One equation, broken where its plain text is long: the text tells the width of what is typeset."""
    long = opened(plain, line)
    left, terms = writer.line(line, long)
    head, widths = plain.line(line, long)
    text, used = f"{left} &= {terms[0]}", len(head) + len(widths[0])
    for term, width in zip(terms[1:], widths[1:], strict=True):
        if used + len(width) > WIDTH:
            text += " \\\\\n  &\\quad "
            used = len(head)
        else:
            text += " "
        text += term
        used += len(width)
    sides = [
        rf"{_word(a)} < \mathrm{{first}}" if s == "low" else rf"{_word(a)} > \mathrm{{last}}" for a, s in line.outside
    ]
    return text + (r" \qquad \text{for } " + r" \text{ or } ".join(sides) if sides else "")
