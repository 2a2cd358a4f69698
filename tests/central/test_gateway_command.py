"""`edge-central gateway` and the keys' commands, from end to end on a real store."""

import re

import pytest

from central.cli import main
from central.clock import utc_now_ms
from central.enrolment import ask
from central.keys import order_vkey
from central.store.database import open_store
from protocols.evidence.enrol import open_request
from protocols.evidence.enrol_token import Token, ca_pin, receipt_pin
from protocols.evidence.key_change import Place, sign_change
from protocols.evidence.keys import KeySchedule, key_fingerprint
from protocols.evidence.note import Verifier
from protocols.evidence.parcel import ParcelKey
from protocols.evidence.receipt_keys import follow, split_successions
from tests.central.machines import Machine

DECIDED = ("--who", "Li Wei", "--reason", "site 3")


@pytest.fixture
def run(tmp_path, capsys, certificate):
    (tmp_path / "ca.pem").write_bytes(certificate[0])

    def run_command(*words):
        status = main([*words, "--store", str(tmp_path / "store")])
        told = capsys.readouterr()
        return status, told.out, told.err

    assert run_command("init")[0] == 0
    return run_command


def enrolled(tmp_path, token, machine):
    """The machine asks with its token."""
    store = open_store(tmp_path / "store")
    data = machine.signed(token.secret)
    with store.writer.begin() as conn:
        ask(conn, open_request(data), data, utc_now_ms())
    store.close()


def test_a_gateway_is_enrolled_by_token(run, tmp_path):
    """add --token, approve, list, revoke, acts: what an operator types, and what he is told."""
    machine = Machine()
    ca = str(tmp_path / "ca.pem")
    status, text, _ = run("gateway", "add", "gw-1", "--token", "--ca", ca, "--serial", "SN-1")
    assert status == 0
    token = Token.from_text(text.strip())
    assert token.gateway == "gw-1"
    assert token.receipt_sha256 == receipt_pin(run("receipt-key")[1].strip())
    enrolled(tmp_path, token, machine)
    told = run("gateway", "list")[1]
    assert re.fullmatch(
        rf"gw-1\tWAITS for approval\t{machine.fingerprint}\tserial SN-1\tasked \S+Z\n", told
    )
    assert run("gateway", "approve", "gw-1", machine.fingerprint, *DECIDED)[1] == "gw-1 approved\n"
    told = run("gateway", "list")[1]
    shown = key_fingerprint(machine.signer.vkey)
    assert told == (
        f"gw-1\t{machine.signer.vkey}\tmay upload\tlast upload never\tfingerprint {shown}\n"
    )
    told = run("gateway", "revoke", "gw-1", "--at-size", "billing:0:5", *DECIDED)[1]
    assert f"billing: valid up to epoch 0, size 5: {machine.signer.vkey}" in told
    assert "\tREVOKED\t" in run("gateway", "list")[1]
    acts = run("gateway", "acts", "gw-1")[1].splitlines()
    assert [line.split("\t")[2] for line in acts] == ["token", "enrolled", "approved", "revoked"]
    assert [line.split("\t")[3] for line in acts[2:]] == ["Li Wei"] * 2
    assert "valid up to" in acts[-1]


def test_a_second_key_comes_from_a_new_epoch_on(run, tmp_path):
    """Enrolled again: the answer names the epoch, the list says that there were keys before."""
    first, second = Machine(), Machine(seed=b"n")
    run("gateway", "add", "gw-1", first.signer.vkey)
    _, text, _ = run("gateway", "add", "gw-1", "--token", "--ca", str(tmp_path / "ca.pem"))
    enrolled(tmp_path, Token.from_text(text.strip()), second)
    told = run("gateway", "approve", "gw-1", second.fingerprint, *DECIDED)[1]
    assert told == "gw-1 approved, from epoch 1 on\n"
    assert f"{second.signer.vkey} and 1 before\tmay upload" in run("gateway", "list")[1]
    told = run("gateway", "revoke", "gw-1", "--key", first.signer.vkey, *DECIDED)[1]
    assert second.signer.vkey not in told


