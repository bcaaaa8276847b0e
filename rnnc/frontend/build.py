"""The tree actions: one for each rule of the grammar, from the rule's symbols to a node of the syntax tree.

The automaton calls them bottom up, so nothing here recurses, however long or deep the text is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rnnc.diagnostics import Source, Span
from rnnc.frontend import syntax
from rnnc.frontend.lex import Lexeme


@dataclass(frozen=True)
class _Many:
    """A list between the brackets or commas of the text."""

    items: tuple[Any, ...]
    span: Span


class Build:
    """The tree actions for one source."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def actions(self) -> dict[str, Callable[[list[Any]], Any]]:
        """By the name of the rule, or of its alias."""
        return {
            "start": self._file,
            "use": self._use,
            "function": self._function,
            "cell": self._cell,
            "network": self._network,
            "formals": self._many,
            "formal": self._formal,
            "names": self._many,
            "axis": self._axis,
            "kind": self._kind,
            "data": self._data,
            "unit": self._unit,
            "output": self._output,
            "loss": self._loss,
            "begin": self._begin,
            "feedback": self._feedback,
            "return": self._return,
            "declareds": self._many,
            "declared": self._declared,
            "shape": self._shape,
            "chain": self._chain,
            "negative": self._negative,
            "number": self._number,
            "strings": self._strings,
            "border": self._border,
            "group": self._group,
            "bias": self._bias,
            "call": self._call,
            "across": self._across,
            "reference": self._reference,
            "index": self._many,
            "entry": self._entry,
            "arguments": self._many,
            "keyword": self._keyword,
        }

    def name(self, lexeme: Lexeme) -> syntax.Name:
        """The leaf of a `NAME`, and of a keyword where the tree keeps it as a name."""
        return syntax.Name(lexeme.text, Span(self._source, lexeme.start, lexeme.end))

    def _span(self, first: Any, last: Any) -> Span:
        start = first.start if type(first) is Lexeme else first.span.start
        end = last.end if type(last) is Lexeme else last.span.end
        return Span(self._source, start, end)

    def _many(self, children: list[Any]) -> _Many:
        items = tuple(child for child in children if type(child) is not Lexeme)
        return _Many(items, self._span(children[0], children[-1]))

    def _file(self, children: list[Any]) -> syntax.File:
        return syntax.File(
            tuple(c for c in children if isinstance(c, syntax.Use)),
            tuple(c for c in children if isinstance(c, syntax.Function)),
            tuple(c for c in children if isinstance(c, syntax.Cell)),
            tuple(c for c in children if isinstance(c, syntax.Network)),
            Span(self._source, 0, len(self._source.text)),
        )

    def _use(self, children: list[Any]) -> syntax.Use:
        keyword, path = children
        return syntax.Use(path.text[1:-1], self._span(path, path), self._span(keyword, path))

    def _function(self, children: list[Any]) -> syntax.Function:
        keyword, name, _, formals, _, _, body = children
        return syntax.Function(name, formals.items, body, self._span(keyword, body))

    def _cell(self, children: list[Any]) -> syntax.Cell:
        head, body = _split(children, "LBRACE")
        over = _after(head, "OVER")
        lists = [c for c in head if isinstance(c, _Many) and c is not over]
        return syntax.Cell(
            children[1],
            lists[0].items if lists else (),
            over.items if over is not None else (),
            _nodes(body),
            self._span(children[0], children[-1]),
        )

    def _network(self, children: list[Any]) -> syntax.Network:
        head, body = _split(children, "LBRACE")
        lists = [c for c in head if isinstance(c, _Many)]
        formals = lists[0].items if lists else ()
        return syntax.Network(children[1], formals, _nodes(body), self._span(children[0], children[-1]))

    def _formal(self, children: list[Any]) -> syntax.Default:
        value = children[2] if len(children) == 3 else None
        return syntax.Default(children[0], value, self._span(children[0], children[-1]))

    def _axis(self, children: list[Any]) -> syntax.AxisDeclaration:
        last = children[-1]
        kind = last if isinstance(last, syntax.Call) and not _is(children[-2], "EQUAL") else None
        definition = _after(children, "EQUAL")
        return syntax.AxisDeclaration(children[1].items, definition, kind, self._span(children[0], children[-1]))

    def _kind(self, children: list[Any]) -> syntax.Call:
        return self._make_call(children[0], children)

    def _data(self, children: list[Any]) -> syntax.Data:
        shape = next((c for c in children if isinstance(c, syntax.Shape)), None)
        return syntax.Data(
            self.name(children[0]),
            children[1].items,
            shape,
            _after(children, "EQUAL"),
            self._span(children[0], children[-1]),
        )

    def _unit(self, children: list[Any]) -> syntax.Unit:
        shape = children[2] if isinstance(children[2], syntax.Shape) else None
        place = 3 if shape is not None else 2
        word = children[place + 2] if len(children) > place + 2 else None
        return syntax.Unit(
            self.name(children[0]),
            children[1],
            shape,
            children[place + 1],
            _is(children[place], "TILDE"),
            self._span(children[0], children[-1]),
            word,
        )

    def _output(self, children: list[Any]) -> syntax.Output:
        return syntax.Output(self.name(children[0]), children[1].items, self._span(*children))

    def _loss(self, children: list[Any]) -> syntax.Loss:
        return syntax.Loss(children[1], self._span(*children))

    def _begin(self, children: list[Any]) -> syntax.Start:
        keyword, left, _, right = children
        span = self._span(keyword, right)
        learned = _is(right, "LEARNED")
        if learned:
            word = self.name(right)
            right = syntax.Reference(word, (), None, word.span)
        return syntax.Start(left.name, left.parts, left.index, right, learned, span)

    def _feedback(self, children: list[Any]) -> syntax.Feedback:
        keyword, left, _, right = children
        return syntax.Feedback(left, right, self._span(keyword, right))

    def _return(self, children: list[Any]) -> syntax.Return:
        return syntax.Return(children[1], self._span(*children))

    def _declared(self, children: list[Any]) -> syntax.Declared:
        axes = next((c.items for c in children if isinstance(c, _Many)), ())
        prime = _is(children[-1], "PRIME")
        return syntax.Declared(children[0], axes, prime, self._span(children[0], children[-1]))

    def _shape(self, children: list[Any]) -> syntax.Shape:
        span = self._span(children[1], children[-1])
        dims = tuple(c for c in children if type(c) is not Lexeme)
        only = dims[0]
        if len(dims) == 1 and isinstance(only, syntax.Call) and _is_token(only):
            return syntax.Shape((), only.args[0], span)
        return syntax.Shape(dims, None, span)

    def _chain(self, children: list[Any]) -> syntax.Chain:
        rest = tuple((children[k].text, children[k + 1]) for k in range(1, len(children), 2))
        return syntax.Chain(children[0], rest, self._span(children[0], children[-1]))

    def _negative(self, children: list[Any]) -> syntax.Unary:
        return syntax.Unary("-", children[1], self._span(*children))

    def _number(self, children: list[Any]) -> syntax.Number:
        text = children[0].text
        return syntax.Number(float(text), text.isdigit(), text, self._span(children[0], children[0]))

    def _strings(self, children: list[Any]) -> syntax.Strings:
        return syntax.Strings(children[0].text[1:-1], self._span(children[0], children[0]))

    def _border(self, children: list[Any]) -> syntax.Reference:
        name = self.name(children[0])
        return syntax.Reference(name, (), None, name.span)

    def _group(self, children: list[Any]) -> Any:
        return replace(children[1], span=self._span(children[0], children[2]))

    def _bias(self, children: list[Any]) -> syntax.Call:
        return self._make_call(self.name(children[0]), children)

    def _call(self, children: list[Any]) -> syntax.Call:
        call = self._make_call(children[0], children)
        if _is(children[-1], "RPAREN"):
            return call
        mark = next((c for c in children if _is(c, "BACKWARD")), None)
        backward = self._span(mark, mark) if mark is not None else None
        shared = _after(children, "AS")
        over: tuple[syntax.Name, ...] = ()
        if _after(children, "OVER") is not None:
            tail = _split(children, "OVER")[1]
            over = tuple(c for c in tail if isinstance(c, syntax.Name) and c is not shared)
        return replace(call, over=over, backward=backward, shared=shared)

    def _across(self, children: list[Any]) -> syntax.Call:
        over = children[2]
        call = self._make_call(children[0], [children[0], *children[3:]])
        return replace(call, over=over.items, over_first=True)

    def _make_call(self, name: syntax.Name, children: list[Any]) -> syntax.Call:
        given = children[2].items if len(children) > 3 and isinstance(children[2], _Many) else ()
        return syntax.Call(
            name,
            tuple(item for item in given if not isinstance(item, syntax.Keyword)),
            tuple(item for item in given if isinstance(item, syntax.Keyword)),
            (),
            False,
            None,
            None,
            len(children) == 1,
            self._span(children[0], children[-1]),
        )

    def _reference(self, children: list[Any]) -> syntax.Reference:
        names = tuple(c for c in children if isinstance(c, syntax.Name))
        last = children[-1]
        index = last.items if isinstance(last, _Many) else None
        return syntax.Reference(names[0], names[1:], index, self._span(children[0], last))

    def _entry(self, children: list[Any]) -> syntax.Index:
        high = children[2] if len(children) == 3 else None
        return syntax.Index(children[0], high, self._span(children[0], children[-1]))

    def _keyword(self, children: list[Any]) -> syntax.Keyword:
        word = children[0]
        name = self.name(word) if type(word) is Lexeme else word
        return syntax.Keyword(name, children[2], self._span(word, children[2]))


def _is(child: Any, kind: str) -> bool:
    return type(child) is Lexeme and child.kind == kind


def _is_token(call: syntax.Call) -> bool:
    return call.function.text == "token" and len(call.args) == 1 and not call.keywords and not call.over


def _after(children: list[Any], kind: str) -> Any:
    """The symbol that follows the first lexeme of a kind, or None."""
    for place, child in enumerate(children):
        if _is(child, kind):
            return children[place + 1]
    return None


def _split(children: list[Any], kind: str) -> tuple[list[Any], list[Any]]:
    place = next(place for place, child in enumerate(children) if _is(child, kind))
    return children[:place], children[place + 1 :]


def _nodes(children: list[Any]) -> tuple[Any, ...]:
    return tuple(child for child in children if type(child) is not Lexeme)
