"""Parcels carried by hand, judged by the intake."""

import os

import pytest

from central.cli import main
from central.keys import parcel_key, public_parcel_key
from central.parcel_import import ParcelError, import_parcel
from protocols.evidence.heads import StoredHead
from protocols.evidence.leaf import Log
from protocols.evidence.parcel import NotTaken, ParcelKey, decode_receipts, seal_parcel
from protocols.evidence.upload import check_receipt, decode_upload

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY


@pytest.fixture
def carry(central, tmp_path):
    """Seals uploads into a parcel and imports it; what became of it, and the receipts."""
    key = public_parcel_key(central.store.directory)

    def run(uploads, gateway="gw-1", cut=None, name="1"):
        pieces = b"".join(seal_parcel(gateway, key, b"e" * 32, uploads))
        parcel, receipts = tmp_path / f"parcel{name}", tmp_path / f"receipts{name}"
        parcel.write_bytes(pieces[:cut])
        secret = parcel_key(central.store.directory)
        done = import_parcel(central.intake, secret, parcel, receipts)
        return done, list(decode_receipts([receipts.read_bytes()]))

    return run


def test_each_upload_gets_its_receipt(central, polled, carry):
    """Stored as if it had been POSTed; twice is harmless."""
    central.register(polled)
    uploads = [polled.upload(BILLING, 0), polled.upload(TELEMETRY, 0, 30),
               polled.upload(TELEMETRY, 30)]  # fmt: skip
    for name in "12":
        done, receipts = carry(uploads, name=name)
        assert (done.gateway, done.uploads, done.refused, done.fault) == ("gw-1", 3, 0, None)
        assert [one.size for one in receipts] == [
            len(polled.leaves[BILLING]), 30 if name == "1" else 84, 84,
        ]  # fmt: skip
        for one in receipts:
            assert isinstance(one, StoredHead)
            check_receipt(one.checkpoint, one.receipt, central.cosigner.verifier)
    assert central.sent(polled, TELEMETRY) == 84


def test_what_is_refused_is_told_and_the_rest_is_taken(central, polled, made, carry):
    """A gap, garbage, another gateway's upload: each with its reason, in its place."""
    central.register(polled)
    central.send(polled, TELEMETRY, 10)
    other = made.Gateway("gw-2").configure(made.config())
    done, receipts = carry(
        [polled.upload(TELEMETRY, 30), b"\x80", other.upload(BILLING, 0), polled.upload(BILLING, 0)]
    )
    assert (done.uploads, done.refused) == (4, 3)
    assert [type(one) for one in receipts] == [NotTaken, NotTaken, NotTaken, StoredHead]
    assert "central ends at 10" in receipts[0].reason
    assert "in a parcel of gw-1" in receipts[2].reason
    assert all(one.remedy for one in receipts[:3])


def test_a_stopped_gateways_parcel_is_judged_as_its_uploads(central, polled, carry):
    """The stick is no way round an operator's decision."""
    done, receipts = carry([polled.upload(BILLING, 0)])
    assert done.refused == 1
    assert "not registered" in receipts[0].reason


def test_a_parcel_that_was_cut_is_taken_up_to_there(central, polled, carry):
    """What was whole has its receipt, and the fault is told."""
    central.register(polled)
    done, receipts = carry([polled.upload(BILLING, 0), polled.upload(TELEMETRY, 0)], cut=-200)
    assert (done.uploads, done.refused) == (1, 0)
    assert "cut off" in done.fault
    assert [one.size for one in receipts] == [len(polled.leaves[BILLING])]


def test_files_are_never_overwritten_and_always_named(central, tmp_path, carry, polled):
    """A receipts file of before stays; a missing parcel is told, and a pipe in its place."""
    (tmp_path / "receipts1").write_bytes(b"older")
    with pytest.raises(ParcelError, match="exists already"):
        carry([polled.upload(BILLING, 0)])
    assert (tmp_path / "receipts1").read_bytes() == b"older"
    with pytest.raises(ParcelError, match="no-parcel"):
        import_parcel(central.intake, b"k" * 32, tmp_path / "no-parcel", tmp_path / "r")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ParcelError, match="pipe: a pipe or a device, not a file"):
        import_parcel(central.intake, b"k" * 32, tmp_path / "pipe", tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_the_command(polled, tmp_path, capsys):
    """Keys, import and statuses as an operator sees them."""
    store = str(tmp_path / "store")
    assert main(["init", "--store", store]) == 0
    assert main(["gateway", "add", "--store", store, "gw-1", polled.signer.vkey]) == 0
    assert main(["parcel-key", "--store", store]) == 0
    key = ParcelKey.parse(capsys.readouterr().out.splitlines()[-1])
    good, bad = tmp_path / "good", tmp_path / "bad"
    upload = polled.upload(BILLING, 0)
    good.write_bytes(b"".join(seal_parcel("gw-1", key, b"e" * 32, [upload])))
    bad.write_bytes(b"".join(seal_parcel("gw-1", ParcelKey(b"\x09" * 32), b"e" * 32, [upload])))
    out = str(tmp_path / "receipts")
    assert main(["import", "--store", store, str(good), "--out", out]) == 0
    assert capsys.readouterr().out == f"gw-1: 1 of 1 uploads taken; receipts: {out}\n"
    [one] = decode_receipts([(tmp_path / "receipts").read_bytes()])
    assert one.checkpoint == decode_upload(upload).checkpoint
    assert main(["import", "--store", store, str(bad), "--out", out + "2"]) == 2
    told = capsys.readouterr().err
    assert f"{bad}: " in told
    assert "another key" in told
    assert "give what edge-agent export made" in told
    assert not (tmp_path / "receipts2").exists()
    assert main(["import", "--store", store, str(good), "--out", out]) == 2
