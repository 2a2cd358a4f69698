"""A gateway's checkpoint in the daily checkpoint over all gateways: the folder, and its words.

fleet.tlog-proof      the proof, with the signed head of the day
checkpoint.txt        the gateway's checkpoint with the receipt: the leaf of that tree
keys.txt              the published keys
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from edge_agent.language import Words
from edge_agent.terminal import labelled, utc
from edge_agent.verify.proof_lines import bullet, publisher_lines
from protocols.audit.proof_folder import KEYS_FILE
from protocols.evidence.errors import Malformed
from protocols.evidence.fleet import FleetHead, check_fleet_proof
from protocols.evidence.proof import decode_proof
from protocols.evidence.published import PublishedKeys, Stored, check_stored, open_keys

PROOF_FILE: Final = "fleet.tlog-proof"
LEAF_FILE: Final = "checkpoint.txt"
FILES: Final = frozenset({PROOF_FILE, LEAF_FILE, KEYS_FILE})


class FleetReport(NamedTuple):
    """A day's head, and the checkpoint that is proven to be in it."""

    keys: PublishedKeys
    head: FleetHead
    stored: Stored


def check_fleet(files: Mapping[str, bytes]) -> FleetReport:
    """Verify the folder; raise Malformed or BadSignature."""
    for name in sorted(FILES):
        if name not in files:
            raise Malformed(f"{name}: not there")
    keys = open_keys(files[KEYS_FILE])
    leaf = files[LEAF_FILE]
    head = check_fleet_proof(leaf, decode_proof(files[PROOF_FILE]), keys.publisher)
    return FleetReport(keys, head, check_stored(leaf, keys))


def fleet_lines(report: FleetReport, pinned: bool, words: Words) -> Iterator[str]:
    """All lines, at most 80 columns each."""
    size, checkpoint = report.head.head.size, report.stored.checkpoint
    title = words("f.title", day=report.head.day, size=size)
    yield words("title", state=words("proven"), what=title)
    yield ""
    yield from labelled(words("f.signed"), utc(1000 * report.head.time_s))
    yield from labelled(words("f.in_it"), f"{checkpoint.origin}")
    yield ""
    yield words("what_was")
    yield from bullet(words("f.p.head"))
    state = {"origin": checkpoint.origin, "size": checkpoint.size}
    received = utc(1000 * report.stored.received_s)
    yield from bullet(words("f.p.in", time=received, **state))
    yield ""
    yield words("what_was_not")
    yield from bullet(words("f.n.later"))
    if not pinned:
        yield from bullet(words("n.publisher"))
    yield ""
    yield words("keys")
    yield from publisher_lines(report.keys.publisher, pinned, words)