def test_keys_are_told_as_text_and_restored_from_it(run, tmp_path):
    """After a restored backup, from a file; a wrong one is told."""
    first, second = Machine(), Machine(seed=b"n")
    run("gateway", "add", "gw-1", first.signer.vkey)
    schedule = KeySchedule.of(first.signer.vkey)
    assert run("gateway", "keys", "gw-1")[1] == schedule.to_text()
    path = tmp_path / "keys"
    change = sign_change(Place(0, 4, 9), first.signer, second.signer)
    path.write_text(schedule.rotated(change, 0, 4).to_text())
    told = run("gateway", "keys", "gw-1", "--restore", str(path), *DECIDED)
    assert told == (0, path.read_text(), "")
    path.write_text("nonsense")
    for name in (str(path), str(tmp_path)):
        assert run("gateway", "keys", "gw-1", "--restore", name, *DECIDED)[0] == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "gw-1"), "give VKEY"),
        (("add", "gw-1", "--token"), "--ca FILE"),
        (("add", "gw-1", "--token", "--ca", "/nowhere"), "/nowhere"),
        (("approve", "gw-1", "1234", *DECIDED), "compare it"),
        (("refuse", "gw-1", "1234", *DECIDED), "compare it"),
        (("revoke", "gw-1", *DECIDED), "not registered"),
        (("revoke", "gw-1", "--at-size", "5", *DECIDED), "log:epoch:size"),
        (("resume", "gw-1", *DECIDED), "not registered"),
        (("keys", "gw-1"), "not registered"),
    ],
)
def test_what_cannot_be_done_is_told(run, words, told):
    """Status 2, one line with the remedy, nothing on standard output."""
    status, out, error = run("gateway", *words)
    assert (status, out) == (2, "")
    assert told in error
    assert run("gateway", "list")[1] == ""


def test_a_decision_needs_a_name_and_a_reason(run, capsys):
    """Nobody is revoked by nobody."""
    with pytest.raises(SystemExit):
        run("gateway", "revoke", "gw-1", "--who", "Li")
    assert "--reason" in capsys.readouterr().err


def test_the_receipt_key_is_rotated(run, tmp_path):
    """Each rotation prints the new key, which the old one signed; init keeps it."""
    first = run("receipt-key")[1].strip()
    second = run("receipt-key", "rotate")[1].strip()
    assert second != first
    assert run("receipt-key")[1].strip() == second
    assert run("init")[1].strip() == second
    notes = split_successions((tmp_path / "store" / "receipt-successions").read_bytes())
    assert [one.vkey for one in follow(first, notes)] == [first, second]


def test_a_store_has_its_keys_from_the_start(run, tmp_path):
    """Parcels, orders, client certificates: nothing is to be made by hand."""
    store = tmp_path / "store"
    key = run("parcel-key")[1].strip()
    assert str(ParcelKey.parse(key)) == key
    assert run("parcel-key")[1].strip() == key
    assert run("order-key")[1].strip() == order_vkey(store) == Verifier.from_vkey(
        order_vkey(store)
    ).vkey  # fmt: skip
    secret = {
        path.name: oct(path.stat().st_mode & 0o777)
        for path in store.iterdir()
        if path.name in ("receipt-key", "order-key", "parcel-key", "gateway-ca.key")
    }
    assert len(secret) == 4
    assert set(secret.values()) == {"0o600"}


def test_the_token_pins_the_ca(run, tmp_path, certificate):
    """By the SHA-256 of its DER."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    text = run("gateway", "add", "gw-1", "--token", "--ca", str(tmp_path / "ca.pem"))[1]
    der = x509.load_pem_x509_certificate(certificate[0]).public_bytes(Encoding.DER)
    assert Token.from_text(text.strip()).ca_sha256 == ca_pin(der)
