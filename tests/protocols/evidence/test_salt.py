"""Salts: bound to secret, log, epoch, block and seq."""

import hmac

from protocols.evidence.leaf import Log, Origin
from protocols.evidence.salt import BLOCK, block_salt, leaf_salt, salt_of
from tests.protocols.evidence.samples import BILLING, SECRET, TELEMETRY


def test_the_construction_is_the_documented_one() -> None:
    """Block salt and leaf salt are HMAC-SHA256 of the documented texts, cut to 16 bytes."""
    message = b"block-salt/v1\ngas-evidence/gw-1/telemetry/0\n2\n"
    block = hmac.new(SECRET, message, "sha256").digest()[:16]
    assert block_salt(SECRET, TELEMETRY, 2) == block
    leaf = hmac.new(block, b"leaf-salt/v1\n2049\n", "sha256").digest()[:16]
    assert leaf_salt(block, 2049) == leaf
    assert salt_of(SECRET, TELEMETRY, 2049) == leaf


def test_whatever_differs_gives_another_salt() -> None:
    """Secret, log, epoch, gateway, block and seq each change the salt."""
    salts = {
        salt_of(SECRET, TELEMETRY, 5),
        salt_of(bytes(32), TELEMETRY, 5),
        salt_of(SECRET, BILLING, 5),
        salt_of(SECRET, Origin("gw-1", Log.TELEMETRY, 1), 5),
        salt_of(SECRET, Origin("gw-2", Log.TELEMETRY, 0), 5),
        salt_of(SECRET, TELEMETRY, 6),
        salt_of(SECRET, TELEMETRY, 5 + BLOCK),
    }
    assert len(salts) == 7
