"""Where a leaf's rows go: inside the transaction that moves the cursor."""

from typing import NamedTuple

from sqlalchemy import Connection

from protocols.evidence.leaf import Leaf, Origin


class LeafAt(NamedTuple):
    """The place of a billing leaf in the order of a gateway's log."""

    epoch: int
    seq: int


class Place(NamedTuple):
    """One log in one transaction; `received_ms` is when the batch came."""

    conn: Connection
    origin: Origin
    received_ms: int

    def key(self, leaf: Leaf) -> dict[str, str | int]:
        """The columns that identify a leaf."""
        return {"gateway": self.origin.gateway, "epoch": self.origin.epoch, "seq": leaf.seq}
