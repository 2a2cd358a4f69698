"""Receipt keys at the gateway: what follows from the pinned key by signatures, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.keys.key_files import StateFiles
from edge_agent.keys.receipt_keys import FILE_NAME, RETRY_S, ReceiptKeys, keys_for
from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.note import Checkpoint, KeyType, Signer, cosign, sign_checkpoint
from protocols.evidence.receipt_keys import sign_succession
from protocols.evidence.upload import check_receipt

ONE, TWO, THREE, STRANGER = (
    Signer.from_private_bytes("central", seed * 32, KeyType.COSIGNATURE)
    for seed in (b"1", b"2", b"3", b"x")
)
GATEWAY = Signer.from_private_bytes("gw-1", b"g" * 32)
NOTE = sign_checkpoint(Checkpoint(Origin("gw-1", Log.BILLING, 0), 7, b"r" * 32), GATEWAY)
FIRST = sign_succession(1, ONE, TWO, 10)
SECOND = sign_succession(2, TWO, THREE, 20)


class Central:
    """Answers with its successions; counts who asks."""

    def __init__(self, answer: bytes | None = b"") -> None:
        self.answer = answer
        self.asked = 0
        self.now = 0.0

    def fetch(self) -> bytes | None:
        self.asked += 1
        return self.answer

    def keys(self, directory: Path) -> ReceiptKeys:
        return ReceiptKeys(ONE.verifier, StateFiles(directory), self.fetch, lambda: self.now)


def believed(keys: ReceiptKeys, signer: Signer) -> bool:
    """A receipt of this key is taken."""
    line = cosign(NOTE, signer, 5)
    try:
        check_receipt(NOTE, line, keys_for(keys, line))
    except BadSignature:
        return False
    return True


def test_the_pinned_key_needs_nobody(tmp_path: Path) -> None:
    """Central is not asked."""
    central = Central(None)
    assert believed(central.keys(tmp_path), ONE)
    assert central.asked == 0


def test_a_successor_is_asked_for_and_kept(tmp_path: Path) -> None:
    """Once; after a restart it is known, without asking."""
    central = Central(FIRST + SECOND)
    keys = central.keys(tmp_path)
    assert believed(keys, THREE)
    assert believed(keys, TWO)
    assert believed(keys, ONE)
    assert central.asked == 1
    assert (tmp_path / FILE_NAME).read_bytes() == FIRST + SECOND
    assert believed(central.keys(tmp_path), THREE)
    assert central.asked == 1


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"<html>",
        SECOND,
        sign_succession(1, STRANGER, THREE, 5),
        FIRST.replace(TWO.vkey.encode(), THREE.vkey.encode()),
        FIRST[:-1],
        FIRST + SECOND[:-2],
    ],
)
def test_what_does_not_follow_from_the_pinned_key_is_not_believed(
    tmp_path: Path, answer: bytes | None
) -> None:
    """Unsigned, cut, foreign: the receipt is refused, nothing is kept."""
    central = Central(answer)
    keys = central.keys(tmp_path)
    assert not believed(keys, THREE)
    assert keys.known == (ONE.verifier,)
    assert not (tmp_path / FILE_NAME).exists()


def test_a_strangers_receipts_cost_no_request_each(tmp_path: Path) -> None:
    """One in five minutes."""
    central = Central(FIRST)
    keys = central.keys(tmp_path)
    for _ in range(10):
        assert not believed(keys, STRANGER)
    assert central.asked == 1
    central.now += RETRY_S
    assert not believed(keys, STRANGER)
    assert central.asked == 2


def test_a_shorter_chain_takes_no_key_away(tmp_path: Path) -> None:
    """As a central that was restored from a backup would show."""
    central = Central(FIRST + SECOND)
    keys = central.keys(tmp_path)
    assert believed(keys, THREE)
    central.answer = FIRST
    central.now += RETRY_S
    assert not believed(keys, STRANGER)
    assert believed(keys, THREE)


def test_a_file_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    """It is verified as an answer is; then central is asked again."""
    central = Central(FIRST)
    assert believed(central.keys(tmp_path), TWO)
    (tmp_path / FILE_NAME).write_bytes(FIRST.replace(b"\n10\n", b"\n11\n"))
    keys = central.keys(tmp_path)
    assert keys.known == (ONE.verifier,)
    assert believed(keys, TWO)
    assert (tmp_path / FILE_NAME).read_bytes() == FIRST


def test_what_is_no_receipt_asks_nobody(tmp_path: Path) -> None:
    """It is malformed, whoever sent it."""
    central = Central(FIRST)
    with pytest.raises(Malformed):
        central.keys(tmp_path).keys_for(b"<html>")
    assert central.asked == 0


def test_a_single_key_is_itself() -> None:
    """Where nothing can follow, as in tests of other things."""
    assert keys_for(ONE.verifier, b"") == (ONE.verifier,)
