"""Central is restored from an older backup: a real process, a copy of its store, a real gateway."""

from __future__ import annotations

import datetime
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from central.cli import main as central_main
from protocols.evidence.leaf import Kind, Leaf, Log, Origin
from protocols.evidence.note import Verifier
from simulators.certificates import make_certificates
from simulators.config_files import central_toml
from tests.edge_agent.gateway import GATEWAY, KEYS, wait_until
from tests.edge_agent.tls_central import TlsCentral
from tests.edge_agent.uplink_rig import Rig, Wish, start

STARTED_S = 40.0


class RealCentral(TlsCentral):
    """`edge-central serve` in a process of its own; for a rig, where it is and what it holds."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__()
        self.store = directory / "store"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        make_certificates(directory, datetime.datetime.now(datetime.UTC))
        central_main(["init", "--store", str(self.store)])
        self.receipts = Verifier.from_vkey(capsys.readouterr().out.strip())
        add = ["gateway", "add", GATEWAY, KEYS.signer.vkey, "--store", str(self.store)]
        assert central_main(add) == 0
        toml = central_toml("store", "127.0.0.1:0", "127.0.0.1:0")
        (directory / "central.toml").write_text(toml, encoding="utf-8")

    def start(self) -> None:
        log = self._directory / "central.log"
        command = [str(Path(sys.executable).parent / "edge-central"), "serve"]
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [*command, "--config", "central.toml"], cwd=self._directory, stderr=file
            )
        pattern = re.compile(r"intake at https://127\.0\.0\.1:(\d+)")
        assert wait_until(lambda: pattern.search(log.read_text()) is not None, STARTED_S)
        port = pattern.search(log.read_text())
        assert port is not None
        self.url = f"https://localhost:{port[1]}"

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(20.0) == 0
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def head(self, log: Log) -> int:
        """How many leaves it holds."""
        path = self.store / "central.sqlite3"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT size FROM head WHERE log = ?", (log.value,)).fetchone()
        return int(row[0]) if row else 0

    def stored(self, log: Log) -> list[Leaf]:
        """All leaves, while it is stopped."""
        from central.ledger.batches import BatchReader
        from central.store.database import open_store

        store = open_store(self.store)
        try:
            leaves = BatchReader(store).leaves(Origin(GATEWAY, log, 0), 0, self.head(log))
            return list(leaves)
        finally:
            store.close()


@pytest.fixture
def central(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[RealCentral]:
    central = RealCentral(tmp_path, capsys)
    yield central
    central.kill()


def arrived(rig: Rig, central: RealCentral) -> None:
    """Until central holds all that was recorded so far, and the gateway knows it."""
    for log in (Log.TELEMETRY, Log.BILLING):
        size = rig.reader.state(log).frontier.size
        assert wait_until(lambda log=log, size=size: rig.receipted(log) >= size, 20.0)
        assert central.head(log) >= size


@pytest.mark.long
@pytest.mark.parametrize("held", [True, False], ids=["sent again", "adopted"])
def test_a_backup_that_is_older_than_the_receipts(
    tmp_path: Path, central: RealCentral, held: bool
) -> None:
    """What the gateway holds is sent again, whole; of what it dropped a hole is named and alarmed;
    either way the log goes on."""
    wish = Wish(gated=True, receipts=central.receipts, deadline_s=10.0)
    central.start()
    rig = start(tmp_path, central, wish=wish)
    rig.record(3)
    arrived(rig, central)
    rig.close(5.0)
    central.stop()
    shutil.copytree(central.store, tmp_path / "backup")
    central.start()
    rig = start(tmp_path, central, wish=wish)
    rig.record(4)
    arrived(rig, central)
    rig.close(5.0)
    central.stop()
    shutil.rmtree(central.store)
    shutil.move(tmp_path / "backup", central.store)
    if not held:
        with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as journal, journal:
            journal.execute("DELETE FROM batch")
    kept = central.head(Log.TELEMETRY)
    central.start()
    rig = start(tmp_path, central, wish=wish)
    rig.record(4)
    arrived(rig, central)
    rig.close(5.0)
    central.stop()
    telemetry = [leaf.seq for leaf in central.stored(Log.TELEMETRY)]
    billing = central.stored(Log.BILLING)
    events = [leaf.body[0] for leaf in billing if leaf.kind is Kind.EVENT]
    with closing(sqlite3.connect(central.store / "central.sqlite3")) as connection:
        holes = connection.execute(
            'SELECT log, first, "end", why FROM hole ORDER BY log'
        ).fetchall()
    assert kept == 9
    if held:
        assert telemetry == list(range(33))
        assert [leaf.seq for leaf in billing] == list(range(len(billing)))
        assert holes == []
    else:
        assert telemetry == [*range(9), *range(21, 33)]
        assert ("telemetry", 9, 21, "lost-at-central") in holes
        assert "lost_at_central" in events
