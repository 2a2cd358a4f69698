"""A meter is changed while its bus and the link are down: what central books, and under whose name.

Real plant, agent and central. Before this no trial had an end that was right: the old serial number
came back in force, and the new meter's volume stood under it.
"""

from __future__ import annotations

import re
import sqlite3
from importlib import resources
from pathlib import Path

import pytest

from central.ledger.bodies import run_config_of
from edge_agent.config_store.files import ConfigFiles
from edge_agent.config_store.history import History
from protocols.evidence.leaf import decode_leaf
from tests.system.books import law_holds
from tests.system.link import Link
from tests.system.rig import GATEWAY, Rig
from tests.system.test_acts import index_of
from tests.system.test_first_law import stop_agent

WHO = ("--who", "Li Wei", "--reason", "verification", "--yes", "--config", "gateway.toml")
NEW = "21450399"
RUN, METER = "R2", "meter-2"


class WiredRig(Rig):
    """The TCP bus, on which R2's meter is, comes through a link that can be cut; a short trial."""

    def _place_agent(self) -> None:
        path = self.directory / "gateway.toml"
        text = path.read_text()
        (port,) = re.findall(r"(?m)^tcp_port = (\d+)", text)
        self.wire = Link(int(port))
        text = text.replace(f"tcp_port = {port}", f"tcp_port = {self.wire.port}")
        path.write_text(f"[remote]\ntrial_seconds = 5\n\n{text}")

    def __exit__(self, *args: object) -> None:
        super().__exit__(*args)
        if hasattr(self, "wire"):
            self.wire.close()

    def history(self) -> History:
        """What the agent remembers of its configurations."""
        files = ConfigFiles(self.directory / "gateway.toml", self.directory / "state")
        with files.locked():
            return files.history()

    def serial(self) -> str:
        """Of R2's meter, in gateway.toml."""
        text = (self.directory / "gateway.toml").read_text()
        found = re.search(rf'name = "{METER}".*?\nserial = "(.*?)"', text, re.DOTALL)
        return found[1] if found else ""

    def segments(self, run: str = RUN) -> set[int]:
        """As central knows them."""
        rows = self.get(f"/api/runs/{GATEWAY}/{run}/continuity")["law"]
        return {row["segment"] for row in rows}


@pytest.mark.long
def test_a_meter_that_is_changed_in_an_outage(tmp_path: Path) -> None:
    """Dead bus, dead link, a kill, a torn file: each segment is of one meter, and its law holds."""
    with WiredRig(tmp_path) as rig:
        rig.wait("the first intervals", lambda: (rig.summary() or {}).get("intervals", 0) >= 9)
        old, index = rig.serial(), index_of(rig, METER)
        rig.wire.cut()
        rig.link.cut()
        indexes = ("--old-index", f"line={index}", "--new-index", f"line={index}")
        rig.command("edge-agent", "meter", "replace", RUN, *indexes, "--new-serial", NEW, *WHO)
        rig.kill("agent")
        rig.start("agent")
        # three times as long as a trial
        rig.wait("it is called good", lambda: rig.history().good == rig.history().current)
        assert (rig.serial(), rig.history().trial) == (NEW, None)
        rig.command("edge-agent", "config", "rollback", "1", *WHO, status=1)
        _tear(rig)
        rig.wire.mend()
        rig.link.mend()
        rig.wait("the new meter's intervals", lambda: 1 in rig.segments(), within_s=120.0)
        stop_agent(rig)
        rig.wait("central's ledger", rig.has_followed, within_s=120.0)
        for name in ("central", "plant"):
            rig.stop(name)
        assert "Traceback" not in rig.log("agent")
        _check(rig, old)
        before = _meters(rig)
        rig.command("edge-central", "rebuild", "--store", "store")
        assert _meters(rig) == before


