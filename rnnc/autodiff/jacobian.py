"""The derivative of one value by everything one step of a network computes it from, with its structure.

For a value s and every leaf v (a parameter, a given value): d s<r> / d v<c> as a sum of blocks. A block's label for a
dimension of v is one of v's own, or one of s's: then it is zero off that diagonal and holds nothing there. So an
elementwise chain keeps a vector, `W @ v` behind it a row-scaled W, and a weight of it the outer product of two vectors.

Reverse accumulation from s, one pass whatever the number of leaves (Griewank and Walther 2008, chapter 3).
"""

from __future__ import annotations

from dataclasses import replace

from rnnc.autodiff.blocks import Block, Blocks, columns_of, rows_of
from rnnc.autodiff.passing import passes
from rnnc.ops.formula import UNIT, Operand, plus, substitute
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Contract, Pointwise, Products, Term


class Jacobian:
    """The blocks of one `root` while they are made; `extension` gets the values they read."""

    def __init__(
        self,
        extension: Extension,
        root: str,
        leaves: frozenset[str],
        active: frozenset[str],
        straight: bool = False,
    ) -> None:
        self.x = extension
        self.straight = straight
        self.root = root
        self.leaves = leaves
        self.active = active
        self.shape = extension.values[root].shape
        self.rows = rows_of(self.shape)
        self.found: dict[str, list[Block]] = {root: [Block(self.rows, UNIT, ())]}

    def run(self) -> Blocks:
        """The blocks of every leaf that the root depends on, leaves sorted by name."""
        for name in self._order():
            equation = self.x.equations[name]
            for block in self.found.pop(name, ()):
                for leaf, made in passes(self, equation, block):
                    self._collect(leaf, made)
        return {name: tuple(blocks) for name, blocks in sorted(self.found.items())}

    def _order(self) -> tuple[str, ...]:
        """What lies between the root and the leaves, readers before what they read."""
        order: list[str] = []
        seen: set[str] = set()
        waiting: list[tuple[str, bool]] = [(self.root, False)]
        while waiting:
            name, done = waiting.pop()
            if done:
                order.append(name)
            elif name not in seen and self.inside(name):
                seen.add(name)
                waiting.append((name, True))
                waiting.extend((r.name, False) for r in self.x.equations[name].reads)
        return tuple(reversed(order))

    def inside(self, name: str) -> bool:
        return name in self.active and name not in self.leaves and name in self.x.equations

    def reached(self, name: str) -> bool:
        """Whether a derivative by `name` is asked for."""
        return name in self.leaves or self.inside(name)

    def _collect(self, name: str, block: Block) -> None:
        """Blocks of one form are one block; those of a parameter stay as they are."""
        known = self.found.setdefault(name, [])
        for k, other in enumerate(known):
            alike = (other.columns, other.table) == (block.columns, block.table)
            if alike and not other.factors and not block.factors:
                known[k] = self._added(other, block)
                return
        known.append(block)

    def _added(self, a: Block, b: Block) -> Block:
        reads = [*a.reads, *(r for r in b.reads if r not in a.reads)]
        moved = substitute(b.formula, {k: Operand(reads.index(r)) for k, r in enumerate(b.reads)})
        return replace(a, formula=plus(a.formula, moved), reads=tuple(reads))

    # ---- coefficients as values

    def coefficient(self, block: Block, of: str) -> tuple[Access, ...]:
        """The block's formula as one value (none where it is 1), read at the labels it has."""
        if block.formula == UNIT:
            return ()
        if block.formula == Operand(0):
            return block.reads
        sizes = self.x.sizes(block.reads)
        labels = tuple(d for d in (*self.rows, *block.columns) if d in sizes)
        labels = tuple(dict.fromkeys(labels))
        shape = tuple(sizes[d] for d in labels)
        base = f"d({self.root})/d({of})"
        if not block.reads:
            name = self.x.add(base, (), False, (), Pointwise(block.formula), (), ())
        else:
            name = self.x.make(base, shape, Pointwise(block.formula), block.reads, labels)
        return (self.x.here(name, labels),)

    def laid(self, block: Block, of: str) -> Access:
        """The whole block as a value whose dimensions are first those of `of`, then the rows."""
        shape = self.x.values[of].shape
        reads = (*self.coefficient(block, of), *block.factors)
        own = columns_of(shape)
        op = Products((Term(len(reads), (*block.columns, *self.rows)),))
        dims = (*own, *self.rows)
        base = f"d({self.root})/d({of})"
        name = self.x.make(base, (*shape, *self.shape), op, reads, dims)
        return self.x.here(name, dims)

    def summed(self, reads: tuple[Access, ...], labels: tuple[str, ...], of: str) -> Access:
        """The product of `reads` at `labels`, summed over all others."""
        sizes = self.x.sizes(reads)
        kept = tuple(d for d in labels if d in sizes)
        name = self.x.make(f"d({self.root})/d({of})", tuple(sizes[d] for d in kept), Contract(), reads, kept)
        return self.x.here(name, kept)


def jacobian(
    extension: Extension, root: str, leaves: frozenset[str], active: frozenset[str], straight: bool = False
) -> Blocks:
    """d(root)/d(leaf) for every one of `leaves` it depends on, through values in `active`; sorted by name. `straight`:
    only along what is read linearly."""
    return Jacobian(extension, root, leaves, active, straight).run()
