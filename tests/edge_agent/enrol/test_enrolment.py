"""Taking over approved keys: a crash before any step leaves the old gateway or the new."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.enrol.enrolment import install, prepare
from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.keys.keys import create_keys, load_keys
from protocols.evidence.enrol import Approved, fingerprint
from protocols.evidence.enrol_token import Token
from protocols.evidence.keys import KeySchedule
from tests.edge_agent.enrolling import ORDERS, RECEIPTS, certificate
from tests.edge_agent.keys.test_keyring import Crash, Failing

TOKEN = Token("gw-1", b"t" * 16, b"c" * 32, b"r" * 32)
OLD, NEW, SALT = b"o" * 32, b"n" * 32, b"s" * 32
MOST_STEPS = 40


def old_gateway(directory: Path) -> str:
    secrets = iter((SALT, OLD))
    return create_keys(directory, "gw-1", lambda _: next(secrets)).signer.vkey


def take_over(directory: Path, steps: int, epoch: int) -> tuple[str, list[str]]:
    """One run of the command after the approval, ended before a step."""
    files = Failing(directory, steps)
    candidate = prepare(directory, TOKEN, "b-1", None, lambda _: NEW)
    answer = Approved(RECEIPTS.vkey, ORDERS.vkey, certificate(candidate.request.csr), epoch, None)
    install(files, candidate, answer, b"CA", lambda _: SALT)
    return candidate.signer.vkey, files.done


def test_a_new_gateway_has_its_key_from_the_first_epoch_on(tmp_path: Path) -> None:
    """No schedule of before, no old key, nothing left of the candidate."""
    vkey, _ = take_over(tmp_path, -1, 0)
    keys = load_keys(tmp_path)
    assert keys.schedule == KeySchedule.of(vkey)
    assert not (tmp_path / "enrol.key").exists()
    assert not (tmp_path / "enrol.tls").exists()


@pytest.mark.parametrize("epoch", [0, 4])
def test_a_crash_before_any_step_leaves_the_old_gateway_or_the_new_one(
    tmp_path: Path, epoch: int
) -> None:
    """Never neither; and where it is the old one, the same command ends it."""
    seen = set()
    for at in range(MOST_STEPS):
        directory = tmp_path / str(at)
        directory.mkdir()
        old = old_gateway(directory) if epoch else None
        try:
            take_over(directory, at, epoch)
        except Crash:
            if old is None and not (directory / "log.key").exists():
                take_over(directory, -1, epoch)  # it never was a gateway: go on
            held = load_keys(directory, StateFiles(directory))
            seen.add(held.signer.vkey)
            if held.signer.vkey == old:
                vkey, _ = take_over(directory, -1, epoch)
                held = load_keys(directory, StateFiles(directory))
                assert held.signer.vkey == vkey
            assert held.first_epoch == epoch
            assert held.schedule.vkeys()[:-1] == ((old,) if old else ())
            assert held.salt_secret == SALT
            text = b"".join(path.read_bytes() for path in directory.iterdir())
            assert b"b29vb29v" not in text  # base64 of the old secret
        else:
            assert at > 10
            assert len(seen) == (2 if old else 1)
            return
    raise AssertionError("more steps than expected")


def test_the_same_keys_are_asked_for_until_they_are_approved(tmp_path: Path) -> None:
    """So that central gives the same answer, and the operator sees the same fingerprint."""
    first = prepare(tmp_path, TOKEN, "b-1", None, lambda _: NEW)
    again = prepare(tmp_path, TOKEN, "b-1", None, lambda _: OLD)
    assert fingerprint(first.request) == fingerprint(again.request)


def test_a_rotation_under_way_is_over_when_the_gateway_is_enrolled_again(tmp_path: Path) -> None:
    """Its new key is destroyed with the old one."""
    old = old_gateway(tmp_path)
    keys = load_keys(tmp_path, StateFiles(tmp_path))
    keys.begin(0, False, {})
    keys.want(lambda _: b"m" * 32)
    vkey, _ = take_over(tmp_path, -1, 2)
    keys = load_keys(tmp_path, StateFiles(tmp_path))
    assert (keys.signer.vkey, keys.rotation) == (vkey, None)
    assert keys.schedule.vkeys() == (old, vkey)
    assert not (tmp_path / "log.key.next").exists()


def test_a_damaged_key_can_be_enrolled_again(tmp_path: Path) -> None:
    """That may be why it is done; whose it was cannot be asked of it."""
    old_gateway(tmp_path)
    (tmp_path / "log.key").write_bytes(b"?")
    vkey, _ = take_over(tmp_path, -1, 2)
    assert load_keys(tmp_path).schedule.vkeys()[-1] == vkey


def test_a_certificate_for_another_key_is_refused(tmp_path: Path) -> None:
    """Then nothing has taken over."""
    (tmp_path / "other").mkdir()
    other = prepare(tmp_path / "other", TOKEN, "b-1", None, lambda _: OLD)
    candidate = prepare(tmp_path, TOKEN, "b-1", None, lambda _: NEW)
    wrong = certificate(other.request.csr)
    answer = Approved(RECEIPTS.vkey, ORDERS.vkey, wrong, 0, None)
    with pytest.raises(KeyFileError, match="for another key"):
        install(StateFiles(tmp_path), candidate, answer, b"CA", lambda _: SALT)
    assert not (tmp_path / "log.key").exists()
