"""The composition root: builds the parts, starts the threads, watches them, ends them in order."""

from __future__ import annotations

import logging
import os
import platform
import secrets
import sqlite3  # noqa: TID251  # only its version
import threading
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from edge_agent.acts.routes import act_routes
from edge_agent.bus.bus import BusThread
from edge_agent.bus.learned import LEARNED_NAME, Learned
from edge_agent.bus_tools.routes import bus_routes
from edge_agent.clock import Clock, mono_ms
from edge_agent.config.model import AgentConfig
from edge_agent.config_store.start import Started
from edge_agent.control.jobs import control_servers
from edge_agent.control.protocol import Route
from edge_agent.control.server import ControlServer
from edge_agent.doctor.causes import cause_routes
from edge_agent.journal.draft import Salts
from edge_agent.journal.journal import Journal
from edge_agent.journal.memory import Memory
from edge_agent.journal.reader import JournalReader
from edge_agent.keys.key_files import StateFiles
from edge_agent.keys.keys import KeyFileError, Keys
from edge_agent.keys.receipt_keys import ReceiptKeys
from edge_agent.link_test.flush import flush_routes, sizes_of
from edge_agent.observe.observation import Observation
from edge_agent.recorder import key_request
from edge_agent.recorder.errands import Errands
from edge_agent.recorder.gate_side import recorder_side
from edge_agent.recorder.recorder import Recorder
from edge_agent.recording.key_recording import KeyDesk
from edge_agent.remote.custody import Custody
from edge_agent.remote.routes import config_routes
from edge_agent.remote.wiring import Parts as KeptParts
from edge_agent.remote.wiring import custody_of
from edge_agent.status.collect import Sources, status_routes
from edge_agent.status.latest_scans import LatestScans
from edge_agent.supervise.ending import Parts, end_in_order, join_all
from edge_agent.supervise.notify import Notifier
from edge_agent.supervise.service import Begin, Service, watch_bus, watch_recorder, watch_uplink
from edge_agent.uplink.gate import Gate
from edge_agent.uplink.heads_check import HeadsCheck
from edge_agent.uplink.link_use import LinkUse
from edge_agent.uplink.order_fetch import OrderFetch
from edge_agent.uplink.receipt_file import ReceiptBox
from edge_agent.uplink.sealing import most_bytes
from edge_agent.uplink.token_bucket import TokenBucket
from edge_agent.uplink.transport import Answer, Transport
from edge_agent.uplink.uplink import Uplink
from protocols.evidence.note import Verifier
from protocols.evidence.receipt_keys import PATH as RECEIPT_KEYS_PATH

WATCH_S: Final = 0.5
CUSTODY_END_S: Final = 1.0
LINK_END_S: Final = 12.0  # before a reload: a connection that is being made, a bus under load
RELOAD: Final = -1
"""Instead of an exit status: all has ended in order, to begin anew with another configuration."""
_log = logging.getLogger(__name__)


