"""One launch: pieces over one space, each element a thread's own."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rnnc.emit.cuda import Signature, Speller
from rnnc.emit.naming import spelled
from rnnc.emit.pieces import MOST_ROWS, Piece, Space, space, split, unit_rows
from rnnc.emit.places import Place, Placer
from rnnc.emit.section import SectionWriter
from rnnc.sizes import Size
from rnnc.system.forms import ROW, Access

WIDTH = 100


@dataclass(frozen=True)
class Laid:
    """A piece with where it writes and reads (None: nowhere in memory)."""

    piece: Piece
    out: Place
    reads: tuple[Place | None, ...]


class Launch:
    """The pieces of one kernel, their places, and the C text that computes them."""

    def __init__(self, section: SectionWriter, pieces: tuple[Piece, ...], scans: Mapping[str, str]) -> None:
        self.section = section
        self.names = section.names
        self.scans = scans
        self.pieces = pieces
        self.signature = Signature()
        shared = common(section, pieces)
        self.joined = shared is not None
        if shared is None:
            return
        axes, self.batched, self.shape = shared
        self.axes = tuple(a for a in axes if a not in scans)
        own = {a: self.signature.named(self.names.axis[a]) for a in self.axes}
        batch = self.signature.named("b")
        units = tuple(self.signature.named(f"u{k + 1}" if k else "u") for k in range(len(self.shape)))
        self.coordinates = (*own.values(), *((batch,) if self.batched else ()), *units)
        self.placer = Placer(section, scans, own, batch, units, self.signature)
        rows = self.shape[0] if self.shape else None
        self.split = tuple(x for p in pieces for x in (split(p, rows) if rows is not None else (p,)))
        self.laid = tuple(self._laid(p) for p in self.split)

    def _laid(self, piece: Piece) -> Laid:
        reads = tuple(self._read(r, piece) for r in piece.reads)
        return Laid(piece, self.placer.written(piece), reads)

    def _read(self, r: Access, piece: Piece) -> Place | None:
        return None if self.names.values[r.name].role == "position" else self.placer.of(r, piece)

    def fits(self, most: int) -> bool:
        """Whether one thread can do all of it: what one writes no other reads or writes at another element."""
        if not self.joined:
            return False
        seen: dict[tuple[str, str], tuple[Place, bool]] = {}
        for laid in self.laid:
            for place, writes in (*((r, False) for r in laid.reads if r is not None), (laid.out, True)):
                for other, written in seen.values():
                    if (writes or written) and place.index != other.index and not place.apart(other):
                        return False
                key = (place.array, place.index)
                seen[key] = (place, writes or seen.get(key, (place, False))[1])
        return len(seen) <= most

    # ---- text

    def count(self) -> str:
        """How many elements there are, in Python."""
        names = self.names
        dims = [names.length(a) for a in self.axes] + (["batch"] if self.batched else [])
        dims += [_factor(names.size_text(z)) for z in self.shape]
        return " * ".join(dims) or "1"

    def body(self, stored: Callable[[Laid], bool], functions: Callable[[Piece], None]) -> tuple[list[str], list[str]]:
        """The lines inside the loop over elements, and the arrays that they write."""
        known: dict[tuple[str, str], str] = {}
        last: dict[tuple[str, str], Laid] = {}
        lines: list[str] = []
        captions: set[str] = set()
        cleared: list[str] = []
        for laid in self.laid:
            key = (laid.out.array, laid.out.index)
            if laid.piece.clears and key not in known:
                lines += self._cleared(laid)
                cleared.append(laid.out.array)
                continue
            if laid.piece.clears:
                value = self._border(laid, known, lines)
                lines += wrapped(f"if ({self.placer.past(laid.piece)}) {known[key]} = {value};")
            else:
                assert laid.piece.equation is not None
                caption = self.section.caption(laid.piece.equation)
                if caption not in captions:
                    lines += _comment(caption)
                    captions.add(caption)
                functions(laid.piece)
                made = self._value(laid, known, lines)
                name = self.signature.named(self._register(laid.piece.out, laid.piece))
                lines += wrapped(f"T {name} = {made};")
                known[key] = name
            last[key] = laid
        kept = {key: laid for key, laid in last.items() if stored(laid)}
        for key, laid in kept.items():
            array = self.signature.array(key[0], "T")
            lines.append(f"{array}[{laid.out.index}] = {known[key]};")
        return [*self._positions(lines), *lines], [*(array for array, _ in kept), *cleared]

    def _register(self, value: str, piece: Piece, offset: str = "") -> str:
        """What to call a value of this element: of a stack, with the number of its block of rows."""
        text = spelled(self.names.python[value]) + offset
        whole = self.names.values[value].shape
        if piece.rows is None or not whole or whole[0] == piece.rows:
            return text
        return f"{text}_{_number(piece.first, piece.rows)}"

    def _load(self, value: str, place: Place, name: str, known: dict[tuple[str, str], str], lines: list[str]) -> str:
        """The register that holds what lies at a place."""
        key = (place.array, place.index)
        if key not in known:
            kind = "long long" if place.token else "T"
            known[key] = self.signature.named(name)
            lines += wrapped(f"{kind} {known[key]} = {self.signature.array(place.array, kind)}[{place.index}];")
        return known[key]

    def _value(self, laid: Laid, known: dict[tuple[str, str], str], lines: list[str]) -> str:
        piece = laid.piece

        def operand(index: int) -> str:
            r, place = piece.reads[index], laid.reads[index]
            if place is None:
                return self._position(r)
            return self._load(r.name, place, self._register(r.name, piece, _offset(r)), known, lines)

        def token(index: int) -> bool:
            place = laid.reads[index]
            return place is not None and place.token

        speller = Speller(operand, token, lambda z: f"T({self.placer.size(z)})")
        return speller.spell(piece.formula)

    def _position(self, r: Access) -> str:
        """The position of an element: from where the sequence began; a row's from where a state goes on."""
        (at,) = r.at
        here = self.signature.number(self.scans[at.axis]) if at.axis in self.scans else self.placer.axes[at.axis]
        here += f" {'+' if at.low > 0 else '-'} {abs(at.low)}" if at.low else ""
        if r.name.endswith(ROW) or not self.names.goes_on(at.axis):
            return f"T({here})"
        begin = self.signature.array("call.begin", "T", "begin")
        return f"(T({here}) + {begin}[{self.placer.batch}])"

    def _cleared(self, laid: Laid) -> list[str]:
        """Memory that no register holds, cleared where it is past the end of its sequence."""
        lines = [f"// {laid.piece.out} past the end of a sequence"]
        value = self._border(laid, {}, lines)
        array = self.signature.array(laid.out.array, "T")
        return [*lines, *wrapped(f"if ({self.placer.past(laid.piece)}) {array}[{laid.out.index}] = {value};")]

    def _border(self, laid: Laid, known: dict[tuple[str, str], str], lines: list[str]) -> str:
        """What a value is past the end of its sequence: its border's, or zero."""
        piece = laid.piece
        border = self.section.borders.get(piece.out)
        if border is not None and border.sides == ("high",) and border.early:
            edge = replace(laid.out, array=f"edge_{laid.out.array}")
            return self._load("", edge, f"{spelled(self.names.python[piece.out])}_edge", known, lines)
        if border is None or "high" not in border.sides or border.default is None:
            return "T(0)"
        place = self.placer.of(Access(border.default, (), piece.dims), piece)
        value = self._load(border.default, place, self._register(border.default, piece), known, lines)
        low = self.placer.past_low(piece, border.sides)
        return f"{low} ? T(0) : {value}" if low else value

    def _positions(self, lines: list[str]) -> list[str]:
        """Where an element is in its space: the coordinates that the lines read."""
        sizes = [self.signature.number(self.names.length(a)) if k or len(self.coordinates) == 1 else None
                 for k, a in enumerate(self.axes)]  # fmt: skip
        sizes += [self.signature.number("batch")] if self.batched else []
        sizes += [self.placer.size(z) for z in self.shape]
        text = "\n".join(lines)
        found = []
        inner: list[str] = []
        for k in range(len(self.coordinates) - 1, -1, -1):
            name = self.coordinates[k]
            if re.search(rf"(?<![\w.]){name}(?!\w)", text):
                value = "element" if not inner else f"element / {_bracketed(' * '.join(inner))}"
                found.append(f"{name} = {value}" + (f" % {_factor(str(sizes[k]))}" if k else ""))
            inner.insert(0, _factor(str(sizes[k])))
        return [f"const long long {', '.join(found)};"] if found else []


