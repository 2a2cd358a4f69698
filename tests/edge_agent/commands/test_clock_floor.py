"""The clock is no earlier than central's last receipt, once that is proven."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent import clock
from edge_agent.cli import main
from edge_agent.commands.clock_floor import Floor, floor_of, judge_clock
from edge_agent.journal.reader import JournalReader
from protocols.evidence.leaf import Log
from protocols.evidence.note import KeyType, Signer
from tests.edge_agent.gateway import GATEWAY, RECEIPTS, TOML, config_of, new_journal, wait_until
from tests.edge_agent.tls_central import TIME_S, serving
from tests.edge_agent.uplink_rig import start

NOON_S = int(datetime.datetime(2026, 3, 10, 12, tzinfo=datetime.UTC).timestamp())


@pytest.fixture(scope="module")
def receipted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gateway whose two logs have receipts, and its gateway.toml."""
    directory = tmp_path_factory.mktemp("floor")
    with serving(directory) as central:
        rig = start(directory, central)
        rig.record(3)
        assert wait_until(lambda: central.size(Log.TELEMETRY) == 9)
        rig.end()
    (directory / "gateway.toml").write_text(TOML, encoding="utf-8")
    return directory


@pytest.fixture
def reader(receipted: Path) -> Iterator[JournalReader]:
    reader = JournalReader(receipted / "state" / "journal.db", GATEWAY)
    yield reader
    reader.close()


def test_the_newest_receipt_of_both_logs(reader: JournalReader) -> None:
    """By central's clock, which signed them."""
    floor = floor_of(reader, RECEIPTS.verifier)
    assert TIME_S < floor.utc_s < TIME_S + 100
    assert floor.unproven == ""


def test_a_receipt_that_does_not_verify_is_no_floor(reader: JournalReader) -> None:
    """Whoever may write the journal cannot set the clock with it."""
    forger = Signer.from_private_bytes("central", b"f" * 32, KeyType.COSIGNATURE)
    floor = floor_of(reader, forger.verifier)
    assert floor.utc_s == 0
    assert "another key" in floor.unproven


@pytest.mark.parametrize(
    ("floor_s", "now_s", "told", "behind"),
    [
        (0, 12, "clock 1970-01-01 00:00:12 UTC; no receipt", False),
        (NOON_S, NOON_S, "not behind the last receipt, 2026-03-10 12:00:00 UTC", False),
        (NOON_S, NOON_S + 9 * 365 * 86_400, "clock 2035-03-08", False),
        (NOON_S, NOON_S - 1, "11:59:59 UTC; BEHIND the last receipt", True),
        (NOON_S, 0, "clock 1970-01-01 00:00:00 UTC; BEHIND", True),
    ],
)
def test_what_is_told(floor_s: int, now_s: int, told: str, behind: bool) -> None:
    """A clock that is ahead is another matter: no receipt says how far it may be."""
    found = judge_clock(Floor(floor_s), now_s)
    assert told in found.text
    assert found.is_behind is behind
    assert len(found.text) <= 100


def command(directory: Path, *arguments: str) -> int:
    return main(["clock-floor", "--config", str(directory / "gateway.toml"), *arguments])


def test_the_command(
    receipted: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 not behind or set, 1 behind, 2 could not."""
    assert command(receipted) == 0
    shown: list[int] = []
    monkeypatch.setattr(clock, "wall_ms", lambda: 12_000)
    assert command(receipted) == 1
    assert shown == []
    monkeypatch.setattr(clock, "set_wall", shown.append)
    assert command(receipted, "--set") == 0
    assert TIME_S < shown[0] < TIME_S + 100
    assert "set to it" in capsys.readouterr().out

    def denied(_utc_s: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(clock, "set_wall", denied)
    assert command(receipted, "--set") == 2
    assert "run it as root" in capsys.readouterr().err


def test_a_gateway_without_a_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its first boot: nothing is known, and nothing is made."""
    config = config_of(tmp_path)
    (tmp_path / "gateway.toml").write_text(TOML, encoding="utf-8")
    assert command(tmp_path) == 0
    assert not config.state_dir.exists()
    new_journal(config).close()
    assert command(tmp_path, "--set") == 0
    assert "no receipt" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_leaves_nothing_behind_that_the_agent_cannot_open(
    receipted: Path, tmp_path: Path
) -> None:
    """The unit runs as root, on the journal of another user: the files beside it stay his."""
    shutil.copytree(receipted, tmp_path / "site")
    state = tmp_path / "site" / "state"
    for path in (state, *state.iterdir()):
        os.chown(path, 1234, 1234)
    reader = JournalReader(state / "journal.db", GATEWAY)  # while it is open they are there
    assert command(tmp_path / "site") == 0
    owners = {path.name: path.stat().st_uid for path in state.iterdir()}
    reader.close()
    assert set(owners.values()) == {1234}, owners


FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed (apt: faketime)")
def test_a_process_that_starts_in_1970(receipted: Path) -> None:
    """A real one: it says so, and what the time is at least."""
    environment = os.environ | {
        "LD_PRELOAD": str(FAKETIME),
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME": "@1970-01-01 00:01:00",
        "TZ": "UTC",
    }
    toml = str(receipted / "gateway.toml")
    result = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "clock-floor", "--config", toml],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1, result.stderr
    assert "clock 1970-01-01 00:01:" in result.stdout
    shown = time.strftime("%Y-%m-%d", time.gmtime(TIME_S))
    assert f"BEHIND the last receipt, {shown}" in result.stdout