class Agent:
    """All threads of one gateway. Build it, `run` it once."""

    def __init__(
        self,
        config: AgentConfig,
        keys: Keys,
        journal: Journal,
        memory: Memory,
        notifier: Notifier | None = None,
    ) -> None:
        self.clock = clock = Clock(memory.boot_no)
        self._journal = journal
        self._drain_s = config.central.drain_s
        self._stop_buses = threading.Event()
        self._recorder = Recorder(
            journal, memory, config, Salts(keys.gateway, keys.salt_secret), clock, program()
        )
        self._recorder.key_desk = KeyDesk(keys, os.urandom, StateFiles(config.state_dir))
        self._state_dir = config.state_dir
        self._told = ""
        self._reader = JournalReader(journal.path, config.gateway)
        central = config.central
        self._transport = Transport(central.url, central.ca, central.deadline_s, central.proxy)
        order_key = central.order_key
        orders = OrderFetch(
            self._transport,
            keys,
            Verifier.from_vkey(order_key) if order_key else None,
            lambda: self._recorder.memory.order_number,
            self._recorder.obey,
        )
        receipts = self._receipt_keys(central.receipt_key)
        check = HeadsCheck(self._reader, self._transport, keys, receipts)
        side = recorder_side(self._recorder, clock)
        use = LinkUse(
            TokenBucket(central.bytes_per_s, time.monotonic()),
            central.windows,
            urgent_connects=central.urgent_connects,
            utc_ms=lambda: clock.now().utc_ms,
        )
        self._uplink = Uplink(
            self._reader,
            self._transport,
            keys,
            receipts,
            self._recorder.settle,
            central.batch_s,
            time.monotonic,
            secrets.SystemRandom().random,
            orders,
            Gate(check, side, config.state_dir, keys.signer.vkey),
            use,
        )
        self._uplink.exchange.damaged = side.damaged
        self._uplink.exchange.most_bytes = most_bytes(central.bytes_per_s)
        self._uplink.box = ReceiptBox(
            config.state_dir, self._uplink.exchange, self._reader, keys, receipts
        )
        self._present(central.client_certificate, keys, clock)
        self._recorder.on_commit = self._uplink.notify
        learned = Learned(config.state_dir / LEARNED_NAME)
        latest = LatestScans(config.devices, self._recorder.deliver)
        self._buses = [
            BusThread(
                bus,
                config.devices_of(bus.name),
                clock,
                latest.deliver,
                self._stop_buses,
                secrets.SystemRandom().random,
                learned,
            )
            for bus in config.buses
        ]
        jobs = {bus.bus.name: bus.jobs for bus in self._buses}
        self._errands = Errands(config, jobs, clock, self._recorder.tell)
        self.routes: dict[str, Route] = {}  # what a technician may ask beside reads and writes
        recorder = self._recorder
        self.routes |= act_routes(recorder.note, lambda: recorder.memory, clock, config.state_dir)
        self.routes |= cause_routes(self._buses)
        self.routes |= flush_routes(self._uplink, lambda: sizes_of(self._recorder.memory))
        self.routes |= bus_routes(self._buses, recorder.note, recorder.tell, clock)
        sources = self._sources(config, clock, latest)
        self.routes |= status_routes(sources)
        self._observation = Observation(sources, self._stop_buses)
        self._open_control = partial(
            control_servers, config, jobs, self._recorder.note, clock, self._stop_buses, self.routes
        )
        self._control: list[ControlServer] = []
        uplink = self._uplink
        watched = [
            watch_recorder(recorder, config.journal.commit_s),
            watch_uplink(uplink, self._transport.abort),
            *map(watch_bus, self._buses),
        ]
        self._service = Service(
            notifier or Notifier(), config.state_dir, watched, recorder.note, clock.now
        )
        self._status = f"polls {len(config.devices)} devices on {len(self._buses)} buses"
        self.custody: Custody | None = None  # of the configuration, where there is a file of it

    def keep(
        self, started: Started, keys: Keys, hang_up: threading.Event, bundle: Callable[[], bytes]
    ) -> None:
        """Before `run`: keep to the configuration in force, which somebody may replace."""
        uplink, transport = self._uplink, self._transport
        parts = KeptParts(
            *(self._buses, uplink, self._recorder, transport, keys, self.clock),
            bundle=bundle,
        )
        self.custody = custody_of(started, parts, hang_up)
        self.routes |= config_routes(started.files.path)

    def _sources(self, config: AgentConfig, clock: Clock, latest: LatestScans) -> Sources:
        """What a snapshot is made of."""
        return Sources(
            *(config, clock, self._recorder, self._uplink, self._transport, self._buses, latest),
            journal=self._journal.path,
            version=version("gas-gateway"),
            threads=lambda: (*self._threads(), *self._control),
        )

    def _receipt_keys(self, pinned: str) -> ReceiptKeys:
        """The pinned one, and what central says of its successors."""

        def fetch() -> bytes | None:
            answer = self._transport.get(RECEIPT_KEYS_PATH, {})
            return answer.body if isinstance(answer, Answer) and answer.status == 200 else None

        files = StateFiles(self._state_dir)
        return ReceiptKeys(Verifier.from_vkey(pinned), files, fetch, time.monotonic)

    def _present(self, certificate: Path | None, keys: Keys, clock: Clock) -> None:
        """The client certificate, where a terminator asks for one; renewed in time."""
        if certificate is not None:
            # only here: x509 takes a megabyte that most gateways do without
            from edge_agent.uplink.certificate_renewal import Renewal

            self._transport.present(certificate)
            self._uplink.renewal = Renewal(
                self._transport, keys, certificate, lambda: clock.now().utc_ms
            )

    def run(self, stop: threading.Event) -> int:
        """Until `stop`, another configuration (RELOAD), or until a thread dies.

        The exit status: 0, or 1 for systemd to restart.
        """
        memory = self._recorder.memory
        sizes = ", ".join(f"{log} {head.size}" for log, head in memory.heads.items())
        _log.info("gateway %s, boot %d, leaves: %s", memory.gateway, memory.boot_no, sizes)
        ended = memory.ended
        self._recorder.first_facts = self._service.how_it_ended(
            unclean=ended is not None,
            same_boot=ended is not None and ended[0] == memory.boot_no,
        )
        threads = self._threads()
        self._control = control = self._open_control()
        self._service.watch_late(self.custody, control)
        for thread in (*threads, *control):
            thread.start()
        dead: list[str] = []
        while not dead and not self._is_replaced and not stop.wait(WATCH_S):
            begun = self._recorder.has_begun.is_set()
            begin = Begin(self._recorder.has_tried.is_set(), begun)
            self._service.look(mono_ms(), begin, self._status)
            self._errands.tick(self._recorder.memory.devices, mono_ms())
            self._observation.tick(mono_ms())
            self._look_for_wishes()
            self._uplink.look_at_box()
            if not self._is_replaced:
                dead = [thread.name for thread in (*threads, *control) if not thread.is_alive()]
        for name in dead:
            _log.critical("thread %s died; the agent ends, to be started again", name)
        self._service.ending(dead, replaced=self._is_replaced)
        stored = self._end()
        if stored and not dead and self._is_replaced and not stop.is_set():
            left = [thread.name for thread in threads if thread.is_alive()]
            if not left:
                return RELOAD
            _log.critical("threads do not end: %s; the process does, to be started again", left)
        is_wanted = stop.is_set() or not self._is_replaced
        return 0 if stored and not dead and is_wanted else 1

    def _threads(self) -> tuple[Recorder | Uplink | BusThread | Custody, ...]:
        """Those that must have ended before another agent begins."""
        custody = () if self.custody is None else (self.custody,)
        return (self._recorder, self._uplink, *self._buses, *custody)

    @property
    def _is_replaced(self) -> bool:
        """Another configuration is in force."""
        return self.custody is not None and self.custody.wants_reload.is_set()

    def _look_for_wishes(self) -> None:
        """`edge-agent key rotate` asks by a file."""
        try:
            wish = key_request.take(self._state_dir)
        except (OSError, KeyFileError) as error:
            if str(error) != self._told:
                self._told = str(error)
                _log.error("a request for a new log key is not taken up: %s", error)
            return
        if wish is not None and not self._recorder.rotate(wish):
            _log.error("no new log key now: too much to do; ask again")

    def _end(self) -> bool:
        """All threads, then what they used; True if all was stored."""
        if self.custody is not None:
            self.custody.end(CUSTODY_END_S)
        parts = Parts(self._stop_buses, self._buses, self._recorder, self._uplink, self._control)
        stored = end_in_order(parts, 0.0 if self._is_replaced else self._drain_s)
        if self._is_replaced:
            join_all((self._uplink, *self._buses), LINK_END_S)
        self._transport.close()
        self._reader.close()
        if not self._recorder.is_alive():
            self._journal.close()
        return stored


def program() -> str:
    """What runs, for the log of events."""
    return (
        f"gas-gateway {version('gas-gateway')}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}"
    )
