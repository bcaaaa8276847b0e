"""`System` to `Program`: the order, the places in memory, the fused kernels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnc.ops.elementary import BY_NAME
from rnnc.ops.formula import Operand, Operation
from rnnc.program.forms import Clear, Given, Kernel, Loop, Program, Section, Statement, Step, Strips
from rnnc.program.guard import guarded
from rnnc.program.halos import halos
from rnnc.program.inner import inner_products
from rnnc.program.lifetimes import Lifetimes
from rnnc.program.padding import cleared
from rnnc.program.planes import in_planes
from rnnc.program.recompute import recompute
from rnnc.program.sections import Parts, parts, single_need
from rnnc.program.seed import from_one
from rnnc.program.storage import Storage
from rnnc.program.strips import held as in_strip
from rnnc.program.strips import strips
from rnnc.sizes import Shape
from rnnc.system.forms import Equation, Pointwise, Slice, System
from rnnc.system.halves import halved
from rnnc.system.schedule import Batch, Node, Scan, Strip, equations_of, schedule

Space = tuple[tuple[str, ...], bool, Shape, str]


def lower(system: System, by_strips: bool = True, piece: bool = False) -> Program:
    """The program of a network (with its gradients, where the system has any). `by_strips`: long sequences a strip of
    positions at a time, where that saves memory, no call that could be spared, and the parts of stacks whole in memory;
    a back end that fuses the calls, for which each is dear, does without. A `piece` of a sequence is told what it is
    worth."""
    system = system if piece else from_one(system)
    system = guarded(inner_products(recompute(halved(system))) if by_strips else system)
    split = parts(system, neighbours(schedule(system), begun(system)))
    if not by_strips:
        return arranged(system, split)
    return arranged(system, *_in_strips(system, split), planes=True)


Held = tuple[tuple[str, frozenset[str]], ...]


def arranged(system: System, split: Parts, held: Held = (), planes: bool = False) -> Program:
    """The program of a schedule that is split into its sections already; `held`: what each of its strips holds, by
    axis; `planes`: whether the parts of stacks are whole in memory."""
    # what a border reads is ready before its value's readers start: never in one kernel with them
    outside = {n for b in system.borders for n in b.reads()}
    spaces = {v.name: (v.axes, v.batched, v.shape, v.name if v.name in outside else "") for v in system.values}
    life = Lifetimes(system, split)
    clear = cleared(system)
    storage = Storage(system, life, held, in_planes(system, life, clear) if planes else None)
    storage.run()
    units = {v.name for v in system.values if v.role == "unit"}
    # a unit is returned even where nothing reads it, so it has a step of its own
    views = frozenset(
        n
        for n, m in life.made.items()
        if isinstance(m.equation.op, Slice) and n not in units and _is_view(m.equation, storage)
    )
    sections = tuple(
        Section(
            name,
            _body(getattr(split, name), spaces, split, frozenset(clear), views, name == "backward"),
            _names(getattr(split, name)),
        )
        for name in ("forward", "loss", "backward")
    )
    return Program(
        system,
        sections,
        tuple(storage.buffers.values()),
        tuple(sorted(storage.homes.items())),
        clear,
    )


def _in_strips(system: System, split: Parts) -> tuple[Parts, Held]:
    """The sections with their strips, and what each strip holds: its axis and the values."""
    carried = frozenset(name for (name, _), (low, _) in halos(system).items() if low)
    always = frozenset(e.out for e in system.equations if e.out not in split.only_for)
    found: list[tuple[str, frozenset[str]]] = []

    nodes = (*split.forward, *split.loss, *split.backward)
    scanned = tuple(dict.fromkeys(n.axis for n in nodes if isinstance(n, Scan)))

    def joined(nodes: tuple[Node, ...], whole: frozenset[str]) -> tuple[Node, ...]:
        made = strips(system, nodes, always, whole, scanned)
        found.extend((n.axis, in_strip(system, n, whole)) for n in made if isinstance(n, Strip))
        return made

    forward, loss = joined(split.forward, carried), joined(split.loss, carried)
    backward = joined(split.backward, frozenset())
    return replace(split, forward=forward, loss=loss, backward=backward), tuple(found)


def _is_view(e: Equation, storage: Storage) -> bool:
    """A slice that is rows of what it slices takes no step."""
    source = storage.homes.get(e.reads[0].name)
    return source is not None and source.buffer == storage.homes[e.out].buffer


def _names(nodes: tuple[Node, ...]) -> tuple[str, ...]:
    return tuple(e.out for e in equations_of(nodes))


def _body(
    nodes: tuple[Node, ...],
    spaces: Mapping[str, Space],
    split: Parts,
    clear: frozenset[str],
    views: frozenset[str],
    top: bool,
) -> tuple[Statement, ...]:
    """Statements for a run of nodes; neighbours over one of the `spaces` (axes, batched, shape by value) become one
    kernel."""
    body: list[Statement] = []
    for node in nodes:
        if isinstance(node, Batch):
            e = node.equation
            if e.out in views and e.out not in clear and not (top and single_need(node, split.only_for)):
                continue
            made: list[Statement] = [Kernel((e,)) if isinstance(e.op, Pointwise) else Step(e)]
            if e.out in clear:
                made.append(Clear(e.out))
        elif isinstance(node, Strip):
            inner = _body(node.body, spaces, split, clear, views, top)
            sums = tuple(n for n in _names(node.body) if node.axis not in spaces[n][0])
            made = [Strips(node.axis, node.direction, inner, sums)]
        else:
            made = [Loop(node.axis, node.direction, _body(node.body, spaces, split, clear, views, False))]
        need = single_need(node, split.only_for) if top and not isinstance(node, Strip) else ()
        if need:
            before = body[-1] if body else None
            if isinstance(before, Given) and before.names == need:
                made = [*before.body, *made]
                body.pop()
            body.append(Given(need, tuple(made)))
            continue
        last = body[-1] if body else None
        if isinstance(last, Kernel) and isinstance(made[0], Kernel):
            mine = made[0].equations[0]
            space = spaces.get(mine.out)
            if space and spaces.get(last.equations[0].out) == space and _joins(last.equations, mine):
                made[0] = Kernel((*last.equations, mine))
                body.pop()
        body.extend(made)
    return tuple(body)


def begun(system: System) -> dict[str, frozenset[str]]:
    """What has to be there before a value that stands somewhere before its first step, or its reader, is made."""
    return {b.name: frozenset(b.reads()) for b in system.borders}


def neighbours(nodes: tuple[Node, ...], starts: Mapping[str, frozenset[str]]) -> tuple[Node, ...]:
    """The same order, but equations that apply one function to rows of one stack stand side by side where they can.
    `starts`: what a value's start reads."""
    nodes = tuple(replace(n, body=neighbours(n.body, starts)) if isinstance(n, Scan) else n for n in nodes)
    waiting = {e.out: n for n in nodes for e in equations_of((n,))}
    alike: dict[tuple[str, str], list[Batch]] = {}
    sliced = {e.out: e.reads[0].name for e in equations_of(nodes) if isinstance(e.op, Slice)}
    for node in nodes:
        if isinstance(node, Batch) and (function := _function(node)) and node.equation.reads[0].name in sliced:
            alike.setdefault((function, sliced[node.equation.reads[0].name]), []).append(node)
    done: list[Node] = []

    def take(node: Node) -> None:
        done.append(node)
        for e in equations_of((node,)):
            del waiting[e.out]

    for node in nodes:
        if equations_of((node,))[0].out not in waiting:
            continue
        take(node)
        if not isinstance(node, Batch) or not (function := _function(node)):
            continue
        for other in alike.get((function, sliced.get(node.equation.reads[0].name, "")), ()):
            if other.equation.out in waiting and (rows := _ready(other, waiting, starts)) is not None:
                for moved in (*rows, other):
                    take(moved)
    return tuple(done)


