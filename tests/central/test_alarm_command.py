"""Alarms with their evidence as files."""

import pytest

from central.cli import main
from protocols.evidence.leaf import Log
from protocols.evidence.note import Signer, open_checkpoint
from protocols.evidence.upload import decode_upload

TELEMETRY = Log.TELEMETRY


@pytest.fixture
def alarmed(central, polled, made):
    """Forged once, then forked; what was sent."""
    central.register(polled)
    central.send(polled, TELEMETRY, 30)
    genuine = polled.signer
    polled.signer = Signer.from_private_bytes("gw-1", b"z" * 32)
    forged = polled.upload(TELEMETRY, 30)
    polled.signer = genuine
    central.intake.receive(forged)
    fork = made.Gateway().configure(made.config("R1"), made.config("R2"))
    for _ in range(14):
        fork.poll(counts=1)
    central.now_ms += 1000
    forked = fork.upload(TELEMETRY, 0, 30)
    assert central.intake.receive(forked).status == 403
    central.forged, central.forked = forged, forked
    return central


def test_alarms_are_told_with_what_proves_them(alarmed, polled, tmp_path, capsys):
    """A line each; both checkpoints of the fork verify with the gateway's own key."""
    store, out = str(alarmed.store.directory), tmp_path / "evidence"
    command = ["gateway", "alarms", "gw-1", "--store", store]
    assert main([*command, "--out", str(out)]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(line[1], line[2]) for line in lines] == [("gw-1", "forged"), ("gw-1", "equivocation")]
    assert lines[1][3] == "telemetry/0/30"
    files = {path.name: path.read_bytes() for path in out.iterdir()}
    assert files["0001-gw-1-forged.upload"] == alarmed.forged
    assert files["0001-gw-1-forged.checkpoint"] == decode_upload(alarmed.forged).checkpoint
    ours, theirs = (
        open_checkpoint(files[f"0002-gw-1-equivocation.{whose}.checkpoint"], polled.signer.verifier)
        for whose in ("ours", "theirs")
    )
    assert ours[:2] == theirs[:2]
    assert ours.root != theirs.root
    assert len(files) == 4


def test_evidence_is_never_overwritten(alarmed, tmp_path, capsys):
    """A folder that is there stays; without one the lines are enough; others have none."""
    store = str(alarmed.store.directory)
    assert main(["gateway", "alarms", "--store", store, "--out", str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["gateway", "alarms", "gw-2", "--store", store]) == 0
    assert capsys.readouterr().out == ""
