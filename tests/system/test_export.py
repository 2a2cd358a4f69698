"""An export of a hard life, by real programs: kills, both kinds of keys changed, a journal lost."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.system.rig import GATEWAY, Rig

WHO = ("--who", "Li Wei", "--reason", "test")


def head(rig: Rig, log: str = "billing") -> tuple[int, int]:
    """Where central's copy of a log ends: epoch and size."""
    with sqlite3.connect(f"file:{rig.store / 'central.sqlite3'}?mode=ro", uri=True) as store:
        row = store.execute(
            "SELECT epoch, size FROM head WHERE log = ? ORDER BY epoch DESC LIMIT 1", (log,)
        ).fetchone()
    return (-1, 0) if row is None else (int(row[0]), int(row[1]))


def waits_for_more(rig: Rig, what: str, leaves: int = 4) -> None:
    """Central takes more billing leaves than it had."""
    epoch, size = head(rig)
    rig.wait(what, lambda: head(rig) >= (epoch, size + leaves))


def verified(rig: Rig, name: str, *limits: str) -> str:
    """Export and verify; what `edge-agent verify` says, as one line."""
    of = ["--store", "store", "--gateway", GATEWAY]
    rig.command("edge-central", "export", *of, *limits, "--out", name)
    return " ".join(rig.command("edge-agent", "verify", name).split())


@pytest.mark.long
def test_everything_that_happened_is_proven(tmp_path: Path) -> None:
    """Killed, rotated, and its journal thrown away: the export has no flaw and tells of it all."""
    with Rig(tmp_path) as rig:
        waits_for_more(rig, "the first batches")
        rig.kill("agent")
        rig.start("agent")
        waits_for_more(rig, "batches after a kill")
        rig.command("edge-agent", "key", "rotate", "--state", "state", *WHO)
        rig.command("edge-central", "receipt-key", "rotate", "--store", "store")
        waits_for_more(rig, "batches under the new keys", 8)
        first = verified(rig, "running")
        assert "PROVEN: export of gateway gw-1" in first
        rig.stop("agent")
        for path in (tmp_path / "state").glob("journal*"):
            path.unlink() if path.is_file() else shutil.rmtree(path)
        epoch = head(rig)[0]
        rig.start("agent")
        rig.wait("the new epoch", lambda: head(rig)[0] > epoch)
        waits_for_more(rig, "batches of the new epoch", 8)
        rig.stop("agent")
        rig.wait("the ledger", rig.has_followed)
        whole = verified(rig, "whole")
        assert f"epoch {epoch + 1} began at leaf" in whole
        assert "between two segments" in whole  # while nobody looked the gas went on
        assert "NOT PROVEN: export" not in whole
        rig.stop("central")
        place = tmp_path / "one"
        of = ["--store", "store", "--gateway", GATEWAY]
        rig.command("edge-central", "prove", *of, "--epoch", "0", "--seq", "3", "--out", str(place))
        rig.command("edge-central", "prove", *of, "--seq", "3", "--out", str(tmp_path / "two"))
        for one in ("one", "two"):
            assert "PROVEN" in rig.command("edge-agent", "verify", one)