def common(section: SectionWriter, pieces: tuple[Piece, ...]) -> Space | None:
    """The space that all pieces have, a block of rows at a time; None where there is none."""
    first = space(section.names, pieces[0])
    rows: Size | None = pieces[0].rows
    for piece in pieces[1:]:
        other = space(section.names, piece)
        if other[:2] != first[:2] or len(other[2]) != len(first[2]) or other[2][1:] != first[2][1:]:
            return None
        if (piece.rows is None) is not (rows is None):
            return None
        if rows is not None:
            rows = unit_rows(rows, piece.rows)
            if rows is None:
                return None
    return first if rows is None else (first[0], first[1], (rows, *first[2][1:]))


def _number(first: Size, rows: Size) -> int:
    """Which block of rows begins there; 0 where it is none."""
    return next((k + 1 for k in range(MOST_ROWS) if rows * Size.of(k) == first), 0)


def _offset(r: Access) -> str:
    """What an operand's name says of where it is read."""
    text = ""
    for at in r.at:
        if at.anchor != "here":
            text += f"_{at.anchor}"
        if at.low:
            text += f"_{'minus' if at.low < 0 else 'plus'}_{abs(at.low)}"
    return text + "".join(f"_{d}" for d in r.dims if isinstance(d, int))


def _factor(text: str) -> str:
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def _bracketed(text: str) -> str:
    return f"({text})" if " " in text else text


def wrapped(line: str) -> list[str]:
    """C in lines of at most WIDTH columns."""
    # a type's two words stay together
    line = line.replace("long long", "long\x00long")
    rows = textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return [row.replace("\x00", " ") for row in rows]


def _comment(text: str) -> list[str]:
    rows = textwrap.wrap(text.replace("\\", "/"), WIDTH - 3, break_long_words=False, break_on_hyphens=False)
    return [f"// {row}" for row in rows]
