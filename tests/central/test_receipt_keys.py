"""The receipt key's rotation, cut at every step."""

import pytest

from central import receipt_keys
from central.keys import FILE_NAME, NEXT_FILE_NAME, create_receipt_key, load_receipt_key
from central.receipt_keys import (
    SUCCESSIONS_NAME,
    ReceiptKeyFile,
    load_receipt_keys,
    rotate_receipt_key,
)
from central.secret_file import KeyFileError
from protocols.evidence.receipt_keys import MAX_SUCCESSIONS, follow


def clock():
    return 1_700_000_000_000


@pytest.fixture
def first(tmp_path):
    return create_receipt_key(tmp_path, "central")


def test_a_key_that_was_never_rotated_stands_alone(first, tmp_path):
    """No succession, one verifier."""
    keys = load_receipt_keys(tmp_path)
    assert keys.signer.vkey == first.vkey
    assert [one.vkey for one in keys.verifiers] == [first.vkey]
    assert keys.notes == ()


def test_whoever_pinned_an_old_key_can_follow(first, tmp_path):
    """Each rotation is signed by the key before it; all public halves stay, oldest first."""
    second = rotate_receipt_key(tmp_path, clock)
    third = rotate_receipt_key(tmp_path, clock)
    keys = load_receipt_keys(tmp_path)
    assert keys.signer.vkey == third.vkey
    vkeys = [first.vkey, second.vkey, third.vkey]
    assert [one.vkey for one in keys.verifiers] == vkeys
    assert [one.vkey for one in follow(first.vkey, keys.notes)] == vkeys
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE_NAME, SUCCESSIONS_NAME]


def test_the_old_secret_is_wiped(first, tmp_path):
    """The bytes of the retired key are overwritten, also for whoever still has the file open."""
    with (tmp_path / FILE_NAME).open("rb", buffering=0) as before:
        assert before.read(7) == b"central"
        rotate_receipt_key(tmp_path, clock)
        before.seek(0)
        assert set(before.read()) == {0}


@pytest.mark.parametrize(("step", "is_new"), [("replace_public", False), ("move_over", True)])
def test_a_rotation_that_was_cut_is_whole_or_finished(first, tmp_path, monkeypatch, step, is_new):
    """Before the succession is written the old key is in force, from then on the new one."""

    def power_cut(*_):
        raise SystemExit

    monkeypatch.setattr(receipt_keys, step, power_cut)
    with pytest.raises(SystemExit):
        rotate_receipt_key(tmp_path, clock)
    monkeypatch.undo()
    assert (tmp_path / NEXT_FILE_NAME).exists()
    keys = load_receipt_keys(tmp_path)
    assert (keys.signer.vkey != first.vkey) is is_new
    assert len(keys.verifiers) == 1 + is_new
    again = rotate_receipt_key(tmp_path, clock)
    keys = load_receipt_keys(tmp_path)
    assert keys.signer.vkey == again.vkey == load_receipt_key(tmp_path).vkey
    assert len(keys.verifiers) == 2 + is_new


def test_a_running_server_follows(first, tmp_path):
    """The file is read again after a rotation beside it, and not otherwise."""
    keys = ReceiptKeyFile(tmp_path)
    assert keys().signer.vkey == first.vkey
    assert keys() is keys()
    second = rotate_receipt_key(tmp_path, clock)
    assert keys().signer.vkey == second.vkey


@pytest.mark.parametrize("damage", [b"gas-receipt-key/v1\n", b"x" * 100_000])
def test_damaged_successions_are_told(first, tmp_path, damage):
    """A chain that does not end at the key in force is never passed over."""
    rotate_receipt_key(tmp_path, clock)
    (tmp_path / SUCCESSIONS_NAME).write_bytes(damage)
    with pytest.raises(KeyFileError, match="restore it"):
        load_receipt_keys(tmp_path)


def test_successions_of_another_central_are_told(first, tmp_path):
    """A file of other keys does not belong here."""
    other = tmp_path / "other"
    other.mkdir()
    create_receipt_key(other, "central")
    rotate_receipt_key(other, clock)
    (tmp_path / SUCCESSIONS_NAME).write_bytes((other / SUCCESSIONS_NAME).read_bytes())
    with pytest.raises(KeyFileError, match="another key"):
        load_receipt_keys(tmp_path)


def test_rotations_are_bounded(first, tmp_path, monkeypatch):
    """What nobody would read any more is not made."""
    monkeypatch.setattr(receipt_keys, "MAX_SUCCESSIONS", 1)
    rotate_receipt_key(tmp_path, clock)
    with pytest.raises(KeyFileError, match="1 rotations"):
        rotate_receipt_key(tmp_path, clock)
    assert MAX_SUCCESSIONS == 64
