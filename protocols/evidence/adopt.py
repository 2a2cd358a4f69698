"""Adoption: central was restored from an older backup, and the gateway no longer holds the range.

The gateway then sends its last receipt and the frontier under it. Central verifies its own
signature, and goes on from there with a hole that it names: the leaves are lost at central, that
they existed is proven. Deterministic CBOR:
[version 1, origin, size, frontier, checkpoint, receipt].
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from protocols.evidence import cbor
from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.leaf import HASH_BYTES, Origin, parse_origin
from protocols.evidence.merkle import MAX_SIZE, Frontier
from protocols.evidence.note import MAX_NOTE_BYTES, Verifier, open_checkpoint
from protocols.evidence.upload import Equivocation, Head, Receipt, Refused

VERSION: Final = 1
PATH: Final = "/v1/adopt"
MAX_ADOPTION_BYTES: Final = 2 * MAX_NOTE_BYTES + HASH_BYTES * MAX_SIZE.bit_length() + 256
_MAX_ITEMS: Final = 7


class Adoption(NamedTuple):
    """The end of the receipted log as the gateway knows it."""

    origin: Origin
    frontier: Frontier
    checkpoint: bytes
    receipt: bytes


class Adopted(NamedTuple):
    """Move the head to `head`; the leaves from `first` to its size are lost at central."""

    head: Head
    first: int
    receipt: Receipt


def encode_adoption(adoption: Adoption) -> bytes:
    """Gateway: the body to POST."""
    frontier = adoption.frontier
    return cbor.encode(
        (VERSION, str(adoption.origin), frontier.size, frontier.to_bytes(), *adoption[2:])
    )


def decode_adoption(data: bytes) -> Adoption:
    """Central: read it strictly; nothing of it is verified yet. Raises Malformed."""
    match cbor.decode(data, "adoption", MAX_ADOPTION_BYTES, _MAX_ITEMS):
        case (1, str(origin), int(size), bytes(hashes), bytes(checkpoint), bytes(receipt)):
            frontier = Frontier.from_bytes(size, hashes)
            return Adoption(parse_origin(origin), frontier, checkpoint, receipt)
        case _:
            raise Malformed("adoption: not the six fields of version 1")


def adopt(
    head: Head,
    adoption: Adoption,
    verifier: Verifier,
    check: Callable[[bytes, bytes], Receipt],
) -> Adopted | Refused | Equivocation:
    """Central: judge an adoption against its head; nothing is stored here.

    `verifier` is the gateway's for that size. `check` takes checkpoint and receipt and verifies
    that the receipt is central's own, by any key that it ever gave receipts with; it raises
    Malformed or BadSignature.
    """
    try:
        claimed = open_checkpoint(adoption.checkpoint, verifier)
        receipt = check(adoption.checkpoint, adoption.receipt)
    except BadSignature as error:
        return Refused("signature", str(error), "send the receipt that central gave")
    except Malformed as error:
        return Refused("content", str(error), "send checkpoint and receipt as they were given")
    frontier = adoption.frontier
    if claimed[:2] != (adoption.origin, frontier.size) or claimed.root != frontier.root():
        reason = f"the checkpoint is of {claimed.origin} at {claimed.size}, or of another tree"
        return Refused("content", reason, "send the frontier that the checkpoint was made of")
    first = head.frontier.size
    if frontier.size <= first:
        reason = f"central holds {first} leaves of {claimed.origin}, not fewer than {frontier.size}"
        return Refused("content", reason, "upload from where central ends")
    if first and not _may_grow(head.frontier, frontier):
        return Equivocation(head.checkpoint, adoption.checkpoint)
    return Adopted(Head(frontier, adoption.checkpoint, adoption.receipt), first, receipt)


def _may_grow(small: Frontier, large: Frontier) -> bool:
    """The perfect subtrees that both trees have must be the same: what can be seen without leaves.

    A tree of n leaves has, from the left, a subtree for each bit of n; two trees share those of the
    leading bits in which both sizes, written equally long, agree.
    """
    shared = (large.size >> (small.size ^ large.size).bit_length()).bit_count()
    return small.hashes[:shared] == large.hashes[:shared]
