"""A new gateway in a broken one's place: what it cites first, and what it does not believe."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.recording.key_recording import KeyDesk
from edge_agent.recording.replacement import FILE_NAME, citations_of, waiting
from protocols.evidence.enrol import Approved, Cited, Replaced, encode_answer
from protocols.evidence.errors import Malformed
from protocols.evidence.facts import EpochReason, parse_epoch
from protocols.evidence.leaf import Kind, Log, Origin
from protocols.evidence.note import Checkpoint, Signer, cosign, sign_checkpoint
from tests.edge_agent.enrolling import ORDERS, RECEIPTS
from tests.edge_agent.recording.test_key_recording import Central, Site

OLD_KEY = Signer.from_private_bytes("gw-0", b"0" * 32)


def cited(log: Log, size: int, gateway: str = "gw-0") -> Cited:
    checkpoint = Checkpoint(Origin(gateway, log, 3), size, b"r" * 32)
    note = sign_checkpoint(checkpoint, OLD_KEY)
    return Cited(note, cosign(note, RECEIPTS, 5))


REPLACED = Replaced("gw-0", (cited(Log.BILLING, 70), cited(Log.TELEMETRY, 900)))
ANSWER = Approved(RECEIPTS.vkey, ORDERS.vkey, b"", 0, REPLACED)


def test_both_logs_of_the_old_gateway_are_cited() -> None:
    """With the size that the checkpoint itself says."""
    found = citations_of(REPLACED)
    assert [(one.log, one.size) for one in found] == [(Log.BILLING, 70), (Log.TELEMETRY, 900)]
    assert found[0][2:] == REPLACED.cited[0]


@pytest.mark.parametrize(
    "replaced",
    [
        REPLACED._replace(gateway="gw-9"),
        Replaced("gw-0", (cited(Log.BILLING, 1, "gw-5"),)),
        Replaced("gw-0", (Cited(b"junk", b"line"),)),
    ],
)
def test_another_gateways_checkpoint_is_not_cited(replaced: Replaced) -> None:
    """Whatever central answers: the cited log is that of the replaced gateway."""
    with pytest.raises(Malformed):
        citations_of(replaced)


@pytest.mark.parametrize(
    "data", [b"", b"junk", encode_answer(ANSWER._replace(replaced=None)),
             encode_answer(ANSWER._replace(replaced=REPLACED._replace(gateway="gw-9")))]
)  # fmt: skip
def test_a_damaged_file_is_told(tmp_path: Path, data: bytes) -> None:
    """With the remedy; the agent runs on without it."""
    files = StateFiles(tmp_path)
    files.write(FILE_NAME, data)
    with pytest.raises(KeyFileError, match="enroll again"):
        waiting(files)


def test_nothing_waits_where_nobody_is_replaced(tmp_path: Path) -> None:
    """Neither without the file, nor where the old gateway never sent anything."""
    files = StateFiles(tmp_path)
    assert waiting(files) is None
    files.write(FILE_NAME, encode_answer(ANSWER._replace(replaced=Replaced("gw-0", ()))))
    assert waiting(files) is None


def test_the_first_leaf_of_the_new_log_cites_the_old_one_once(tmp_path: Path) -> None:
    """And no leaf of a later start does; the file goes when it is durable."""
    site = Site(tmp_path, begin=False)
    files = StateFiles(site.config.state_dir)
    files.write(FILE_NAME, encode_answer(ANSWER))
    site.recorder.key_desk = KeyDesk(site.keys, lambda count: bytes(count), files)
    assert site.recorder.begin()
    assert not files.exists(FILE_NAME)
    site.restart()
    site.round()
    central = Central(site.old)
    site.send(central)
    epochs = [leaf for leaf in central.leaves if leaf.kind is Kind.EPOCH]
    assert [leaf.seq for leaf in epochs] == [0]
    body = parse_epoch(epochs[0].body)
    assert (body.reason, body.old_epoch) == (EpochReason.REPLACED, None)
    assert body.citations == citations_of(REPLACED)
    site.die()
