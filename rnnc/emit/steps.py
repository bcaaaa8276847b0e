"""Equations that are neither elementwise nor a product: one call to a small function of the module each."""

from __future__ import annotations

from collections.abc import Mapping

from rnnc.emit.lines import Lines
from rnnc.emit.planes import joined_planes
from rnnc.emit.products import Factor, product
from rnnc.emit.terms import Terms
from rnnc.emit.views import BATCH, Names, View, aligned, target_labels, view
from rnnc.model.forms import At
from rnnc.sizes import Size
from rnnc.system import forms as s


class Steps:
    """Writes one equation a call."""

    def __init__(self, names: Names, lines: Lines, transposed: dict[str, str]) -> None:
        self.names = names
        self.lines = lines
        self.transposed = transposed
        self.kept: list[str] = []
        """What a later section needs beside values."""
        self.terms = Terms(names, lines)

    def equation(self, e: s.Equation, scans: Mapping[str, str]) -> None:
        if parts := joined_planes(self.names, e):
            self._joined(e, parts, scans)
            return
        target = target_labels(self.names, e, scans)
        v = self.names.values[e.out]
        out = view(self.names, s.Access(e.out, tuple(At(a) for a in v.axes), e.dims), scans, self.lines)
        op = e.op
        if isinstance(op, s.Slice) and self.rows_of(e, e.reads[0].name):
            return
        if isinstance(op, s.Products):
            self.terms.equation(e, op, scans)
            return
        reads = [view(self.names, r, scans, self.lines) for r in e.reads]
        if isinstance(op, s.Contract):
            self._contract(e, reads, out, target, scans)
        elif isinstance(op, s.Part):
            self._part(e, op, reads[0], out, target)
        elif isinstance(op, s.Softmax):
            self._softmax(e, op, reads, out, target)
        elif isinstance(op, s.Extreme):
            self._extreme(e, op, reads, out, target)
        elif isinstance(op, s.Gather):
            self._gather(reads, out, target)
        elif isinstance(op, s.Scatter):
            self._scatter(e, reads, out, target, scans)
        elif isinstance(op, s.Take | s.Untake):
            self._taken(e, op, reads, out, target)
        elif isinstance(op, s.Concat):
            self._concat(e, op, reads, out, target)
        elif isinstance(op, s.Slice):
            start, stop = (self.names.size_text(z) for z in (op.start, op.stop))
            outer = tuple(x for x in target if x in (*self.names.system.axes, BATCH))
            whole = (*outer, *(d for d in e.reads[0].dims if isinstance(d, str)))
            index = ", ".join([":"] * len(outer) + [f"{start}:{stop}"])
            self.lines.add(f"{out.text}[...] = {aligned(reads[0], whole)}[{index}]")
        elif isinstance(op, s.Reshape):
            self._reshape(e, reads[0], out, target)
        elif isinstance(op, s.Ctc):
            self._ctc(e, op, reads, out)
        elif isinstance(op, s.CtcGradient):
            self.lines.add(f"{self.names.lattice(e)}.gradient({reads[2].text}, {out.text})")
        elif isinstance(op, s.Signs):
            first = ", call.drawn" if v.axes else ""
            self.lines.add(f"signs(call.seed, {op.key!r}, {out.text}{first})")
        elif isinstance(op, s.Dropout):
            gone = [k for k, x in enumerate(target) if x in self.names.still.get(op.key, ())]
            shape = f"{out.text}.shape" + ("[1:]" if gone == [0] else "")
            if gone and gone != [0]:
                shape = f"tuple(np.delete({shape}, {gone}))"
            mask = f'call.mask("{op.key}", {op.rate!r}, {shape})'
            mask = f"np.expand_dims({mask}, {tuple(gone)})" if gone and gone != [0] else mask
            self.lines.add(f"np.multiply({aligned(reads[0], target)}, {mask}, out={out.text})")
        else:
            raise AssertionError(f"no spelling of {type(op).__name__}")

    def _ctc(self, e: s.Equation, op: s.Ctc, reads: list[View], out: View) -> None:
        """The sums over all alignments, kept for the gradient, and the loss they give."""
        lattice = self.names.lattice(e)
        frames, positions = (f"call.lengths[{axis!r}]" for axis in op.over)
        logits = aligned(reads[0], (op.over[0], BATCH, *(d for d in e.reads[0].dims if isinstance(d, str))))
        if BATCH not in reads[0].labels:
            outputs = self.names.size_text(self.names.values[e.reads[0].name].shape[0])
            logits = f"np.broadcast_to({logits}, ({self.names.length(op.over[0])}, batch, {outputs}))"
        labels = f"{aligned(reads[1], (op.over[1], BATCH))} if {e.reads[1].name!r} in call.data else None"
        self.lines.add(f"{lattice} = Lattice(")
        self.lines.add(f"    {logits}, {labels}, {frames}, {positions},")
        self.lines.add(f"    {self.names.size_text(op.blank)}, {op.title!r}, {op.over[0]!r},")
        self.lines.add(")")
        self.lines.add(f"{out.text}[...] = {lattice}.loss")
        self.kept.append(lattice)

    def _taken(
        self, e: s.Equation, op: s.Take | s.Untake, reads: list[View], out: View, target: tuple[str, ...]
    ) -> None:
        """By a table of columns; what has dimensions behind those of the table has them moved before them."""
        a, table = reads
        if isinstance(op, s.Take):
            self.lines.add(f"{out.text}[...] = take({a.text}, {table.text})")
            return
        count = self.names.size_text(self.names.values[e.out].shape[0])
        behind = tuple(x for x in target[-len(e.dims) + 1 :] if len(e.dims) > 1)
        if not behind:
            self.lines.add(f"{out.text}[...] = untake({a.text}, {table.text}, {count})")
            return
        ahead = tuple(x for x in a.labels if x not in table.labels)
        made = View(f"untake({aligned(a, (*ahead, *table.labels))}, {table.text}, {count})", (*ahead, e.dims[0]), "")
        self.lines.add(f"{out.text}[...] = {aligned(made, target)}")

    def rows_of(self, e: s.Equation, name: str) -> bool:
        """Whether `name` lies in the buffer that `e` makes."""
        mine, other = self.names.homes.get(e.out), self.names.homes.get(name)
        return mine is not None and other is not None and mine.buffer == other.buffer

    def in_place(self, e: s.Equation, index: int, start: Size, size: Size) -> bool:
        """Whether a part of a concatenation was written where it belongs."""
        read = e.reads[index]
        home = self.names.homes.get(read.name)
        return self.rows_of(e, read.name) and home is not None and home.rows == (start, start + size) and read.in_place

    def _contract(
        self, e: s.Equation, reads: list[View], out: View, target: tuple[str, ...], scans: Mapping[str, str]
    ) -> None:
        factors = []
        for access, made in zip(e.reads, reads, strict=True):
            weight = self.names.values[access.name].role == "parameter"
            factors.append(Factor(made, weight))
        whole = self.names.homes[e.out].rows is None
        added = bool(self.names.strip) and self.names.strip not in (*self.names.values[e.out].axes, *scans)
        for line in product(out, target, tuple(factors), bool(scans) and whole, added):
            self.lines.add(self._kept(line, e, scans))

    def _kept(self, line: str, e: s.Equation, scans: Mapping[str, str]) -> str:
        """In a scan a weight's transpose is copied once before it."""
        if not scans:
            return line
        for access in e.reads:
            v = self.names.values[access.name]
            name = self.names.variable(access.name)
            for before in (", ", "("):
                turned = f"{before}{name}.T,"
                if v.role in ("parameter", "fixed") and turned in line:
                    kept = self.transposed.setdefault(name, self.names.derived(name, "T"))
                    return line.replace(turned, f"{before}{kept},")
        return line

    def _axis(self, made: View, label: str) -> int:
        return made.labels.index(label) - len(made.labels)

    def _mask(self, e: s.Equation, target: tuple[str, ...], over: tuple[str, ...], mask: View | None) -> str:
        """The positions that count, ready to broadcast: inside the sequence along `over`, and where the mask holds."""
        terms = []
        for axis in over:
            if axis in self.names.system.axes:
                terms.append(aligned(View(self.names.of_axis("inside", axis), (axis, BATCH), ""), target))
        if mask is not None:
            terms.append(f"({aligned(mask, target)} != 0)")
        if len(terms) == 1:
            return terms[0] if mask is not None else f"({terms[0]} if ragged else None)"
        return "both(" + ", ".join(terms) + ")" if terms else "None"

    def _softmax(self, e: s.Equation, op: s.Softmax, reads: list[View], out: View, target: tuple[str, ...]) -> None:
        axis = target.index(op.over) - len(target)
        mask = self._mask(e, target, (op.over,), reads[1] if len(reads) > 1 else None)
        word = "log_softmax" if op.log else "softmax"
        extra = f", {mask}" if mask != "None" else ""
        self.lines.add(f"{word}({aligned(reads[0], target)}, {axis}, {out.text}{extra})")

    def _extreme(self, e: s.Equation, op: s.Extreme, reads: list[View], out: View, target: tuple[str, ...]) -> None:
        inner = tuple(x for x in reads[0].labels if x in op.over)
        whole = (*target, *inner)
        if any(x in self.names.system.axes for x in inner):
            axes = tuple(a for a in self.names.system.axes if a in whole)
            rest = tuple(x for x in whole if x not in axes)
            whole = (*axes, *rest)
        axis = tuple(whole.index(x) for x in inner)
        mask = self._mask(e, whole, inner, reads[1] if len(reads) > 1 else None)
        extra = f", {mask}" if mask != "None" else ""
        left = tuple(x for x in whole if x not in inner)
        text = f"extreme(np.{op.kind}, {aligned(reads[0], whole)}, {axis}{extra})"
        self.lines.add(f"{out.text}[...] = {aligned(View(text, left, ''), target)}")

    def _gather(self, reads: list[View], out: View, target: tuple[str, ...]) -> None:
        table, token = reads
        if BATCH in table.labels or any(x in self.names.system.axes for x in table.labels):
            space = tuple(x for x in target if x in table.labels or x in token.labels)
            positions = tuple(x for x in space if x in (*self.names.system.axes, BATCH))
            row = table.labels[len([x for x in table.labels if x in positions])]
            whole = (*positions, row, *(x for x in target if x not in positions))
            self.lines.add(
                f"{out.text}[...] = pick_token("
                f"{aligned(table, whole)}, {aligned(token, positions)}, {len(whole) - len(positions)})"
            )
            return
        made = View(f"rows_of({table.text}, {token.text})", (*token.labels, *table.labels[1:]), "")
        self.lines.add(f"{out.text}[...] = {aligned(made, target)}")

    def _scatter(
        self, e: s.Equation, reads: list[View], out: View, target: tuple[str, ...], scans: Mapping[str, str]
    ) -> None:
        value, token = reads
        rows = self.names.size_text(self.names.values[e.out].shape[0])
        kept = tuple(x for x in target if x in (*self.names.system.axes, BATCH))
        if kept:
            positions = tuple(x for x in target if x in kept)
            rest = tuple(x for x in target if x not in positions)[1:]
            whole = (*positions, *rest)
            self.lines.add(
                f"place_token({aligned(value, whole)}, {aligned(token, positions)}, {len(positions)}, {out.text})"
            )
            return
        positions = tuple(x for x in value.labels if x in (*self.names.system.axes, BATCH))
        self.lines.add(f"add_rows({value.text}, {aligned(token, positions)}, {rows}, {out.text})")

    def _joined(self, e: s.Equation, parts: str, scans: Mapping[str, str]) -> None:
        """A concatenation of the planes of a buffer, all in one call."""
        here = tuple(At(a) for a in self.names.values[e.out].axes)
        whole = view(self.names, s.Access(e.out, here, e.dims), scans, self.lines, True)
        first = s.Access(e.reads[0].name, here, e.dims)
        made = view(self.names, first, scans, self.lines, True, self.names.python[parts])
        self.lines.add(f"{whole.text}[...] = {made.text}")

    def _concat(self, e: s.Equation, op: s.Concat, reads: list[View], out: View, target: tuple[str, ...]) -> None:
        k = len([x for x in target if x in (*self.names.system.axes, BATCH)])
        at = Size.of(0)
        for size, index in op.parts:
            rows = f"{self.names.size_text(at)}:{self.names.size_text(at + size)}"
            place = f"{out.text}[{', '.join([':'] * k + [rows])}]"
            if index is None:
                self.lines.add(f"{place} = 0.0")
            elif not self.in_place(e, index, at, size):
                made = reads[index]
                outer = tuple(x for x in target[:k])
                inner = tuple(d for d in e.reads[index].dims if isinstance(d, str))
                text = aligned(made, (*outer, *inner))
                text += "" if inner else "[..., None]"
                self.lines.add(f"{place} = {text}")
            at = at + size

    def _part(self, e: s.Equation, op: s.Part, made: View, out: View, target: tuple[str, ...]) -> None:
        shape = self.names.values[e.out].shape[len(e.reads[0].dims) - 1 :]
        sizes = ", ".join(self.names.size_text(z) for z in shape)
        where = f"{self.names.size_text(op.start)}, ({sizes}{',' if len(shape) == 1 else ''})"
        if op.width is not None:
            where += f", {self.names.size_text(op.width)}, {self.names.size_text(op.offset)}"
        self.lines.add(f"{out.text}[...] = {'block' if op.width is None else 'piece'}({made.text}, {where})")

    def _reshape(self, e: s.Equation, made: View, out: View, target: tuple[str, ...]) -> None:
        outer = tuple(x for x in target if x in (*self.names.system.axes, BATCH))
        inner = tuple(str(d) for d in e.reads[0].dims)
        text = aligned(made, (*outer, *inner))
        if set(outer) <= set(made.labels):
            self.lines.add(f"{out.text}[...] = {text}.reshape({out.text}.shape)")
            return
        shape = ", ".join(self.names.size_text(z) for z in self.names.values[e.out].shape)
        count = len([x for x in outer if x in made.labels])
        short = f"{text}.reshape({text}.shape[:{count}] + ({shape},))"
        self.lines.add(f"{out.text}[...] = {short}")
