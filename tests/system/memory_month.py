"""`python -m tests.system.memory_month DIRECTORY TIMES HOURS POLL_S`: eight runs in simulated time.

Recorder, journal, uplink, errands and the main thread's housekeeping in a process of their own,
driven in one thread; central and instruments are the real ones, without a socket. Prints the memory
TIMES times, in kB, each after so many hours.
"""

from __future__ import annotations

import logging
import random
import sys
import threading
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import edge_agent.agent  # all that the agent loads
from edge_agent.bus.bus import BusThread
from edge_agent.bus.jobs import Jobs
from edge_agent.heap import keep_small, set_apart
from edge_agent.journal.draft import Salts
from edge_agent.journal.reader import JournalReader
from edge_agent.observe.observation import Observation
from edge_agent.recorder.errands import Errands
from edge_agent.recorder.recorder import Recorder
from edge_agent.recorder.tick_work import Request
from edge_agent.status.collect import Sources, snapshot
from edge_agent.status.latest_scans import LatestScans
from edge_agent.uplink.gate import Gate
from edge_agent.uplink.heads_check import HeadsCheck
from edge_agent.uplink.transport import Answer, Transport
from edge_agent.uplink.uplink import Uplink
from protocols.evidence.heads import PATH as HEADS_PATH
from protocols.evidence.order import REQUEST_HEADER
from protocols.modbus.answer import Asked, Checked, check_answer
from simulators.plausible import Now
from tests.edge_agent.gateway import (
    BOOT_ID,
    GATEWAY,
    KEYS,
    RECEIPTS,
    VERSION,
    Polls,
    config_of,
    new_journal,
)
from tests.system.eight_runs import RUNS, ForgetfulCentral, eight_runs_toml, instruments, rss_kb

HOUR_S = 3_600
STEP_S = 300  # of the uplink


class TurnedRecorder(Recorder):
    """Does what is asked at once, in the thread that asks."""

    def _request(self, request: Request, timeout_s: float) -> bool:
        return self._inbox.order(request) and self.turn() and request.done.is_set()


class Link(Transport):
    """A central in the same thread. A tenth of all requests finds no answer."""

    def __init__(self, central: ForgetfulCentral) -> None:
        super().__init__("https://localhost:1", None)
        self._central = central
        self._dice = random.Random(1)

    def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        assert path == f"{HEADS_PATH}{GATEWAY}"
        return Answer(*_order(self._central.tell_heads(headers[REQUEST_HEADER])))

    def post(self, path: str, body: bytes, unsent: str | None = None) -> Answer:
        if self._dice.random() < 0.1:
            return Answer(503, "text/plain", b"busy")
        status, answer = self._central.take(body)
        return Answer(status, "text/plain", answer)


def _order(told: tuple[int, bytes, str]) -> tuple[int, str, bytes]:
    status, body, kind = told
    return status, kind, body


class Month:
    """One gateway; `pass_hours` lets time pass."""

    def __init__(self, directory: Path, poll_s: int) -> None:
        text = eight_runs_toml(poll_s, 300, 300, 1, "https://localhost:1")
        table = tomllib.loads(text, parse_float=Decimal)
        table["journal"]["retention_days"] = 2
        self._poll_s = poll_s
        config = config_of(directory, table)
        self._journal = new_journal(config)
        self._polls = EightRuns(config, poll_s)
        memory = self._journal.load(GATEWAY, BOOT_ID, 0)
        clock = self._polls.clock
        salts = Salts(GATEWAY, KEYS.salt_secret)
        recorder = TurnedRecorder(self._journal, memory, config, salts, clock, VERSION)
        self._recorder = recorder
        self._now_s = 0.0
        link = Link(ForgetfulCentral())
        reader = JournalReader(self._journal.path, GATEWAY)
        side = edge_agent.agent.recorder_side(recorder, clock)
        check = HeadsCheck(reader, link, KEYS, RECEIPTS.verifier)
        self._uplink = Uplink(
            reader, link, KEYS, RECEIPTS.verifier, recorder.settle, 300.0, lambda: self._now_s,
            random.Random(2).random, None, Gate(check, side, config.state_dir, KEYS.signer.vkey),
        )  # fmt: skip
        recorder.on_commit = self._uplink.notify
        self._latest = LatestScans(config.devices, recorder.deliver)
        stop = threading.Event()
        buses = [BusThread(bus, config.devices, clock, self._latest.deliver, stop)
                 for bus in config.buses]  # fmt: skip
        self._sources = Sources(
            *(config, clock, recorder, self._uplink, link, buses, self._latest),
            journal=self._journal.path,
            version=VERSION,
            threads=lambda: (),
        )
        self._observation = Observation(self._sources, stop)
        self._instruments = instruments()
        self._jobs = Jobs()
        self._errands = Errands(config, {"lan": self._jobs}, clock, recorder.tell)
        assert recorder.begin()

    def pass_hours(self, hours: int) -> None:
        """Polls, a commit each round; each five minutes the uplink and what the main thread does
        (health and the clocks of eight meters each hour); a look at all of it each hour."""
        for step in range(hours * HOUR_S // STEP_S):
            for _ in range(STEP_S // self._poll_s):
                for scan in self._polls.round():
                    assert self._latest.deliver(scan)
                assert self._recorder.turn()
            end_s = self._now_s + STEP_S
            while self._now_s < end_s:
                self._now_s = min(end_s, self._now_s + max(1.0, self._uplink.turn()))
            self._observation.tick(round(1000 * self._now_s))
            clock = self._polls.clock
            self._errands.tick(self._recorder.memory.devices, clock.mono_ms)
            while self._jobs.step(self._exchange, clock.mono_ms):
                pass
            if step % 12 == 0:
                snapshot(self._sources, round(1000 * self._now_s)).to_json()

    def _exchange(self, asked: Asked) -> Checked:
        elapsed_ms = round(1000 * self._now_s) + 1000 * HOUR_S
        now = Now(elapsed_ms, elapsed_ms, self._polls.clock.now().utc_ms or 0)
        pdu = self._instruments[asked.unit].answer(asked.unit, asked.pdu, now)
        assert pdu is not None
        return check_answer(asked, asked.unit, pdu)


class EightRuns(Polls):
    """Rounds of all instruments; each meter passes another volume, one is silent at times."""

    def __init__(self, config, poll_s: int) -> None:  # type: ignore[no-untyped-def]
        super().__init__(config)
        self._poll_ms = 1000 * poll_s
        self._rounds = 0

    def round(self):  # type: ignore[no-untyped-def]
        self.clock.mono_ms += self._poll_ms
        self._rounds += 1
        scans = []
        for n in range(1, RUNS + 1):
            index = 1000 * n + (5 + n) * self._rounds
            wave = 0.001 * (self._rounds % 997)
            is_silent = n == RUNS and self._rounds % 500 < 20
            quality = 128 if is_silent else 0
            scans += [
                self.scan(f"p-{n}", p1_f32=3.0 + wave, tob1_f32=15.0),
                self.scan(f"t-{n}", static_pressure=60.0, process_temperature=59.0 + wave),
                self.scan(f"meter-{n}", quality, vm=index, vb=index, resolution_vm=-3,
                          resolution_vb=-3),
            ]  # fmt: skip
        return scans


def main() -> None:
    directory, (times, hours, poll_s) = Path(sys.argv[1]), map(int, sys.argv[2:])
    keep_small()
    set_apart()
    logging.basicConfig(level=logging.CRITICAL)
    month = Month(directory, poll_s)
    for _ in range(times):
        month.pass_hours(hours)
        print(rss_kb("self"), flush=True)


if __name__ == "__main__":
    main()
