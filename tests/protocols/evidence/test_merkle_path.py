"""Inclusion paths: the published vectors of Certificate Transparency, then properties."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence.errors import Malformed, NotHeld
from protocols.evidence.leaf import leaf_hash
from protocols.evidence.merkle import EMPTY
from protocols.evidence.merkle_path import (
    inclusion_path,
    leaf_nodes,
    nodes_of,
    nodes_of_frontier,
    path_root,
    perfect_ranges,
)

# certificate-transparency, merkletree tests: leaf 1-based there, 0-based here.
LEAVES = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
PATHS = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]


def hashes_of(count: int) -> list[bytes]:
    return [hashlib.sha256(bytes([n & 255, n >> 8])).digest() for n in range(count)]


@pytest.mark.parametrize(("index", "size", "path"), PATHS)
def test_published_paths(index: int, size: int, path: Sequence[str]) -> None:
    """The path is the published one, and leads to the tree's root."""
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
    found = inclusion_path(index, size, leaf_nodes(enumerate(hashes)))
    assert [hash_.hex() for hash_ in found] == path
    assert path_root(index, size, hashes[index], found) == EMPTY.extend(hashes[:size]).root()


@given(st.integers(1, 70), st.data())
def test_a_frontier_and_the_leaves_after_it_give_every_path(size: int, data: st.DataObject) -> None:
    """What central holds of a batch gives the same path as the whole tree does."""
    first = data.draw(st.integers(0, size - 1))
    index = data.draw(st.integers(first, size - 1))
    hashes = hashes_of(size)
    part = nodes_of_frontier(EMPTY.extend(hashes[:first]))
    part |= leaf_nodes(list(enumerate(hashes))[first:])
    path = inclusion_path(index, size, part)
    assert path == inclusion_path(index, size, leaf_nodes(enumerate(hashes)))
    assert path_root(index, size, hashes[index], path) == EMPTY.extend(hashes).root()


@given(st.integers(1, 40), st.data())
def test_subtrees_stand_for_the_leaves_of_a_hole(size: int, data: st.DataObject) -> None:
    """Leaves that are gone do not keep the others from being proven."""
    first = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(first + 1, size))
    hashes = hashes_of(size)
    gone = [EMPTY.extend(hashes[start:stop]).root() for start, stop in perfect_ranges(first, end)]
    nodes = nodes_of(first, end, gone)
    nodes |= leaf_nodes(pair for pair in enumerate(hashes) if not first <= pair[0] < end)
    for index in {*range(first), *range(end, size)}:
        path = inclusion_path(index, size, nodes)
        assert path_root(index, size, hashes[index], path) == EMPTY.extend(hashes).root()


@given(st.integers(2, 70), st.data())
def test_a_path_of_another_length_or_place_is_refused(size: int, data: st.DataObject) -> None:
    """A hash more or less is Malformed; another index or leaf leads to another root."""
    hashes = hashes_of(size)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(index, size, leaf_nodes(enumerate(hashes)))
    root = EMPTY.extend(hashes).root()
    for wrong in (path[:-1], (*path, hashes[0]), (*path[:-1], path[-1][:31])):
        with pytest.raises(Malformed):
            path_root(index, size, hashes[index], wrong)
    for other in {*range(size)} - {index}:
        try:
            assert path_root(other, size, hashes[index], path) != root
        except Malformed:  # the other's path has another length
            continue
    for at in range(len(path)):
        changed = (*path[:at], hashlib.sha256(path[at]).digest(), *path[at + 1 :])
        assert path_root(index, size, hashes[index], changed) != root


def test_what_is_not_held_gives_no_path() -> None:
    """A leaf outside the tree, a missing node, and hashes that are no row of subtrees are named."""
    hashes = hashes_of(8)
    with pytest.raises(NotHeld):
        inclusion_path(8, 8, leaf_nodes(enumerate(hashes)))
    with pytest.raises(NotHeld, match="leaf 3"):
        inclusion_path(7, 8, leaf_nodes(pair for pair in enumerate(hashes) if pair[0] != 3))
    with pytest.raises(Malformed):
        nodes_of(0, 7, hashes[:2])
    with pytest.raises(Malformed):
        path_root(8, 8, hashes[0], ())
