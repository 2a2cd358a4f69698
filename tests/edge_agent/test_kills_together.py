"""Orders, archives and regulators in one journal, killed before any statement of all of it."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from edge_agent.bus.poller import PolledScan
from edge_agent.journal.journal import FILE_NAME, Journal, Retention
from protocols.evidence.order import sign_order
from protocols.metering.quality import Quality
from protocols.registers.codec import encode
from protocols.registers.register_map import RegisterMap
from tests.edge_agent.gateway import UTC_MS, config_of
from tests.edge_agent.killed import Statements, killed
from tests.edge_agent.ledger_law import Found, passed_counts, read_journal
from tests.edge_agent.recording.test_order_recording import NEW, ORDERS, gas, order
from tests.edge_agent.served import HOUR_MS, NOON_MS, Served
from tests.edge_agent.test_archiving import GAP_H, UNIFLO, Rig, hours_of, prepare, uniflo_table
from tests.edge_agent.test_order_journal import gases

START_MS = NOON_MS - (GAP_H + 2) * HOUR_MS
ORDER = order(1, gas(NEW, at_ms=START_MS + 3 * HOUR_MS - UTC_MS))  # within the gap
MINUTE_MS = 60_000


class Together(Rig):
    """The rig of archives, with a transmitter that a regulator is judged by, and central."""

    def pressure(self, bar: float) -> None:
        device = next(one for one in self.config.devices if one.name == "p-1")
        map_ = RegisterMap.of(device.profile, ("p1_f32",))
        raws = (encode(map_.points[0], bar),)
        scan = PolledScan(device, self.clock.now(), Quality.GOOD, map_, raws)
        assert self.recorder.deliver(scan)

    def obey(self) -> None:
        self.recorder.obey(ORDER, sign_order(ORDER, ORDERS), timeout_s=0.0)
        assert self.recorder.turn()

    def round(self, at_ms: int, bar: float) -> None:
        """Both devices in one tick."""
        self.at(at_ms)
        self.pressure(bar)
        self.poll()

    def fill(self) -> None:
        """The archive, a tick for each step of the bus."""
        self.errands.tick(self.recorder.memory.devices, self.clock.mono_ms)
        while self.jobs["line-1"].step(self.exchange, self.clock.mono_ms):
            assert self.recorder.turn()
        assert self.recorder.turn()


def rig_of(directory: Path) -> Together:
    config = config_of(directory, uniflo_table())
    return Together(config, Served(UNIFLO), Journal(config.state_dir / FILE_NAME, Retention()))


def run(directory: Path, kill_at: int | None) -> int:
    """An order, a gap that it falls into, an archive, an outlet too high; statements run."""
    rig = rig_of(directory)
    assert rig.recorder.begin()
    rig.round(START_MS + MINUTE_MS, 3.0)
    statements = Statements(rig.journal.connection, kill_at)
    rig.obey()
    rig.round(START_MS + 2 * MINUTE_MS, 3.0)
    rig.round(START_MS + GAP_H * HOUR_MS + 12 * MINUTE_MS, 9.0)
    rig.round(START_MS + GAP_H * HOUR_MS + 13 * MINUTE_MS, 9.0)
    rig.fill()
    return statements.count


def resume(directory: Path) -> Found:
    """Started again: central asks again, the outlet is still too high, the archive is read on."""
    rig = rig_of(directory)
    rig.at(START_MS + GAP_H * HOUR_MS + 20 * MINUTE_MS)
    assert rig.recorder.begin()
    rig.obey()
    for minute in (20, 21):
        rig.round(START_MS + GAP_H * HOUR_MS + minute * MINUTE_MS, 9.0)
    rig.fill()
    rig.journal.close()
    return read_journal(rig.journal.path)


def test_a_kill_before_any_statement_of_all_of_it(tmp_path: Path) -> None:
    """Each fact once: the order, its gas, every record of the archive, the alarm; each count."""
    new = prepare(tmp_path / "new")
    shutil.copytree(new, tmp_path / "whole")
    statements = run(tmp_path / "whole", None)
    assert statements > 60
    whole = Counter(resume(tmp_path / "whole").events())
    assert whole["outlet_above"] == 1
    for statement in range(statements + 1):
        directory = tmp_path / f"at-{statement}"
        shutil.copytree(new, directory)
        killed(lambda _acknowledge, at=statement, to=directory: run(to, at))  # type: ignore[misc]
        found = resume(directory)
        told = Counter(found.events())
        for code in ("gas_order_received", "gas_order_in_force", "outlet_above"):
            assert told[code] == whole[code] == 1, (statement, code)
        assert gases(found) == [40_660_000, 39_730_000], statement
        assert hours_of(found) == [5, 6, 7, 8, 9, 10], statement
        booked = [record.totals[0] for record in found.intervals()]
        assert passed_counts(found) == booked[-1].end - booked[0].start > 0, statement
        shutil.rmtree(directory)
