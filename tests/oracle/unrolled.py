"""Reverse mode on the unrolled graph, one node at a time: a gradient that shares nothing with rnnc's.

The local Jacobian of a node by each node it reads comes from complex steps through its one equation
(Squire and Trapp 1998), so no derivative is written down anywhere here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx
import numpy as np
from numpy.typing import NDArray

from rnnc.system.forms import System
from rnnc.system.graph import order, unrolled
from rnnc.system.interpret import Evaluation, interpret
from rnnc.system.positions import Node

Array = NDArray[Any]
STEP = 1e-30


def gradients(
    system: System,
    sizes: Mapping[str, int],
    lengths: Mapping[str, int],
    given: Mapping[str, Array],
    wrt: tuple[str, ...],
) -> dict[str, Array]:
    """The derivative of one sequence's loss by every value in `wrt`: its axes in order, then its shape."""
    assert system.loss is not None
    evaluation = interpret(system, sizes, lengths, given)
    positions = evaluation.positions
    graph = unrolled(system, lengths)
    loss: Node = (system.loss, ())
    reaching = networkx.ancestors(graph, loss) | {loss}
    starts = [n for name in wrt for p in positions.of(name) if (n := (name, p)) in reaching]
    moved: set[Node] = set(starts)
    for start in starts:
        moved |= networkx.descendants(graph, start)
    adjoints: dict[Node, Array] = {n: np.zeros(evaluation.at(n).shape) for n in moved & reaching}
    if loss in adjoints:
        adjoints[loss] = np.ones(())
    for node in reversed(order(graph.subgraph(moved & reaching))):
        for source in graph.predecessors(node):
            if source in adjoints:
                adjoints[source] += _pulled_back(evaluation, node, source, adjoints[node])
    result = {}
    for name in wrt:
        shape = evaluation.shape(positions.values[name].shape)
        cells = [adjoints.get((name, p), np.zeros(shape)) for p in positions.of(name)]
        extents = tuple(lengths[a] for a in positions.values[name].axes)
        result[name] = np.reshape(np.asarray(cells), (*extents, *shape))
    return result


def _pulled_back(evaluation: Evaluation, node: Node, source: Node, adjoint: Array) -> Array:
    """adjoint . d(node)/d(source), an entry of the source at a time."""
    result = np.zeros(evaluation.at(source).shape)
    if not np.any(adjoint):
        return result
    for entry in np.ndindex(result.shape):
        moved = evaluation.at(source).astype(complex)
        moved[entry] += 1j * STEP

        def read(n: Node, moved: Array = moved) -> Array:
            return moved if n == source else evaluation.at(n)

        change = np.imag(evaluation.compute(node, read)) / STEP
        result[entry] = np.sum(np.where(adjoint != 0, change * adjoint, 0.0))
    return result
