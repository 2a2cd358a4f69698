"""A gateway without a link: its parcel goes to the real central by hand, and receipts come back."""

from pathlib import Path

import pytest

from central.cli import main as central_main
from edge_agent.cli import main as agent_main
from edge_agent.keys.keys import create_keys
from protocols.evidence.leaf import Log
from tests.edge_agent.gateway import GATEWAY, RECEIPTS, TOML
from tests.edge_agent.ledger_law import read_journal
from tests.edge_agent.tls_central import TlsCentral
from tests.edge_agent.uplink_rig import Wish, start


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a command of central prints, if it succeeds."""
    capsys.readouterr()
    assert central_main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out.strip()


def test_by_stick_to_the_real_central_and_back(tmp_path: Path, capsys) -> None:
    """Twice: recorded, exported, imported there, receipts imported here; nothing is left."""
    store, toml = tmp_path / "store", tmp_path / "gateway.toml"
    receipt_key = told(capsys, "init", "--store", store)
    parcel_key = told(capsys, "parcel-key", "--store", store)
    keys = create_keys(tmp_path / "state", GATEWAY, lambda size: bytes(range(size)))
    vkey = keys.signer.vkey
    told(capsys, "gateway", "add", GATEWAY, vkey, "--store", store)
    text = TOML.replace(RECEIPTS.vkey, receipt_key)
    toml.write_text(text.replace("batch_seconds", f'parcel_key = "{parcel_key}"\nbatch_seconds'))
    nowhere = TlsCentral()
    nowhere.url = "https://localhost:1"
    for number in range(2):
        rig = start(tmp_path, nowhere, wish=Wish(keys=keys))
        rig.record(4)
        rig.close()
        parcel, receipts = tmp_path / f"parcel-{number}", tmp_path / f"receipts-{number}"
        assert agent_main(["export", "--config", str(toml), "--out", str(parcel)]) == 0
        said = told(capsys, "import", parcel, "--store", store, "--out", receipts)
        assert f"{GATEWAY}: 2 of 2 uploads taken" in said
        assert agent_main(["import", "--config", str(toml), str(receipts)]) == 0
    found = read_journal(tmp_path / "state" / "journal.db")
    assert found.receipted == found.sizes
    assert found.sizes[Log.TELEMETRY] == 24
