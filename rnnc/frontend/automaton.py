"""Runs the parser's tables over lexemes, one at a time, so that the caller can mend the text and go on.

The usual LALR(1) machine (Aho, Sethi and Ullman, 1986, section 4.7): a stack of states and one of values; a
reduction calls the tree action of its rule with the values it takes off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rnnc.frontend.lex import END, Lexeme
from rnnc.frontend.tables import Tables

Action = Callable[[list[Any]], Any]
Leaf = Callable[[Lexeme], Any]


class _Run(list[Any]):
    """The items of a repetition so far; joins the list of the rule that holds it."""


class Automaton:
    """`actions` makes values from a rule's symbols, `leaves` from the lexemes of a kind."""

    def __init__(self, tables: Tables, actions: Mapping[str, Action], leaves: Mapping[str, Leaf]) -> None:
        self._states = tables.states
        self._leaves = leaves
        self._end = tables.end
        self._rules = tuple(
            (rule.origin, rule.length, rule.spliced, rule.action, actions.get(rule.action or ""))
            for rule in tables.rules
        )
        self._stack = [tables.start]
        self._values: list[Any] = []
        self._saved: tuple[list[int], list[Any]] | None = None
        self._climbs: dict[tuple[int, int, str], int] = {}

    @property
    def result(self) -> Any:
        """The tree, after the end was fed."""
        return self._values[0]

    def feed(self, lexeme: Lexeme) -> bool:
        """Reduce and shift for one lexeme; False, with nothing changed, where the grammar refuses it."""
        states, stack, values, rules = self._states, self._stack, self._values, self._rules
        kind = lexeme.kind
        target = states[stack[-1]].get(kind)
        if target is not None and target < 0:
            self._saved = stack[:], values[:]
        while target is not None and target < 0:
            origin, length, spliced, name, action = rules[-1 - target]
            if name is None:
                stack.pop()
                key = (stack[-1], target, kind)
                stack.append(self._climbs[key] if key in self._climbs else self._climb(*key))
            else:
                children: Any = values[-length:] if length else []
                if length:
                    del values[-length:], stack[-length:]
                if spliced:
                    children = _join(children, spliced, name == "")
                if action is not None:
                    values.append(action(children))
                elif name == "":
                    values.append(children if spliced else _Run(children))
                else:
                    raise KeyError(f"the grammar's rule `{name}` has no tree action")
                stack.append(states[stack[-1]][origin])
                if len(stack) == 2 and stack[1] == self._end:
                    return kind == END
            target = states[stack[-1]].get(kind)
        if target is None:
            self._undo()
            return False
        leaf = self._leaves.get(kind)
        self._saved = None
        values.append(lexeme if leaf is None else leaf(lexeme))
        stack.append(target)
        return True

    def _undo(self) -> None:
        """Back to where the lexeme was met: reductions before a refusal hide what could have stood here."""
        if self._saved is not None:
            self._stack[:], self._values[:] = self._saved
            self._saved = None

    def _climb(self, below: int, target: int, kind: str) -> int:
        """The state after a run of rules that hand their only symbol on (atom, power, product, sum), found
        once each.
        """
        step: int | None = target
        reached = below
        while step is not None and step < 0 and self._rules[-1 - step][3] is None:
            reached = self._states[below][self._rules[-1 - step][0]]
            step = self._states[reached].get(kind)
        self._climbs[below, target, kind] = reached
        return reached

    def drop(self) -> bool:
        """Forget the topmost symbol, to find a place where the text can go on; False at the bottom."""
        if len(self._stack) == 1:
            return False
        self._stack.pop()
        self._values.pop()
        return True

    def settle(self, kind: str) -> bool:
        """Forget symbols down to the topmost place where a lexeme of this kind can be shifted; False where
        none is.
        """
        for depth in range(len(self._stack), 0, -1):
            if self.allows(kind, depth):
                del self._stack[depth:], self._values[depth - 1 :]
                return True
        return False

    def allows(self, kind: str, depth: int | None = None) -> bool:
        """Would a lexeme of this kind be shifted here (or with only the lowest `depth` states left)?"""
        states, stack = self._states, self._stack[:depth]
        while True:
            target = states[stack[-1]].get(kind)
            if target is None:
                return False
            if target >= 0:
                return True
            origin, length, *_ = self._rules[-1 - target]
            if length:
                del stack[-length:]
            stack.append(states[stack[-1]][origin])
            if len(stack) == 2 and stack[1] == self._end:
                return kind == END

    def allowed(self) -> frozenset[str]:
        """The kinds of lexeme that the grammar allows here, each as the very next one."""
        return frozenset(kind for kind in self._states[self._stack[-1]] if self._is_allowed(kind))

    def _is_allowed(self, kind: str) -> bool:
        return (kind.isupper() or kind == END) and self.allows(kind)


def _join(children: list[Any], spliced: tuple[int, ...], growing: bool) -> list[Any]:
    if growing and spliced == (0,):
        run = children[0]
        run.extend(children[1:])
        return run  # type: ignore[no-any-return]
    joined: list[Any] = []
    for child in children:
        if isinstance(child, _Run):
            joined.extend(child)
        else:
            joined.append(child)
    return joined
