"""A proof as it is handed out: a leaf, what explains it, a proof of each, the published keys.

    leaf.cbor, proof.tlog-proof                     the record that was asked for
    configuration.cbor, configuration.tlog-proof    of the run, for an interval
    map.cbor, map.tlog-proof                        the register map of the scan, or of the meter
    keys.txt                                        the published keys

So units and scaling are proven like the figures themselves.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

from protocols.audit.bodies import config_of, interval_of, map_of
from protocols.audit.figures import Explanation, Figure, figures_of
from protocols.evidence.errors import EvidenceError, Malformed
from protocols.evidence.leaf import Kind, Leaf
from protocols.evidence.proven_leaf import ProvenLeaf, check_leaf
from protocols.evidence.published import PublishedKeys, open_keys

LEAF: Final = "leaf"
CONFIGURATION: Final = "configuration"
MAP: Final = "map"
KEYS_FILE: Final = "keys.txt"
PARTS: Final = (LEAF, CONFIGURATION, MAP)


def pair(part: str) -> tuple[str, str]:
    """The names of a part's two files: the leaf's bytes, and their proof."""
    return f"{part}.cbor", f"{'proof' if part == LEAF else part}.tlog-proof"


FILES: Final = frozenset({name for part in PARTS for name in pair(part)} | {KEYS_FILE})


@contextmanager
def in_file(name: str) -> Iterator[None]:
    """An EvidenceError is raised again with the file's name before it."""
    try:
        yield
    except EvidenceError as error:
        raise type(error)(f"{name}: {error}") from error


class ProofReport(NamedTuple):
    """What a folder proves: the leaf with its figures, and by which leaves these are read."""

    keys: PublishedKeys
    proven: ProvenLeaf
    explanation: Explanation
    explained_by: tuple[ProvenLeaf, ...]
    figures: tuple[Figure, ...]

    @property
    def leaf(self) -> Leaf:
        return self.proven.leaf

    @property
    def instrument(self) -> str:
        """Serial of the device that the figures come from, "" where the leaf is of none."""
        if self.leaf.kind is Kind.INTERVAL and self.explanation.config is not None:
            return self.explanation.config.meter_serial
        return self.leaf.subject if self.leaf.kind in (Kind.SCAN, Kind.ARCHIVE) else ""


def check_proof(files: Mapping[str, bytes]) -> ProofReport:
    """Verify everything in the folder; raise EvidenceError, or ValueError for bodies.

    That the publisher of the keys is the one to be believed is for the caller to compare.
    """
    note = _file(files, KEYS_FILE)
    with in_file(KEYS_FILE):
        keys = open_keys(note)
    proven = _proven(files, LEAF, keys)
    others = {
        part: _proven(files, part, keys) for part in (CONFIGURATION, MAP) if _has(files, part)
    }
    explanation = _explain(proven.leaf, {part: one.leaf for part, one in others.items()})
    figures = figures_of(proven.leaf, explanation)
    return ProofReport(keys, proven, explanation, tuple(others.values()), figures)


def _explain(leaf: Leaf, others: Mapping[str, Leaf]) -> Explanation:
    """The configuration and the map that the leaf names; Malformed for any other.

    That all are of one gateway, the published keys say, which are one gateway's.
    """
    config = register_map = None
    if CONFIGURATION in others:
        config = config_of(others[CONFIGURATION])
        if leaf.kind is not Kind.INTERVAL or config.hash() != interval_of(leaf).config_hash:
            raise Malformed("configuration: not the one that the leaf names")
    if MAP in others:
        other = others[MAP]
        register_map = map_of(other)
        named = leaf.kind is Kind.SCAN and other.reference == leaf.reference
        of_meter = config is not None and other.subject == config.meter_serial
        if not named and not of_meter:
            raise Malformed("register map: not the one that the leaf or its configuration names")
    return Explanation(config, register_map)


def _proven(files: Mapping[str, bytes], part: str, keys: PublishedKeys) -> ProvenLeaf:
    data, proof = (_file(files, name) for name in pair(part))
    with in_file(" with ".join(pair(part))):
        return check_leaf(data, proof, keys)


def _has(files: Mapping[str, bytes], part: str) -> bool:
    """Half of a pair counts: then the other half is missed by name."""
    return any(name in files for name in pair(part))


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise Malformed(f"{name}: not there")
    return files[name]
