"""`edge-agent export` and `import`: by hand what the link would carry, beside an agent or not."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from edge_agent.cli import main
from edge_agent.journal.reader import JournalReader
from edge_agent.keys.keys import create_keys
from edge_agent.parcel import parser as parcel_parser
from edge_agent.state_lock import state_lock
from edge_agent.uplink.receipt_file import SPOOL
from protocols.evidence.heads import StoredHead
from protocols.evidence.leaf import Log
from protocols.evidence.note import KeyType, Signer, cosign
from protocols.evidence.parcel import (
    NotTaken,
    ParcelKey,
    ReceiptItem,
    encode_receipts,
    open_parcel,
)
from protocols.evidence.upload import decode_conflict, decode_upload
from tests.edge_agent.gateway import GATEWAY, TOML, wait_until, write_ca
from tests.edge_agent.ledger_law import read_journal
from tests.edge_agent.test_agent import agent as running_agent
from tests.edge_agent.test_agent import write_config
from tests.edge_agent.tls_central import TIME_S, TlsCentral
from tests.edge_agent.uplink_rig import Rig, Wish, start

PRIVATE = bytes(range(7, 39))


def public_of(private: bytes) -> ParcelKey:
    return ParcelKey(X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())


class Site:
    """A gateway without a link: its rig records, `central` is where its parcels go."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.keys = create_keys(directory / "state", GATEWAY, lambda size: bytes(range(size)))
        toml = TOML.replace("batch_seconds", f'parcel_key = "{public_of(PRIVATE)}"\nbatch_seconds')
        (directory / "gateway.toml").write_text(toml, encoding="utf-8")
        self.central = TlsCentral(self.keys.signer.verifier)
        self.parcel = directory / "parcel"
        self.receipts = directory / "receipts"

    def start(self) -> Rig:
        nowhere = TlsCentral()
        nowhere.url = "https://localhost:1"
        return start(self.directory, nowhere, wish=Wish(keys=self.keys))

    def command(self, name: str, *arguments: str) -> int:
        return main([name, "--config", str(self.directory / "gateway.toml"), *arguments])

    def export(self) -> int:
        self.parcel.unlink(missing_ok=True)
        return self.command("export", "--out", str(self.parcel))

    def take(self) -> int:
        return self.command("import", str(self.receipts))

    def at_central(self, private: bytes = PRIVATE) -> list[ReceiptItem]:
        """Judge the parcel as `edge-central import` does, and write what goes back."""
        items: list[ReceiptItem] = []
        for upload in open_parcel([self.parcel.read_bytes()], private):
            if isinstance(upload, bytes):
                items.append(self._judged(upload))
        self.write(items)
        return items

    def _judged(self, data: bytes) -> ReceiptItem:
        status, body = self.central.take(data)
        upload = decode_upload(data)
        head = self.central.heads[upload.origin.log]
        if status == 200:
            return StoredHead(upload.origin, head.frontier.size, upload.checkpoint, body)
        if status == 409 and decode_conflict(body).size > upload.first:
            return StoredHead(upload.origin, *decode_conflict(body))
        return NotTaken(str(upload.origin), upload.first, "it does not fit", "export again")

    def write(self, items: list[ReceiptItem]) -> None:
        self.receipts.write_bytes(b"".join(encode_receipts(items)))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def rig(site: Site) -> Iterator[Rig]:
    rig = site.start()
    yield rig
    rig.close()


