"""Stored uploads are judged by the rules that central took them by, and need their receipt."""

import pytest

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.log_audit import check_upload
from protocols.evidence.merkle import EMPTY
from protocols.evidence.note import Signer, cosign
from protocols.evidence.upload import encode_upload, seal
from tests.protocols.evidence.published_samples import KEYS, TIME_S
from tests.protocols.evidence.samples import (
    BILLING,
    CENTRAL,
    GATEWAY,
    SECRET,
    STRANGER,
    TELEMETRY,
    scan_leaves,
)

LEAVES = scan_leaves(rounds=4)
FIRST = seal(TELEMETRY, EMPTY, LEAVES[:20], SECRET, GATEWAY)
SECOND = seal(TELEMETRY, FIRST.frontier, LEAVES[20:], SECRET, GATEWAY)


def receipt(sealed, signer: Signer = CENTRAL) -> bytes:  # type: ignore[no-untyped-def]
    return cosign(sealed.upload.checkpoint, signer, TIME_S)


def test_uploads_follow_each_other() -> None:
    """Each gives its leaves, the frontier after it, and who signed and receipted it."""
    one = check_upload(TELEMETRY, EMPTY, encode_upload(FIRST.upload), receipt(FIRST), KEYS)
    two = check_upload(TELEMETRY, one.frontier, encode_upload(SECOND.upload), receipt(SECOND), KEYS)
    assert [*one.leaves, *two.leaves] == LEAVES
    assert two.frontier == SECOND.frontier
    assert two.stored.received_s == TIME_S


def test_what_does_not_follow_is_refused() -> None:
    """A gap, another log, another's signature, another's receipt, one changed byte."""
    data, its = encode_upload(SECOND.upload), receipt(SECOND)
    with pytest.raises(Malformed, match="0 to 20 are not in the export"):
        check_upload(TELEMETRY, EMPTY, data, its, KEYS)
    with pytest.raises(Malformed, match="not of gas-evidence/gw-1/billing/0"):
        check_upload(BILLING, FIRST.frontier, data, its, KEYS)
    with pytest.raises((Malformed, BadSignature)):
        check_upload(TELEMETRY, FIRST.frontier, data, receipt(FIRST), KEYS)
    with pytest.raises(BadSignature):
        check_upload(TELEMETRY, FIRST.frontier, data, receipt(SECOND, _receipts()), KEYS)
    forged = seal(TELEMETRY, FIRST.frontier, LEAVES[20:], SECRET, STRANGER)
    with pytest.raises(BadSignature):
        check_upload(TELEMETRY, FIRST.frontier, encode_upload(forged.upload), its, KEYS)
    other = SECOND.upload._replace(payload=FIRST.upload.payload)
    with pytest.raises(Malformed, match="SHA-256"):
        check_upload(TELEMETRY, FIRST.frontier, encode_upload(other), its, KEYS)


def _receipts() -> Signer:
    return Signer.from_private_bytes("central", bytes(32), CENTRAL.verifier.key_type)
