"""The daily checkpoint over all gateways: one tree whose leaves are their newest checkpoints.

Whoever keeps one such head, or reads it in a newspaper, can tell later that no log of any gateway
was made anew. A leaf is the note itself: checkpoint, gateway's signature, central's receipt. Leaves
stand in the order of their origins. Each day is a log of its own, `gas-fleet/<central>/<date>`, so
that a head contradicts no other. The head has two signature lines: Ed25519 (0x01), and ML-DSA-44
(0x06) because what is published for decades must outlast elliptic curves.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import Origin, leaf_hash
from protocols.evidence.merkle import EMPTY
from protocols.evidence.merkle_path import inclusion_path, leaf_nodes
from protocols.evidence.mldsa import MlDsaSigner
from protocols.evidence.note import Signer, unverified_checkpoint
from protocols.evidence.proof import Proof, check_path
from protocols.evidence.published import Publisher
from protocols.evidence.tree_head import (
    TreeHead,
    read_signature,
    read_tree_head,
    signature_line,
    split_signed,
    tree_head_text,
)

MAX_FLEET: Final = 1 << 20  # logs in one day's tree
_SIGNATURE_BYTES: Final = 64
_ORIGIN: Final = re.compile(r"gas-fleet/[!-*,-~]{1,128}/[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)


class FleetHead(NamedTuple):
    """A day's head, and when it was signed, in s since 1970."""

    head: TreeHead
    time_s: int

    @property
    def day(self) -> str:
        return self.head.origin.rpartition("/")[2]


def fleet_origin(central: str, day: str) -> str:
    """The origin of a day's tree; ``day`` as YYYY-MM-DD. Raises Malformed."""
    origin = f"gas-fleet/{central}/{day}"
    if not _ORIGIN.match(origin):
        raise Malformed(f"fleet checkpoint: bad origin {origin[:200]!r}")
    return origin


def in_order(notes: Sequence[bytes]) -> tuple[bytes, ...]:
    """The notes by their origins; raise Malformed where two are of one log, or there are none."""
    found: dict[Origin, bytes] = {}
    for note in notes:
        origin = leaf_origin(note)
        if origin in found:
            raise Malformed(f"fleet checkpoint: {origin} twice")
        found[origin] = note
    if not 1 <= len(found) <= MAX_FLEET:
        raise Malformed(f"fleet checkpoint: {len(found)} logs, not 1..{MAX_FLEET}")
    return tuple(found[origin] for origin in sorted(found, key=str))


def leaf_origin(note: bytes) -> Origin:
    """Whose checkpoint a leaf of the fleet's tree is; no signature is looked at."""
    text, (own, _) = split_signed(note, 2)
    return unverified_checkpoint(text + b"\n" + own).origin


def fleet_tree(origin: str, notes: Sequence[bytes]) -> TreeHead:
    """The head over notes in their order."""
    tree = EMPTY.extend(map(leaf_hash, notes))
    return TreeHead(origin, tree.size, tree.root())


def sign_fleet(head: TreeHead, signer: Signer, fleet: MlDsaSigner, time_s: int) -> bytes:
    """Central: return the signed note of a day's head."""
    text = tree_head_text(head)
    own = signature_line(signer.name, signer.verifier.key_id, signer.sign(text))
    return text + b"\n" + own + fleet.cosign(head, time_s)


def open_fleet(note: bytes, publisher: Publisher) -> FleetHead:
    """Verify both signatures of a day's head; raise Malformed or BadSignature."""
    text, (own, cosigned) = split_signed(note, 2)
    head = read_tree_head(text)
    if not _ORIGIN.match(head.origin):
        raise Malformed(f"fleet checkpoint: bad origin {head.origin[:200]!r}")
    verifier = publisher.verifier
    verifier.verify(text, read_signature(own, verifier.name, verifier.key_id, _SIGNATURE_BYTES))
    return FleetHead(head, publisher.fleet.verify(head, cosigned))


def fleet_proof(note: bytes, notes: Sequence[bytes], origin: Origin) -> Proof:
    """Prove that a log's checkpoint is one of the ``notes`` under the head; or raise Malformed."""
    for at, leaf in enumerate(notes):
        if leaf_origin(leaf) == origin:
            nodes = leaf_nodes(enumerate(map(leaf_hash, notes)))
            return Proof(at, inclusion_path(at, len(notes), nodes), note)
    raise Malformed(f"fleet checkpoint: no checkpoint of {origin} is in it")


def check_fleet_proof(leaf: bytes, proof: Proof, publisher: Publisher) -> FleetHead:
    """Verify that a checkpoint note is in a day's tree; raise Malformed or BadSignature."""
    check_path(proof, leaf_hash(leaf), 2)
    return open_fleet(proof.checkpoint, publisher)
