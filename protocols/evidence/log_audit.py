"""A log as it was stored, upload by upload: judged by the very rules that central took it by."""

from typing import NamedTuple

from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import Leaf, Origin
from protocols.evidence.merkle import Frontier, Hole
from protocols.evidence.published import PublishedKeys, Stored, check_stored, with_receipt
from protocols.evidence.upload import Accepted, Head, accept, decode_upload


class Checked(NamedTuple):
    """One upload that extends the log: what it holds, and the log's frontier after it."""

    frontier: Frontier
    leaves: list[Leaf]
    holes: tuple[Hole, ...]
    stored: Stored


def check_upload(
    origin: Origin, frontier: Frontier, data: bytes, receipt: bytes, keys: PublishedKeys
) -> Checked:
    """Judge a stored upload that must extend ``frontier``; raise Malformed or BadSignature.

    Bytes, root, the gateway's signature and central's receipt; each key in force at its time.
    """
    upload = decode_upload(data)
    if upload.origin != origin:
        raise Malformed(f"an upload of {upload.origin}, not of {origin}")
    stored = check_stored(with_receipt(upload.checkpoint, receipt), keys)
    outcome = accept(Head(frontier, b"", b""), upload, stored.log_key, None)
    if isinstance(outcome, Accepted):
        return Checked(outcome.frontier, outcome.leaves, outcome.holes, stored)
    if upload.first != frontier.size:
        raise Malformed(f"leaves {frontier.size} to {upload.first} are not in the export")
    raise Malformed(getattr(outcome, "reason", f"{type(outcome).__name__}"))
