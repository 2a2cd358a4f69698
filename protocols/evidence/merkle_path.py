"""Inclusion paths: the hashes that lead from one leaf to the root (RFC 9162, section 2.1.3).

Whoever makes a path holds no whole tree: a frontier before a batch, the batch's own leaf hashes,
and subtree hashes where leaves are gone. Each is a node of a known range of leaves; the path is
folded out of them. Whoever checks a path needs nothing but the path.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from protocols.evidence.errors import Malformed, NotHeld
from protocols.evidence.merkle import HASH_BYTES, MAX_SIZE, Frontier, node_hash

MAX_PATH = 48  # hashes: a tree of MAX_SIZE leaves is no higher

Range = tuple[int, int]
"""Leaves ``first`` .. ``end`` - 1."""

Nodes = Mapping[Range, bytes]


def perfect_ranges(first: int, end: int) -> Iterator[Range]:
    """The perfect subtrees, left to right, that leaves ``first`` .. ``end`` - 1 consist of."""
    while first < end:
        width = 1 << ((end - first).bit_length() - 1)
        if first:
            width = min(width, first & -first)  # a subtree begins at a multiple of its width
        yield first, first + width
        first += width


def nodes_of(first: int, end: int, hashes: Sequence[bytes]) -> dict[Range, bytes]:
    """The nodes of a row of perfect subtrees over these leaves: of a frontier, or of a hole.

    Raises Malformed where there are more or fewer hashes than subtrees.
    """
    ranges = list(perfect_ranges(first, end))
    if len(ranges) != len(hashes):
        raise Malformed(f"leaves {first} to {end}: {len(hashes)} hashes, not {len(ranges)}")
    return dict(zip(ranges, hashes, strict=True))


def nodes_of_frontier(frontier: Frontier) -> dict[Range, bytes]:
    """The nodes that a frontier holds."""
    return nodes_of(0, frontier.size, frontier.hashes)


def leaf_nodes(hashes: Iterable[tuple[int, bytes]]) -> dict[Range, bytes]:
    """The nodes of single leaves, from (seq, leaf hash)."""
    return {(seq, seq + 1): hash_ for seq, hash_ in hashes}


def inclusion_path(index: int, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """The path of leaf ``index`` in the tree of ``size`` leaves, from its sibling upwards.

    Raises NotHeld where the nodes do not cover the rest of the tree.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise NotHeld(f"leaf {index} is not in a tree of {size} leaves")
    path: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append(_fold(middle, end, nodes))
            end = middle
        else:
            path.append(_fold(first, middle, nodes))
            first = middle
    return tuple(reversed(path))


def path_root(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that a path leads to from the hash ``leaf`` (RFC 9162, section 2.1.3.2).

    Raises Malformed where the path does not have just the hashes of such a leaf's path.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise Malformed(f"path: leaf {index} is not in a tree of {size} leaves")
    node, at, last = leaf, index, size - 1
    for sibling in path:
        if len(sibling) != HASH_BYTES:
            raise Malformed(f"path: a hash of {len(sibling)} bytes, not {HASH_BYTES}")
        if last == 0:
            raise Malformed("path: more hashes than the tree is high")
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:  # no right neighbour on these levels
                at >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        at >>= 1
        last >>= 1
    if last:
        raise Malformed("path: fewer hashes than the tree is high")
    return node


def _split(width: int) -> int:
    """The largest power of two below ``width`` (RFC 6962, section 2.1)."""
    return 1 << ((width - 1).bit_length() - 1)


def _fold(first: int, end: int, nodes: Nodes) -> bytes:
    """The hash of the subtree over these leaves; the depth is that of the tree, at most 48."""
    found = nodes.get((first, end))
    if found is not None:
        return found
    if end - first == 1:
        raise NotHeld(f"leaf {first}: neither it nor a subtree over it is held")
    middle = first + _split(end - first)
    return node_hash(_fold(first, middle, nodes), _fold(middle, end, nodes))