def test_there_and_back_without_an_agent(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything arrives, everything has its receipt, and nothing is left to export."""
    monkeypatch.setattr("edge_agent.parcel.export.MOST_LEAVES", 5)
    rig = site.start()
    rig.record(6)
    rig.close()
    assert site.export() == 0
    assert b"gw-1" not in site.parcel.read_bytes()
    items = site.at_central()
    assert len(items) > 5
    assert site.take() == 0
    found = read_journal(site.directory / "state" / "journal.db")
    for log in Log:
        assert found.receipted[log] == found.sizes[log] > 0
        assert site.central.leaves[log] == found.leaves[log]
    assert site.export() == 0
    out = capsys.readouterr().out
    assert "telemetry leaves 0 to 17" in out
    assert "telemetry receipts up to 18, 0 leaves wait" in out
    assert "nothing to export" in out
    assert all(len(line) <= 80 for line in out.splitlines() if str(site.directory) not in line)


def test_there_and_back_beside_a_running_agent(site: Site, rig: Rig) -> None:
    """The agent settles the receipts; what it recorded meanwhile waits for the next parcel."""
    rig.record(3)
    with state_lock(site.directory / "state"):
        assert site.export() == 0
        rig.record(2)
        site.at_central()
        over = threading.Event()

        def look() -> None:  # as the agent's main thread does
            while not over.wait(0.05):
                rig.uplink.look_at_box()

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        assert site.take() == 0
        assert rig.receipted(Log.TELEMETRY) == 9
        assert site.export() == 0
        site.at_central()
        assert site.take() == 0
        over.set()
        thread.join()
    assert rig.receipted(Log.TELEMETRY) == 15
    assert wait_until(lambda: not (site.directory / "state" / SPOOL).exists())
    assert site.central.leaves[Log.TELEMETRY][-1].seq == 14


def test_beside_a_real_agent_without_a_link(site: Site) -> None:
    """A process that reaches no central: its parcel goes, its receipts come, it polls on."""
    write_ca(site.directory)
    toml = write_config(site.directory, "https://localhost:1", "")
    text = toml.read_text(encoding="utf-8")
    key = f'parcel_key = "{public_of(PRIVATE)}"\nbatch_seconds'
    toml.write_text(text.replace("batch_seconds", key, 1), encoding="utf-8")
    with running_agent(toml) as child:
        journal = site.directory / "state" / "journal.db"
        assert wait_until(journal.exists, 20.0)
        assert wait_until(lambda: site.export() == 0 and site.parcel.exists(), 20.0)
        items = site.at_central()
        assert site.take() == 0
        size = max(item.size for item in items if isinstance(item, StoredHead))
        reader = JournalReader(journal, GATEWAY)
        assert reader.state(Log.BILLING).receipted.size > 0
        assert child.poll() is None
        assert wait_until(lambda: reader.state(Log.TELEMETRY).frontier.size > size, 20.0)
        reader.close()


def test_a_parcel_twice_and_receipts_twice(site: Site) -> None:
    """Central says what it holds already; the second import finds nothing new."""
    rig = site.start()
    rig.record(4)
    rig.close()
    assert site.export() == 0
    site.at_central()
    site.at_central()
    assert site.take() == 0
    assert site.take() == 0
    assert len(site.central.leaves[Log.TELEMETRY]) == 12


def test_central_refused_a_part(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """What was taken is settled, the rest is told: status 1."""
    rig = site.start()
    rig.record(4)
    rig.close()
    site.export()
    items = site.at_central()
    site.write([items[0], NotTaken(str(items[1].origin), 0, "root differs", "look at the disk")])
    assert site.take() == 1
    told = capsys.readouterr()
    assert "1 receipts taken, 0 known before, 1 refused" in told.out
    assert "root differs; look at the disk" in told.err
    assert site.export() == 0
    assert "billing" in told.out


FORGER = Signer.from_private_bytes("central", b"f" * 32, KeyType.COSIGNATURE)


@pytest.mark.parametrize(
    "forge",
    [
        lambda item: item._replace(receipt=cosign(item.checkpoint, FORGER, TIME_S)),
        lambda item: item._replace(size=item.size - 1),
        lambda item: item._replace(origin=item.origin._replace(gateway="gw-2")),
        lambda item: item._replace(origin=item.origin._replace(epoch=7)),
        lambda item: item._replace(checkpoint=b"nothing"),
    ],
)
def test_a_receipt_that_does_not_verify(site: Site, forge: object) -> None:
    """Nothing is settled by it: status 2, and the leaves wait on."""
    rig = site.start()
    rig.record(3)
    rig.close()
    site.export()
    items = site.at_central()
    site.write([forge(items[-1])])  # type: ignore[operator]
    assert site.take() == 2
    assert read_journal(site.directory / "state" / "journal.db").receipted[Log.TELEMETRY] == 0


def test_files_that_are_none(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Missing, cut off, another file: status 2, with the reason."""
    rig = site.start()
    rig.record(3)
    rig.close()
    assert site.take() == 2
    site.receipts.write_bytes(b"PK\x03\x04" + bytes(100))
    assert site.take() == 2
    assert "not a gas-receipts/v1 file" in capsys.readouterr().err
    site.export()
    site.at_central()
    site.receipts.write_bytes(site.receipts.read_bytes()[:-5])
    assert site.take() == 2
    assert "cut off" in capsys.readouterr().err


def test_a_parcel_is_not_overwritten_and_needs_a_key(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody else's file stays; without central's key nothing leaves the gateway."""
    rig = site.start()
    rig.record(2)
    rig.close()
    site.parcel.write_bytes(b"holiday pictures")
    assert site.command("export", "--out", str(site.parcel)) == 2
    assert site.parcel.read_bytes() == b"holiday pictures"
    assert "name a new file" in capsys.readouterr().err
    assert site.command("export", "--out", str(site.directory / "stick" / "parcel")) == 2
    assert f"{site.directory / 'stick'}: no such folder" in capsys.readouterr().err
    os.mkfifo(site.directory / "pipe")
    for wrong in (site.parcel, site.directory, site.directory / "none", site.directory / "pipe"):
        assert site.command("import", str(wrong)) == 2
        told = capsys.readouterr().err
        assert f"{wrong}: " in told
        assert "edge-central import wrote" in told
    (site.directory / "gateway.toml").write_text(TOML, encoding="utf-8")
    assert site.export() == 2
    assert "parcel_key is not set" in capsys.readouterr().err
    assert [path.name for path in site.directory.iterdir() if "part" in path.name] == []


def test_another_central_cannot_read_it(site: Site) -> None:
    """It is encrypted to one key."""
    rig = site.start()
    rig.record(2)
    rig.close()
    site.export()
    with pytest.raises(Exception, match="another key"):
        site.at_central(bytes(range(9, 41)))


def test_an_agent_that_does_not_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The import ends and says so; the file waits for the agent."""
    rig = site.start()
    rig.record(2)
    rig.close()
    site.export()
    site.at_central()
    monkeypatch.setattr(parcel_parser, "AGENT_S", 0.3)
    with state_lock(site.directory / "state"):
        assert site.take() == 2
        assert "settles nothing" in capsys.readouterr().err
        assert (site.directory / "state" / SPOOL).exists()
        assert site.take() == 2
        assert "another import is under way" in capsys.readouterr().err
    rig = site.start()  # the next one takes it up
    assert wait_until(lambda: rig.receipted(Log.TELEMETRY) == 6)
    rig.close()


def test_a_damaged_row_is_told(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """What is before it is packed: status 1."""
    rig = site.start()
    rig.record(4)
    rig.close()
    connection = sqlite3.connect(site.directory / "state" / "journal.db")
    with connection:
        connection.execute("UPDATE telemetry SET leaf = x'00' WHERE seq = 7")
    connection.close()
    assert site.export() == 1
    told = capsys.readouterr()
    assert "row 7 is not the leaf that belongs there" in told.err
    assert "telemetry leaves 0 to 6" in told.out
    site.at_central()
    assert site.central.size(Log.TELEMETRY) == 7
