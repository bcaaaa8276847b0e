"""A place for every value: buffers, rows of stacked buffers, and buffers taken over from values no longer read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnc.model.forms import At
from rnnc.program.forms import Buffer, Extent, Home
from rnnc.program.halos import halos
from rnnc.program.lifetimes import Lifetimes, Moment
from rnnc.program.planes import rows_of_planes
from rnnc.sizes import Size
from rnnc.system.forms import Access, Concat, Contract, Pointwise, Products, Slice, System, Value

COMPUTED = ("unit", "part", "adjoint", "gradient")


class Storage:
    """Homes are given in three passes: rows of stacks first, then the forward part in order, then the backward part,
    where a value that feeds one already placed is put there from the beginning. `strips`: the axis of each, and the
    values that are read in it alone. `planes`: the values that lie in planes, each with the size of one; None where the
    parts of every stack lie side by side."""

    def __init__(
        self,
        system: System,
        lifetimes: Lifetimes,
        strips: tuple[tuple[str, frozenset[str]], ...] = (),
        planes: Mapping[str, Size] | None = None,
    ) -> None:
        self.system = system
        self.strips = strips
        self.life = lifetimes
        self.apart = planes is not None
        self.plane = planes or {}
        self.values = {v.name: v for v in system.values}
        self.bordered = {b.name for b in system.borders}
        self.ending = {b.name for b in system.borders if "high" in b.sides}
        self.halos = halos(system)
        self.extents = {v.name: self._extents(v) for v in system.values if v.role in COMPUTED and self._runs(v)}
        self.homes: dict[str, Home] = {}
        self._tenants: dict[str, list[str]] = {}
        self.buffers: dict[str, Buffer] = {}
        self.order = sorted(self.life.made.values(), key=lambda m: m.order)

    def _runs(self, v: Value) -> bool:
        return v.name in self.life.made

    def run(self) -> None:
        for moment in self.order:
            if isinstance(moment.equation.op, Concat):
                self._pin_parts(moment)
        forward = [m for m in self.order if m.section != "backward"]
        backward = [m for m in self.order if m.section == "backward"]
        for moment in forward:
            self._place(moment)
        for moment in reversed(backward):
            self._place_sources(moment)
        for moment in backward:
            self._place(moment)
        self._shorten()

    def _shorten(self) -> None:
        """What every tenant of a buffer needs for one strip only is held for one strip."""
        for buffer, names in self._tenants.items():
            for axis, held in self.strips:
                if held.issuperset(names):
                    old = self.buffers[buffer]
                    rows = tuple(replace(e, strip=e.axis == axis and e.kept is None) for e in old.extents)
                    self.buffers[buffer] = replace(old, extents=rows)

    # ---- extents

    def _extents(self, v: Value) -> tuple[Extent, ...]:
        moment = self.life.made[v.name]
        return tuple(self._extent(v, axis, k, moment) for k, axis in enumerate(v.axes))

    def _extent(self, v: Value, axis: str, index: int, moment: Moment) -> Extent:
        low, high = self.halos.get((v.name, index), (0, 0))
        scanned = axis in [a for a, _ in moment.loops]
        local = v.role in ("part", "adjoint") and self.life.reads_inside(v.name)
        # an influence's start is put into its ring; anything else that has one needs rows outside the sequence
        ring = isinstance(moment.equation.op, Products) and v.name not in self.ending
        bordered = v.name in self.bordered and not ring
        if not (scanned and local) or bordered or v.name in self.life.bordering:
            return Extent(axis, low, high)
        reads = [r.access.at[index] for r in self.life.readings.get(v.name, ())]
        if any(a.anchor != "here" or a.high is not None for a in reads):
            return Extent(axis, low, high)
        outer = [a for a, _ in moment.loops[: [a for a, _ in moment.loops].index(axis)]]
        if any(t.axis in outer and t.low for r in self.life.readings.get(v.name, ()) for t in r.access.at):
            # a neighbour's whole row, while the scan around this one goes on
            return Extent(axis, low, high)
        reach = max((abs(a.low) for a in reads), default=0)
        if reach == 1 and self._before_written(v, index, moment):
            return Extent(axis, kept=1)
        return Extent(axis, kept=0 if reach == 0 else reach + 1)

    def _before_written(self, v: Value, index: int, moment: Moment) -> bool:
        """Whether a step reads all that it needs of the step before ahead of what it writes there itself; in one kernel
        only entry by entry. Influences are carried by rings."""
        if isinstance(moment.equation.op, Products):
            return False
        for r in self.life.readings.get(v.name, ()):
            if r.access.at[index].low == 0:
                continue
            e = r.moment.equation
            aligned = r.access.dims == e.dims and self.values[e.out].shape == v.shape
            # a scan inside this one has overwritten its neighbours' places
            moved = any(a != At(a.axis) for k, a in enumerate(r.access.at) if k != index)
            if moved or r.moment.order >= moment.order or (isinstance(e.op, Pointwise) and not aligned):
                return False
        return True

    # ---- rows of stacks

    def _pin_parts(self, moment: Moment) -> None:
        """Parts of a concatenation are written straight into their rows of it."""
        out = self.values[moment.equation.out]
        op = moment.equation.op
        assert isinstance(op, Concat)
        candidates: list[tuple[str, Size, Size]] = []
        at = Size.of(0)
        for size, index in op.parts:
            if index is not None:
                name = moment.equation.reads[index].name
                if self._fits(name, moment, index, out):
                    candidates.append((name, at, at + size))
            at = at + size
        if not candidates or len({c[0] for c in candidates}) < len(candidates):
            return
        plane = rows_of_planes(moment, self.values) if self.apart and len(candidates) == len(op.parts) else None
        if plane is not None:
            self._pin_planes(out, plane, candidates)
            return
        whole = [e if e.kept is None else Extent(e.axis) for e in self.extents[out.name]]
        loops = [a for a, _ in moment.loops]
        for name, _, _ in candidates:
            for k, e in enumerate(self.extents[name]):
                low, high = max(whole[k].low, e.low), max(whole[k].high, e.high)
                whole[k] = Extent(e.axis, low, high)
        kept = all(e.kept == 0 for n, _, _ in candidates for e in self.extents[n] if e.axis in loops)
        if kept and all(e.kept == 0 for e in self.extents[out.name] if e.axis in loops):
            whole = [Extent(e.axis, kept=0) if e.axis in loops else e for e in whole]
        buffer = self._buffer(out, tuple(whole))
        self._live(out.name, Home(buffer))
        for name, start, stop in candidates:
            self._live(name, Home(buffer, (start, stop)))

    def _pin_planes(self, out: Value, plane: Size, parts: list[tuple[str, Size, Size]]) -> None:
        """Parts of a concatenation are planes of a buffer of their own, and copied into its rows at once."""
        name = f"{out.name}:parts"
        first, *others = (self.extents[part] for part, _, _ in parts)
        self.buffers[name] = Buffer(name, first, out.batched, out.shape, out.kind, plane)
        for extents in others:
            self._widen(name, extents)
        for part, start, stop in parts:
            self._live(part, Home(name, (start, stop)))

    def _fits(self, name: str, moment: Moment, index: int, out: Value) -> bool:
        v = self.values[name]
        made = self.life.made.get(name)
        access = moment.equation.reads[index]
        if made is None or name in self.homes or name in self.bordered or isinstance(made.equation.op, Slice | Concat):
            return False
        if made.section != moment.section or made.conditional != moment.conditional:
            return False
        if any(e.kept not in (None, 0) for e in (*self.extents[name], *self.extents[out.name])):
            return False
        same = v.axes == out.axes and v.batched == out.batched and v.shape[1:] == out.shape[1:]
        return access.in_place and same and bool(v.shape) and v.kind == out.kind

    # ---- homes

    def _live(self, name: str, home: Home) -> None:
        self.homes[name] = home
        self._tenants.setdefault(home.buffer, []).append(name)

    def _buffer(self, v: Value, extents: tuple[Extent, ...]) -> str:
        self.buffers[v.name] = Buffer(v.name, extents, v.batched, v.shape, v.kind, self.plane.get(v.name))
        return v.name

    def _place(self, moment: Moment) -> None:
        """A home for what an equation makes; slices of it that are rows of it have theirs at once."""
        self._find(moment)
        for reading in self.life.readings.get(moment.equation.out, ()):
            other = reading.moment
            cut = isinstance(other.equation.op, Slice) and other.equation.out not in self.homes
            if cut and self._view(other, self.values[other.equation.out]):
                self._place(other)

    def _find(self, moment: Moment) -> None:
        name = moment.equation.out
        if name in self.homes:
            return
        v = self.values[name]
        if isinstance(moment.equation.op, Slice) and self._view(moment, v):
            return
        taken = self._source(moment)
        if taken is not None:
            self._live(name, self.homes[taken])
            self._widen(self.homes[taken].buffer, self.extents[name])
            return
        self._live(name, Home(self._buffer(v, self.extents[name])))

    def _view(self, moment: Moment, v: Value) -> bool:
        """A slice is rows of what it slices, where that has the same positions and its rows are fixed in memory."""
        access = moment.equation.reads[0]
        op = moment.equation.op
        source = self.homes.get(access.name)
        assert isinstance(op, Slice)
        if source is None or any(a.anchor != "here" or a.low or a.high is not None for a in access.at):
            return False
        parent = self.values[access.name]
        if parent.axes != v.axes or parent.batched != v.batched or v.name in self.bordered:
            return False
        mine = self.extents[v.name]
        theirs = self.buffers[source.buffer].extents
        if any(e.kept not in (None, 0) for e in mine) or any(e.kept not in (None, 0) for e in theirs):
            return False
        if any(e.kept is None and t.kept is not None for e, t in zip(mine, theirs, strict=True)):
            self._widen(source.buffer, mine)
        start = source.rows[0] if source.rows else Size.of(0)
        self._live(v.name, Home(source.buffer, (start + op.start, start + op.stop)))
        self._widen(source.buffer, mine)
        return True

    def _source(self, moment: Moment) -> str | None:
        """A value whose place the equation's result can take: read here last, in place, and of the same form."""
        if not isinstance(moment.equation.op, Pointwise) or moment.conditional:
            return None
        reads = [a for a in moment.equation.reads if a.name in self.homes and not self._leaves_rows(a.name, moment)]
        return max((a.name for a in reads if self._passes(a, moment, taking=True)), key=self._positions, default=None)

    def _leaves_rows(self, name: str, moment: Moment) -> bool:
        """Whether an equation over a strip's positions brings a part of a product out of the rows of all parts, into
        memory that is whole for the scan behind it."""
        home = self.homes[name]
        if home.rows is None or not self._side_by_side(home) or not moment.strip or moment.loops:
            return False
        made = self.life.made[self._root(name)]
        return isinstance(made.equation.op, Contract) and any(made.equation.out in held for _, held in self.strips)

    def _side_by_side(self, home: Home) -> bool:
        """Whether a value is a part of each row of a buffer, which costs every call over it."""
        return self.apart and home.rows is not None and self.buffers[home.buffer].plane is None

    def _positions(self, name: str) -> int:
        """How many axes its buffer holds whole: the wider place is there anyway."""
        return sum(e.kept is None for e in self.buffers[self.homes[name].buffer].extents)

    def _place_sources(self, moment: Moment) -> None:
        """Values that feed one already placed, and nothing later, are made in its place."""
        out = moment.equation.out
        if not isinstance(moment.equation.op, Pointwise) or moment.conditional:
            return
        if self.apart and out not in self.homes and self._has_halo(out):  # it takes no other's place
            self._live(out, Home(self._buffer(self.values[out], self.extents[out])))
        home = self.homes.get(out)
        if home is None:
            return
        if self._side_by_side(home):
            return
        for access in sorted(moment.equation.reads, key=self._has_place):
            name = access.name
            made = self.life.made.get(name)
            if made is None or name in self.homes or made.section != "backward" or made.conditional:
                continue
            if isinstance(made.equation.op, Slice | Concat) or not self._passes(access, moment, taking=False):
                continue
            # a product inside a scan is written into memory that is whole: into rows of a stack it is made twice
            if isinstance(made.equation.op, Contract) and made.loops and home.rows is not None:
                continue
            if not self._free(home, made, moment, (name, moment.equation.out)):
                continue
            self._live(name, home)
            self._widen(home.buffer, self.extents[name])
            return

    def _has_place(self, access: Access) -> bool:
        """Whether a value needs no memory of a strip where it is not made in the place of what reads it: within a scan
        it is a row, and elsewhere it can take the place of what it reads itself."""
        made = self.life.made.get(access.name)
        return made is None or bool(made.loops) or self._source(made) is not None

    def _has_halo(self, name: str) -> bool:
        return any(e.low or e.high for e in self.extents[name])

    def _passes(self, access: Access, moment: Moment, taking: bool) -> bool:
        """Whether a read value and what is made of it can have one place: that of the former, with `taking`."""
        u, v = self.values[access.name], self.values[moment.equation.out]
        if (
            u.role not in COMPUTED
            or (u.role == "unit" and moment.section != "backward")
            or "gradient" in (u.role, v.role)
        ):
            return False
        if (u.axes, u.batched, u.shape, u.kind) != (v.axes, v.batched, v.shape, v.kind):
            return False
        if self.plane.get(u.name) != self.plane.get(v.name):
            return False
        if access.dims != moment.equation.dims or u.name in self.bordered or v.name in self.bordered:
            return False
        made = self.life.made.get(u.name)
        if made is None or made.conditional:
            return False
        if any(e.kept not in (None, 0) for e in (*self.extents[u.name], *self.extents[v.name])):
            return False
        # what is read at an offset has rows beside the sequence, and what is made in its place leaves them alone
        if any(e.low or e.high for e in self.extents[u.name]) or (
            (taking or not self.apart) and self._has_halo(v.name)
        ):
            return False
        if not self.life.last_read_is(u.name, moment) or not self._alone(made):
            return False
        home = self.homes.get(u.name)
        return home is None or self._free(home, moment, moment, (u.name, v.name))

    def _free(self, home: Home, since: Moment, until: Moment, but: tuple[str, ...]) -> bool:
        """Whether no other tenant of the same rows is still read when `since` writes there, or made before `until`."""
        for name in self._tenants.get(home.buffer, ()):
            if name in but or not _overlap(self.homes[name].rows, home.rows):
                continue
            if self.values[name].role == "unit" and self._has_halo(name):
                # its last rows are handed on as a state
                return False
            since_when = self.life.made[self._root(name)].order
            if since_when < until.order and not self.life.last_read_is(name, since, self._views(name)):
                return False
        return True

    def _root(self, name: str) -> str:
        """The value whose making fills the rows of `name`: for a slice that is rows of its source, the source's."""
        equation = self.life.made[name].equation
        source = equation.reads[0].name if isinstance(equation.op, Slice) else ""
        home = self.homes.get(source)
        return self._root(source) if home is not None and home.buffer == self.homes[name].buffer else name

    def _views(self, name: str) -> frozenset[str]:
        """The slices of a value that are rows of its own buffer: they read nothing, and are tenants themselves."""
        buffer = self.homes[name].buffer
        return frozenset(
            r.moment.equation.out
            for r in self.life.readings.get(name, ())
            if isinstance(r.moment.equation.op, Slice)
            and r.moment.equation.out in self.homes
            and self.homes[r.moment.equation.out].buffer == buffer
        )

    def _alone(self, made: Moment) -> bool:
        """Rows of a stack are free to be overwritten only where the stack is read through slices of parts alone."""
        while isinstance(made.equation.op, Slice):
            parent = made.equation.reads[0].name
            if parent not in self.life.made or self.values[parent].role not in ("part", "adjoint"):
                return False
            if not all(isinstance(r.moment.equation.op, Slice) for r in self.life.readings[parent]):
                return False
            made = self.life.made[parent]
        return True

    def _widen(self, buffer: str, extents: tuple[Extent, ...]) -> None:
        """The buffer holds whatever any of its tenants needs."""
        old = self.buffers[buffer]
        merged = tuple(
            Extent(
                a.axis,
                max(a.low, b.low),
                max(a.high, b.high),
                None if a.kept is None or b.kept is None else max(a.kept, b.kept),
            )
            for a, b in zip(old.extents, extents, strict=True)
        )
        self.buffers[buffer] = replace(old, extents=merged)


def _overlap(a: tuple[Size, Size] | None, b: tuple[Size, Size] | None) -> bool:
    """Whether two ranges of rows share any; ranges that merely touch, or whole and part, are told apart by their
    ends."""
    if a is None or b is None or a == b:
        return True
    return not (a[1] == b[0] or b[1] == a[0] or _apart(a, b))


def _apart(a: tuple[Size, Size], b: tuple[Size, Size]) -> bool:
    """One ends before the other begins, whatever the sizes: the gap is a sum of positive terms."""
    return any(all(c > 0 for _, c in (y[0] - x[1]).terms) for x, y in ((a, b), (b, a)))