@pytest.mark.long
def test_a_meter_that_is_removed_and_one_that_is_read_by_another_profile(tmp_path: Path) -> None:
    """R3's comes back from the test bench, R2's gets a profile of the site: each begins a segment.

    Central finds nothing to object to, and makes every interval again.
    """
    with WiredRig(tmp_path) as rig:
        rig.wait("the first intervals", lambda: (rig.summary() or {}).get("intervals", 0) >= 9)
        path = rig.directory / "gateway.toml"
        held = path.read_text()
        index = f"line={index_of(rig, 'meter-3')}"
        rig.command("edge-agent", "meter", "remove", "R3", "--old-index", index, *WHO)
        assert '# id = "R3"' in path.read_text()
        # nothing of it was on trial: the next one need not wait
        rig.wait("it is taken over", lambda: "R3" not in _runs(rig))
        (rig.directory / "own.toml").write_text(_own_profile())
        back = re.sub(
            rf'(name = "{METER}".*?\nprofile = )"sick-flowsic500"',
            r'\1"own.toml"',
            held,
            count=1,
            flags=re.DOTALL,
        )
        (rig.directory / "back.toml").write_text(back)
        rig.command("edge-agent", "config", "apply", "back.toml", *WHO)
        rig.wait("R3 again", lambda: 1 in rig.segments("R3"), within_s=120.0)
        rig.wait("R2 anew", lambda: 1 in rig.segments("R2"), within_s=120.0)
        stop_agent(rig)
        rig.wait("central's ledger", rig.has_followed, within_s=120.0)
        for name in ("central", "plant"):
            rig.stop(name)
        _check_law(rig)
        assert {run: len(_meters(rig, run)) for run in ("R1", "R2", "R3")} == {
            "R1": 1, "R2": 2, "R3": 2,
        }  # fmt: skip


def _runs(rig: WiredRig) -> str:
    """What the agent shows now; nothing while it begins anew."""
    try:
        return rig.command("edge-agent", "status", "--json", "--config", "gateway.toml", status=1)
    except AssertionError:
        return "R3"


def _own_profile() -> str:
    """The same registers under another name."""
    path = resources.files("protocols.registers") / "profiles" / "sick-flowsic500.toml"
    return path.read_text(encoding="utf-8").replace('"sick-flowsic500"', '"site-own"')


def _tear(rig: WiredRig) -> None:
    """A power cut leaves zeroes in the place of gateway.toml; then the remedy that is told."""
    path = rig.directory / "gateway.toml"
    rig.kill("agent")
    path.write_bytes(bytes(2000))
    rig.start("agent")
    rig.wait("it runs what was in force", lambda: rig.has_said("agent", "last good version runs"))
    rig.command("edge-agent", "config", "rollback", *WHO)
    assert rig.serial() == NEW


def _check(rig: WiredRig, old: str) -> None:
    """Every interval was booked under the meter of its segment; the change is told once."""
    assert _meters(rig) == {0: {old}, 1: {NEW}}
    _check_law(rig)
    with sqlite3.connect(rig.store / "central.sqlite3") as central:
        # the agent's own event; the person's statement is one of the same code
        events = "SELECT old, new, detail FROM event WHERE code = 'meter_replaced' ORDER BY seq"
        told, _said = central.execute(events).fetchall()
        assert told[:2] == (f'"{old}"', f'"{NEW}"')
        assert told[2].startswith("end index ")
        said = central.execute("SELECT count(*) FROM statement WHERE code = 'meter_replaced'")
        assert said.fetchone() == (1,)
    central.close()


def _check_law(rig: WiredRig) -> None:
    """Of every segment; no interval comes out otherwise, and nothing is alarmed of the log."""
    assert law_holds(rig)
    with sqlite3.connect(rig.store / "central.sqlite3") as central:
        found = central.execute("SELECT DISTINCT recompute FROM interval").fetchall()
        alarms = central.execute("SELECT code, detail FROM alarm").fetchall()
    central.close()
    assert (found, alarms) == ([("agrees",)], [])


def _meters(rig: WiredRig, run: str = RUN) -> dict[int, set[str]]:
    """Which meter a run's intervals were configured with, by segment of the line index."""
    found: dict[int, set[str]] = {}
    with sqlite3.connect(rig.store / "central.sqlite3") as central:
        rows = central.execute(
            "SELECT interval_total.segment, configuration.leaf FROM interval"
            " JOIN interval_total USING (gateway, run, epoch, seq)"
            " JOIN configuration ON configuration.hash = interval.config_hash"
            " WHERE interval.run = ? AND interval_total.point = 'vm'",
            (run,),
        )
        for segment, leaf in rows:
            serial = run_config_of(decode_leaf(leaf)).meter_serial
            found.setdefault(segment, set()).add(serial)
    central.close()
    return found