def _ready(node: Batch, waiting: Mapping[str, Node], starts: Mapping[str, frozenset[str]]) -> tuple[Node, ...] | None:
    """The slices that have to come before a node moved to the front; None where something else has to."""
    names = (node.equation.out, *(r.name for r in node.equation.reads))
    if any(n in waiting for name in names for n in starts.get(name, ())):
        return None
    needed = tuple(dict.fromkeys(waiting[r.name] for r in node.equation.reads if r.name in waiting))
    for other in needed:
        if not isinstance(other, Batch) or not isinstance(other.equation.op, Slice):
            return None
        if any(r.name in waiting for r in other.equation.reads):
            return None
    return needed


def _function(node: Node) -> str | None:
    """The elementary function that a node applies to one value in place, and nothing else."""
    if isinstance(node, Batch) and isinstance(node.equation.op, Pointwise):
        formula = node.equation.op.formula
        if isinstance(formula, Operation) and len(formula.args) == 1 and formula.args[0] == Operand(0):
            return formula.op if formula.op in BY_NAME else None
    return None


def _joins(group: tuple[Equation, ...], e: Equation) -> bool:
    """Whether `e` reads the group's results only in place, so that one thread can compute both."""
    outs = {g.out for g in group}
    return all(r.name not in outs or r.in_place for r in e.reads)
