"""What an export says of itself: read back as written, and every bit under the signature."""

import pytest

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.export_text import MAX_PARTS, Export, Part, open_export, sign_export
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.merkle import EMPTY
from tests.protocols.evidence.published_samples import PUBLISHER, TIME_S
from tests.protocols.evidence.samples import BILLING, GATEWAY, TELEMETRY

FRONTIER = EMPTY.extend([bytes([at]) * 32 for at in range(5)])
EXPORT = Export(
    "gw-1", 0, 1_700_000_000_000, TIME_S, 3, 2,
    (Part(BILLING, EMPTY, 40, 4), Part(TELEMETRY, FRONTIER, 400, 7)),
)  # fmt: skip
NOTE = sign_export(EXPORT, PUBLISHER)


def test_it_is_read_back() -> None:
    """All fields, the frontiers too; parts name their files."""
    assert open_export(NOTE, PUBLISHER.verifier) == EXPORT
    assert [part.name for part in EXPORT.parts] == ["billing-0-0", "telemetry-0-5"]


def test_no_changed_bit_is_read() -> None:
    """One bit of each byte."""
    for at in range(len(NOTE)):
        changed = bytearray(NOTE)
        changed[at] ^= 1 << at % 7
        with pytest.raises((Malformed, BadSignature)):
            open_export(bytes(changed), PUBLISHER.verifier)


def test_another_signer_is_refused() -> None:
    """Only the publisher's word counts."""
    with pytest.raises(BadSignature):
        open_export(NOTE, GATEWAY.verifier)


@pytest.mark.parametrize(
    "changes",
    [
        {"parts": EXPORT.parts * (MAX_PARTS // 2 + 1)},
        {"explained": 5000},
        {"daily": 5000},
        {"parts": (Part(BILLING, FRONTIER, 5, 1),)},
        {"parts": (Part(BILLING, EMPTY, 5, 0),)},
        {"parts": (Part(Origin("gw-2", Log.BILLING, 0), EMPTY, 5, 1),)},
    ],
)
def test_what_cannot_be_is_not_signed(changes: dict[str, object]) -> None:
    """Too many parts or leaves, a part without leaves or uploads, another gateway's log."""
    with pytest.raises((Malformed, BadSignature)):
        sign_export(EXPORT._replace(**changes), PUBLISHER)  # type: ignore[arg-type]
