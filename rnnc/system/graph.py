"""The folded and the unrolled graph, and what is asked of them. The only door to networkx.

Every answer is in an order of its own, independent of hashing and of the order of the arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import networkx

from rnnc.system.forms import System
from rnnc.system.positions import Positions

Edges = Iterable[tuple[str, str]]


def folded(nodes: Iterable[str], edges: Edges) -> networkx.DiGraph:
    """A directed graph with nodes and edges entered in sorted order. An edge goes from what is read to its
    reader."""
    graph = networkx.DiGraph()
    graph.add_nodes_from(sorted(nodes))
    graph.add_edges_from(sorted(edges))
    return graph


def components(nodes: Iterable[str], edges: Edges) -> tuple[tuple[str, ...], ...]:
    """The strongly connected components, what is read before its readers; names in and among components
    sorted where the edges leave it open."""
    edges = tuple(edges)
    if not edges:
        return tuple((name,) for name in sorted(set(nodes)))
    condensed = networkx.condensation(folded(nodes, edges))
    members = {c: tuple(sorted(names)) for c, names in condensed.nodes(data="members")}
    order = networkx.lexicographical_topological_sort(condensed, key=lambda c: members[c][0])
    return tuple(members[c] for c in order)


def cycle(nodes: Iterable[str], edges: Edges) -> tuple[str, ...]:
    """A shortest cycle, each name read by the next and the last by the first; it starts with its smallest
    name. Empty where there is none."""
    graph = folded(nodes, edges)
    best: tuple[str, ...] = ()
    for start in graph:
        paths = networkx.single_source_shortest_path(graph, start)
        for last in sorted(graph.predecessors(start)):
            found = tuple(paths.get(last, ()))
            if found and (not best or (len(found), found) < (len(best), best)):
                best = found
    return best


def unrolled(system: System, lengths: Mapping[str, int]) -> networkx.DiGraph:
    """The network unrolled over `lengths` positions of each axis.

    A node is (name, position) with attributes `role` and `shape`; an edge goes from what is read to its
    reader and counts the references it stands for in `reads`. Values that no equation defines are nodes where
    they are read.
    """
    positions = Positions(system, lengths)
    graph = networkx.DiGraph()
    for name in sorted(positions.equations):
        for position in positions.of(name):
            _add(graph, positions, name, position)
            equation = positions.equations[name]
            for access, place in positions.readings(equation, position):
                for source in positions.taps(access, place)[0]:
                    if source is None:
                        continue
                    _add(graph, positions, *source)
                    edge = (source, (name, position))
                    reads = graph.edges[edge]["reads"] if graph.has_edge(*edge) else 0
                    graph.add_edge(*edge, reads=reads + 1)
    return graph


def _add(graph: networkx.DiGraph, positions: Positions, name: str, position: tuple[int, ...]) -> None:
    value = positions.values[name]
    graph.add_node((name, position), role=value.role, shape=value.shape)


def order(graph: networkx.DiGraph) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The nodes of an unrolled graph, each after what it reads. Raises `networkx.NetworkXUnfeasible` on a
    cycle."""
    return tuple(networkx.lexicographical_topological_sort(graph))
