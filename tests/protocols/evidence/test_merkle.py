"""The tree of RFC 6962: the vectors of Certificate Transparency's own tests, then properties."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import leaf_hash
from protocols.evidence.merkle import EMPTY, Frontier, Hole, hole_of, join, node_hash

# certificate-transparency, merkletree tests: eight leaves, and the root of the first 0 to 8.
LEAVES = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _definition(hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    left, right = _definition(hashes[:split]), _definition(hashes[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    """The root over the first leaves is the one published for that size."""
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:size]]
    assert EMPTY.extend(hashes).root().hex() == ROOTS[size]


@given(st.integers(0, 300), st.integers(0, 300))
def test_root_is_that_of_the_definition_however_it_was_grown(size: int, cut: int) -> None:
    """Growing by any pieces gives the root of the recursive definition."""
    hashes = [hashlib.sha256(bytes([n & 255, n >> 8])).digest() for n in range(size)]
    frontier = EMPTY.extend(hashes[:cut]).extend(hashes[cut:])
    assert frontier.size == size
    assert frontier.root() == _definition(hashes)
    assert len(frontier.hashes) == size.bit_count()
    one_by_one = EMPTY
    for leaf in hashes:
        one_by_one = one_by_one.append(leaf)
    assert one_by_one == frontier


@given(st.integers(0, 200))
def test_stored_bytes_give_the_same_frontier(size: int) -> None:
    """A frontier survives being stored as size and bytes."""
    frontier = EMPTY.extend(hashlib.sha256(bytes([n])).digest() for n in range(size))
    assert Frontier.from_bytes(size, frontier.to_bytes()) == frontier


@pytest.mark.parametrize(("size", "count"), [(1, 0), (0, 1), (3, 1), (4, 2), (-1, 0), (1 << 49, 1)])
def test_bytes_of_another_size_are_refused(size: int, count: int) -> None:
    """Hashes that cannot belong to a tree of that size are Malformed."""
    with pytest.raises(Malformed, match="frontier"):
        Frontier.from_bytes(size, bytes(32 * count))


def test_leaf_and_node_are_told_apart() -> None:
    """A leaf whose bytes are two hashes is not their parent node."""
    left, right = bytes(32), bytes([1]) * 32
    assert leaf_hash(left + right) != node_hash(left, right)


def _leaves(size: int) -> list[bytes]:
    return [hashlib.sha256(bytes([n & 255, n >> 8])).digest() for n in range(size)]


@given(st.integers(0, 260), st.integers(0, 260), st.integers(0, 40))
def test_a_hole_stands_for_its_leaves(first: int, length: int, more: int) -> None:
    """A tree with a hole has the root of the tree without, however it grows on."""
    leaves = _leaves(first + length + 1 + more)
    end = first + length + 1
    hole = hole_of(first, leaves[first:end])
    assert len(hole.hashes) <= max(1, 2 * (end - first).bit_length())
    grown = EMPTY.extend(leaves[:first]).extend_hole(hole).extend(leaves[end:])
    assert grown == EMPTY.extend(leaves)


@given(st.integers(0, 200), st.integers(1, 200), st.integers(1, 200))
def test_neighbouring_holes_are_one(first: int, left: int, right: int) -> None:
    """Joined, in whatever pieces it grew, a hole has the hashes of the whole range."""
    leaves = _leaves(first + left + right)
    middle = first + left
    joined = join(hole_of(first, leaves[first:middle]), hole_of(middle, leaves[middle:]))
    assert joined == hole_of(first, leaves[first:])
    assert Hole.from_bytes(first, joined.end, joined.to_bytes()) == joined
    one_by_one = hole_of(first, leaves[first : first + 1])
    for at in range(first + 1, len(leaves)):
        one_by_one = join(one_by_one, hole_of(at, leaves[at : at + 1]))
    assert one_by_one == joined


@pytest.mark.parametrize(
    "hole",
    [
        Hole(0, 0, ()),
        Hole(3, 2, (bytes(32),)),
        Hole(-1, 2, (bytes(32),)),
        Hole(0, 2, (bytes(32), bytes(32))),
        Hole(1, 3, (bytes(32),)),
        Hole(0, 1, (bytes(31),)),
        Hole(0, (1 << 48) + 1, (bytes(32),) * 2),
    ],
)
def test_a_hole_with_other_hashes_than_its_range_needs_is_refused(hole: Hole) -> None:
    """There is one split of a range; anything else is Malformed, before it is used."""
    with pytest.raises(Malformed, match="hole"):
        hole.check()


def test_a_hole_must_follow() -> None:
    """A hole beside the end of the tree, or two that are no neighbours, are Malformed."""
    hole = hole_of(4, _leaves(2))
    with pytest.raises(Malformed, match="hole: begins at leaf 4, the tree ends at 3"):
        EMPTY.extend(_leaves(3)).extend_hole(hole)
    with pytest.raises(Malformed, match="no neighbours"):
        join(hole, hole)
