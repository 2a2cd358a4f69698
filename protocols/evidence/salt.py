"""Salts that hide a leaf from its neighbours' proofs, yet cost central 16 bytes a block.

epoch secret --HMAC(origin, block)--> block salt --HMAC(seq)--> leaf salt. Central gets block salts
with the batch; a proof shows one leaf salt, from which nobody gets to another. The origin is part
of it, so that a block salt disclosed in one log says nothing of the other log or epoch.
"""

import hmac

from protocols.evidence.leaf import SALT_BYTES, Origin

BLOCK = 1024
BLOCK_SALT_BYTES = 16


def block_salt(secret: bytes, origin: Origin, block: int) -> bytes:
    """Salt of leaves ``block * BLOCK`` to ``(block + 1) * BLOCK - 1`` of one log."""
    message = f"block-salt/v1\n{origin}\n{block}\n".encode("ascii")
    return hmac.digest(secret, message, "sha256")[:BLOCK_SALT_BYTES]


def leaf_salt(salt_of_block: bytes, seq: int) -> bytes:
    """Salt of one leaf: HMAC-SHA256(block salt, seq), the first 16 bytes."""
    message = f"leaf-salt/v1\n{seq}\n".encode("ascii")
    return hmac.digest(salt_of_block, message, "sha256")[:SALT_BYTES]


def salt_of(secret: bytes, origin: Origin, seq: int) -> bytes:
    """Leaf salt from the epoch secret at once, for the gateway that owns it."""
    return leaf_salt(block_salt(secret, origin, seq // BLOCK), seq)
