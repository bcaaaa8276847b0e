"""Which values have an equation of their own in a derivation: the author's units, their net inputs, and
little else.
"""

from __future__ import annotations

from rnnc.derive.known import Known
from rnnc.ops.elementary import BY_NAME
from rnnc.ops.formula import ZERO, Operand, Operation
from rnnc.system import forms as s


class Keep:
    """`names`: the values kept; `errors`: those among them that are a target less an output where the
    target is there.
    """

    def __init__(self, system: s.System) -> None:
        self.system = system
        self.values = {v.name: v for v in system.values}
        self.equations = {e.out: e for e in system.equations}
        self._readers: dict[str, list[s.Equation]] = {}
        for e in system.equations:
            for name in dict.fromkeys(r.name for r in e.reads):
                self._readers.setdefault(name, []).append(e)
        units = {e.out for e in system.equations if self.values[e.out].role == "unit"}
        units.update(n for b in system.borders for n in b.reads() if n in self.equations)
        self.errors = tuple(e.out for e in system.equations if self._is_error(e))
        known = Known(system, frozenset(units))
        self._kept = {*units, *self.errors, *({system.loss} if system.loss else ())}
        self._same = known.same_as
        self._summing: dict[str, bool] = {}
        for name in self.equations:
            if name not in self._kept and name not in self._same and self._worth(name):
                self._kept.add(name)
        self.names = frozenset(self._kept)

    def _is_error(self, e: s.Equation) -> bool:
        """where(present(t), t - y, 0), squared: the e_k of Williams and Zipser (1989), equation (3)."""
        formula = e.op.formula if isinstance(e.op, s.Pointwise) else None
        if not isinstance(formula, Operation) or formula.op != "where" or formula.args[2] != ZERO:
            return False
        chosen = formula.args[0]
        squared = s.Pointwise(Operation("square", (Operand(0),)))
        present = isinstance(chosen, Operation) and chosen.op == "present"
        return present and any(r.op == squared for r in self._readers.get(e.out, ()))

    def _worth(self, name: str) -> bool:
        """A softmax, a net input, or something with a sum in it that is needed more than once."""
        e = self.equations[name]
        if isinstance(e.op, s.Softmax) or (e.about and name.startswith("loss:") and self.values[name].axes):
            return True
        readers = self._readers.get(name, ())
        if self._learned(name) and any(_function_of(r, name) for r in readers):
            return True
        return self._sums(name) and (len(readers) > 1 or _is_function(e) or any(_joins(r) for r in readers))

    def _inner(self, name: str) -> tuple[str, ...]:
        """The parts that would be written out inside `name`."""
        reads = dict.fromkeys(r.name for r in self.equations[name].reads)
        return tuple(n for n in reads if n in self.equations and n not in self._kept and n not in self._same)

    def _sums(self, name: str) -> bool:
        """Whether `name`, written out, holds a sum."""
        if name not in self._summing:
            e = self.equations[name]
            axes = self.values[name].axes
            labels = {d for r in e.reads for d in r.dims if isinstance(d, str)} - set(e.dims)
            places = {a.axis for r in e.reads for a in r.at if a.anchor == "here"} - set(axes)
            own = isinstance(e.op, s.Contract | s.Extreme | s.Softmax) and bool(labels or places)
            self._summing[name] = own or any(self._sums(n) for n in self._inner(name))
        return self._summing[name]

    def _learned(self, name: str) -> bool:
        """Whether `name`, written out, reads a parameter."""
        roles = (self.values[r.name].role for r in self.equations[name].reads)
        return any(role in ("parameter", "fixed") for role in roles) or any(self._learned(n) for n in self._inner(name))


def _function_of(reader: s.Equation, name: str) -> bool:
    if isinstance(reader.op, s.Softmax):
        return reader.reads[0].name == name
    return _is_function(reader) and reader.reads[0].name == name


def _is_function(e: s.Equation) -> bool:
    formula = e.op.formula if isinstance(e.op, s.Pointwise) else None
    return isinstance(formula, Operation) and formula.op in BY_NAME and formula.args == (Operand(0),)


def _joins(e: s.Equation) -> bool:
    return isinstance(e.op, s.Concat | s.Reshape)
