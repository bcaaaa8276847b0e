"""Where a thread reads and writes: an array and an index for each of its dimensions, in C."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnc.emit.cuda import Signature
from rnnc.emit.pieces import Piece
from rnnc.emit.section import SectionWriter
from rnnc.emit.views import Names
from rnnc.model.forms import At
from rnnc.program.forms import Extent
from rnnc.sizes import Size
from rnnc.system.forms import Access


@dataclass(frozen=True)
class Place:
    """`index` is one number into `array` (Python's name of the whole array). `scanned` are the positions along the
    scans around the launch: axis, offset, rows of the ring (0: none), None where it is no fixed offset; `rows` those of
    the first unit dimension that any thread touches. `token`: whole numbers lie there."""

    array: str
    index: str
    scanned: tuple[tuple[str, int | None, int], ...] = ()
    rows: tuple[Size, Size] | None = None
    token: bool = False

    def apart(self, other: Place) -> bool:
        """Whether no thread of a launch touches here what any thread touches there."""
        if self.array != other.array:
            return True
        for (_, mine, ring), (_, theirs, _) in zip(self.scanned, other.scanned, strict=True):
            if mine is not None and theirs is not None and mine != theirs and (not ring or (mine - theirs) % ring):
                return True
        if self.rows is None or other.rows is None:
            return False
        return any(
            (y[0] - x[1]).constant == 0 or all(c > 0 for _, c in (y[0] - x[1]).terms)
            for x, y in ((self.rows, other.rows), (other.rows, self.rows))
        )


class Placer:
    """Places of one launch: `coordinates` are the C names of the space's axes (by name), batch and unit dimensions."""

    def __init__(
        self,
        section: SectionWriter,
        scans: Mapping[str, str],
        axes: Mapping[str, str],
        batch: str,
        units: tuple[str, ...],
        signature: Signature,
    ) -> None:
        self.section = section
        self.names: Names = section.names
        self.scans = scans
        self.axes = axes
        self.batch = batch
        self.units = units
        self.signature = signature

    def size(self, size: Size) -> str:
        """A size in C; one with a division is worked out before the launch."""
        text = self.names.size_text(size)
        if "/" in text:
            return self.signature.number(f"({text})")
        return size.spelled({n: self.signature.number(v) for n, v in self.names.size.items() if n in size.names})

    def written(self, piece: Piece) -> Place:
        """Where a piece's own result lies."""
        v = self.names.values[piece.out]
        return self.of(Access(piece.out, tuple(At(a) for a in v.axes), piece.dims), piece, shifted=False)

    def of(self, r: Access, piece: Piece, shifted: bool = True) -> Place:
        """Where a read of a piece lies."""
        names, v = self.names, self.names.values[r.name]
        if v.role == "seed":
            return Place("seed", self.batch)
        if v.role == "length":
            return Place(names.of_axis("length", r.name.strip("|")), self.batch)
        home = names.homes.get(r.name)
        array = names.variable(r.name) if home is None else self.section.whole(home.buffer)
        dims: list[tuple[str, str]] = []
        scanned: list[tuple[str, int | None, int]] = []
        windows = iter(r.dims)
        for at, extent in zip(r.at, names.extents(r.name), strict=True):
            tap = next(windows) if at.high is not None else None
            self._axis(at, extent, tap, piece, dims, scanned)
        if v.batched:
            dims.append((self.batch, self.signature.number("batch")))
        rows = self._units(r, piece, tuple(windows), shifted, dims)
        text = ""
        for index, size in dims:
            text = index if not text else f"{_bracketed(text)} * {_bracketed(size)} + {index}"
        return Place(array, text or "0", tuple(scanned), rows, v.kind == "token")

    def _axis(
        self,
        at: At,
        extent: Extent,
        tap: str | int | None,
        piece: Piece,
        dims: list[tuple[str, str]],
        scanned: list[tuple[str, int | None, int]],
    ) -> None:
        assert not extent.strip
        if at.axis in self.scans:
            fixed = at.anchor == "here" and not isinstance(tap, str)
            offset = at.low + (tap if isinstance(tap, int) else 0)
            scanned.append((at.axis, offset if fixed else None, extent.kept or 0))
        if extent.kept in (0, 1):
            return
        # a ring has no rows outside the sequence
        shift = at.low + (0 if extent.kept else extent.low) + (tap if isinstance(tap, int) else 0)
        if at.anchor == "first":
            text = str(shift)
        elif at.anchor == "last":
            text = _plus(f"{self.signature.table(self.names.of_axis('last', at.axis))}[{self.batch}]", shift)
        else:
            position = self.signature.number(self.scans[at.axis]) if at.axis in self.scans else self.axes[at.axis]
            if extent.kept:
                wrapped = shift % extent.kept
                text = f"({_plus(position, wrapped)}) % {extent.kept}" if wrapped else f"{position} % {extent.kept}"
            else:
                text = _plus(position, shift)
        if isinstance(tap, str):
            text = f"{text} + {self.units[piece.dims.index(tap)]}"
        if extent.kept:
            dims.append((text, str(extent.kept)))
            return
        halo = extent.low + extent.high
        dims.append((text, _plus(self.signature.number(self.names.length(at.axis)), halo)))

    def _units(
        self, r: Access, piece: Piece, own: tuple[str | int, ...], shifted: bool, dims: list[tuple[str, str]]
    ) -> tuple[Size, Size] | None:
        """Appends the unit dimensions; gives the rows that all threads together touch of the first."""
        v, home = self.names.values[r.name], self.names.homes.get(r.name)
        shape = v.shape if home is None else self.names.buffers[home.buffer].shape
        begin = home.rows[0] if home is not None and home.rows is not None else Size.of(0)
        touched = None
        for k, (d, size) in enumerate(zip(own, shape, strict=True)):
            at = begin if k == 0 else Size.of(0)
            if isinstance(d, int):
                at, text, stop = at + Size.of(d), "", at + Size.of(d + 1)
            else:
                text = self.units[piece.dims.index(d)]
                stop = at + v.shape[k]
                if d == piece.dims[0]:
                    at = at + piece.first + (piece.shift if shifted else Size.of(0))
                    stop = at + piece.rows if piece.rows is not None else stop
            if k == 0:
                touched = (at, stop)
            first = "" if at.constant == 0 else self.size(at)
            dims.append((" + ".join(x for x in (first, text) if x) or "0", self.size(size)))
        return touched

    def past(self, piece: Piece) -> str:
        """The C condition that an element is past the end of its own sequence."""
        v = self.names.values[piece.out]
        return " || ".join(self._past(axis) for axis in v.axes)

    def past_low(self, piece: Piece, sides: tuple[str, ...]) -> str:
        """The same, of the axes alone whose sequences start below."""
        v = self.names.values[piece.out]
        return " || ".join(self._past(a) for a, side in zip(v.axes, sides, strict=True) if side == "low")

    def _past(self, axis: str) -> str:
        position = self.signature.number(self.scans[axis]) if axis in self.scans else self.axes[axis]
        return f"{position} > {self.signature.table(self.names.of_axis('last', axis))}[{self.batch}]"


def _plus(text: str, shift: int) -> str:
    return text + (f" + {shift}" if shift > 0 else f" - {-shift}" if shift else "")


def _bracketed(text: str) -> str:
    return f"({text})" if any(x in text for x in " *%") else text
