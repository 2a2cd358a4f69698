"""A checkpoint in the daily checkpoint over all gateways."""

from typing import Any

import pytest

from edge_agent.language import load_words
from edge_agent.terminal import WIDTH, columns
from edge_agent.verify.fleet_folder import FILES, check_fleet, fleet_lines
from protocols.evidence.errors import BadSignature, EvidenceError, Malformed
from protocols.evidence.fleet import (
    fleet_origin,
    fleet_proof,
    fleet_tree,
    in_order,
    leaf_origin,
    sign_fleet,
)
from protocols.evidence.proof import encode_proof
from protocols.evidence.published import sign_keys
from tests.protocols.evidence.published_samples import FLEET, KEYS, PUBLISHER, TIME_S
from tests.protocols.evidence.test_fleet import newest
from tests.protocols.evidence.test_published import stored

KEYS_1 = sign_keys(KEYS, PUBLISHER)


def folder(own: bytes) -> dict[str, bytes]:
    others = [note for note in (newest(2), newest(3), newest(4)) if note != own]
    notes = in_order([own, *others[:2]])
    head = fleet_tree(fleet_origin("central", "2026-11-26"), notes)
    note = sign_fleet(head, PUBLISHER, FLEET, TIME_S)
    proof = encode_proof(fleet_proof(note, notes, leaf_origin(own)))
    return {"fleet.tlog-proof": proof, "checkpoint.txt": own, "keys.txt": KEYS_1}


def test_the_keys_of_the_gateway_must_have_signed_it() -> None:
    """The tree alone says nothing of who signed the leaf."""
    with pytest.raises(BadSignature):
        check_fleet(folder(newest(2)))  # published are the keys of gw-1


def test_a_checkpoint_is_proven_to_be_in_a_day() -> None:
    """With the day, the number of logs, the state and when it was receipted."""
    report = check_fleet(folder(stored()))
    text = " ".join(
        " ".join(fleet_lines(report, False, load_words("edge_agent.verify", chinese=False))).split()
    )
    assert "PROVEN: daily checkpoint 2026-11-26 over 3 logs" in text
    assert "gas-evidence/gw-1/billing/0 had just this state of 5 leaves" in text
    assert "Ed25519 and with ML-DSA-44" in text
    for name in FILES:
        with pytest.raises(Malformed, match="not there"):
            check_fleet({key: data for key, data in folder(stored()).items() if key != name})


@pytest.mark.parametrize("chinese", [False, True])
def test_lines_fit_a_terminal(chinese: bool) -> None:
    """80 columns in either language."""
    report = check_fleet(folder(stored()))
    words: Any = load_words("edge_agent.verify", chinese=chinese)
    assert all(columns(line) <= WIDTH for line in fleet_lines(report, True, words))


def test_no_changed_bit_is_accepted() -> None:
    """A bit of each byte of each file."""
    files = folder(stored())
    check_fleet(files)
    for name, data in files.items():
        for at in range(0, len(data), 5):
            changed = bytearray(data)
            changed[at] ^= 1 << at % 7
            with pytest.raises(EvidenceError):
                check_fleet({**files, name: bytes(changed)})
