"""The strongly connected components of a small graph (Tarjan, 1972)."""

from __future__ import annotations

from collections.abc import Sequence


def blocks(keys: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """A number for every key; two keys share it exactly where each reaches the other."""
    after: dict[str, list[str]] = {k: [] for k in keys}
    for a, b in edges:
        after[a].append(b)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    block: dict[str, int] = {}
    path: list[str] = []
    count = 0
    for root in keys:
        if root in index:
            continue
        work = [(root, iter(after[root]))]
        index[root] = low[root] = len(index)
        path.append(root)
        while work:
            key, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    path.append(other)
                    work.append((other, iter(after[other])))
                    break
                if other not in block:
                    low[key] = min(low[key], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[key])
                if low[key] == index[key]:
                    while key not in block:
                        block[path.pop()] = count
                    count += 1
    return block
