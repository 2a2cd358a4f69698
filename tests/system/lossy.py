"""A gateway and the real intake in one thread and in simulated time, with a lossy link between.

Recorder, journal, uplink, intake and store are the real ones; the link loses, doubles, delays and
damages whole requests and answers as a seeded dice says, and takes the time that this costs.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from central.intake.answer import Answer as CentralAnswer
from central.intake.service import Intake
from central.ledger.batches import BatchReader
from central.receipt_keys import ReceiptKeys
from central.registry import add_gateway
from central.store.database import create_store
from edge_agent.config.model import AgentConfig
from edge_agent.journal.draft import Salts
from edge_agent.journal.reader import JournalReader
from edge_agent.recorder.gate_side import recorder_side
from edge_agent.recorder.recorder import Recorder
from edge_agent.uplink.gate import Gate
from edge_agent.uplink.heads_check import HeadsCheck
from edge_agent.uplink.transport import REQUEST_BYTES, Answer, LinkFailure, Transport
from edge_agent.uplink.uplink import Uplink
from protocols.evidence.adopt import PATH as ADOPT_PATH
from protocols.evidence.heads import PATH as HEADS_PATH
from protocols.evidence.leaf import Leaf, Log, Origin
from protocols.evidence.order import REQUEST_HEADER
from tests.edge_agent.gateway import (
    BOOT_ID,
    GATEWAY,
    KEYS,
    RECEIPTS,
    UTC_MS,
    VERSION,
    Polls,
    config_of,
    new_journal,
    table,
)

DEADLINE_S = 30.0
POLL_S = 60
STEP_S = 300  # of the simulation: so many polls are one commit
POINTS = {  # what the run needs, and no more: packing is most of the time
    "meter-1": ["vm", "vb", "resolution_vm", "resolution_vb"],
    "p-1": ["p1_f32"],
    "t-1": ["process_temperature"],
}
MOST_LATE = 8  # requests that are still on their way


class TurnedRecorder(Recorder):
    """Does what is asked at once, in the thread that asks."""

    def _request(self, request: Any, timeout_s: float) -> bool:
        return self._inbox.order(request) and self.turn() and request.done.is_set()


class Link(Transport):
    """What a `Transport` does, without sockets. `odds`: of each fault, for one request."""

    FAULTS = ("drop", "lost_answer", "double", "late", "cut", "flip", "cut_answer", "reset", "slow")

    def __init__(self, intake: Intake, seed: int, odds: float) -> None:
        self._intake = intake
        self._dice = random.Random(seed)
        self._odds = odds
        self._late: list[bytes] = []
        self.bytes_out = self.bytes_in = 0
        self.spent_s = 0.0
        self.is_down = False
        self.seen: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()

    def close(self) -> None:
        """There is nothing to close."""

    def get(self, path: str, headers: Mapping[str, str]) -> Answer | LinkFailure:
        """Heads."""
        assert path == f"{HEADS_PATH}{GATEWAY}"
        return self._pass(b"", lambda _: self._intake.heads(GATEWAY, headers[REQUEST_HEADER]))

    def post(self, path: str, body: bytes, unsent: str | None = None) -> Answer | LinkFailure:
        """An upload, or an adoption."""
        if path == ADOPT_PATH:
            return self._pass(body, self._intake.adopt)
        return self._pass(body, self._intake.receive)

    def _pass(self, body: bytes, ask: Any) -> Answer | LinkFailure:
        self.spent_s += 0.3
        if not self.is_down:  # else there is no connection that anything could go over
            self.bytes_out += len(body) + REQUEST_BYTES
        fault = self._dice.choice(self.FAULTS) if self._dice.random() < self._odds else "none"
        fault = "down" if self.is_down else fault
        self.seen[fault] += 1
        if self._late and not self.is_down and self._dice.random() < 0.3:
            at = self._dice.randrange(len(self._late))
            self._intake.receive(self._late.pop(at))  # overtaken by others, and nobody waits for it
        if fault in ("down", "drop", "late", "slow", "reset"):
            if fault == "late" and body and len(self._late) < MOST_LATE:
                self._late.append(body)
            self.spent_s += DEADLINE_S if fault != "reset" else 0.0
            if fault == "slow":
                ask(body)
            return LinkFailure(f"{fault}: no answer", "wait")
        if fault == "double":
            ask(body)
        if fault in ("cut", "flip") and body:
            body = self._damaged(body, fault)
        answer = self._told(ask(body))
        if fault == "lost_answer":
            return LinkFailure("no answer", "wait")
        if fault == "cut_answer":
            return answer._replace(body=answer.body[: len(answer.body) // 2])
        return answer

    def _damaged(self, body: bytes, fault: str) -> bytes:
        at = self._dice.randrange(len(body))
        if fault == "cut":
            return body[:at]
        return body[:at] + bytes([body[at] ^ 1 << self._dice.randrange(8)]) + body[at + 1 :]

    def _told(self, answer: CentralAnswer) -> Answer:
        self.statuses[answer.status] += 1
        self.bytes_in += len(answer.body)
        kind = answer.content_type.decode().split(";")[0]
        return Answer(answer.status, kind, answer.body, answer.newest_order, answer.retry_after_s)


class Simulation:
    """Both sides. `run` lets time pass; `leaves` are central's."""

    def __init__(self, directory: Path, seed: int, odds: float, batch_s: float = 300.0) -> None:
        directory.mkdir(exist_ok=True)
        self.config = _config(directory)
        self.journal = new_journal(self.config)
        self.polls = Polls(self.config, step=40)
        self.store = create_store(directory / "store")
        self.now_s = 0.0  # of the uplink
        add_gateway(self.store, GATEWAY, KEYS.signer.vkey, self._utc_ms)
        self.intake = Intake(
            self.store, lambda: ReceiptKeys.of(RECEIPTS), self._utc_ms, lambda: None
        )
        memory = self.journal.load(GATEWAY, BOOT_ID, 0)
        salts = Salts(GATEWAY, KEYS.salt_secret)
        clock = self.polls.clock
        self.recorder = TurnedRecorder(self.journal, memory, self.config, salts, clock, VERSION)
        self.reader = JournalReader(self.journal.path, GATEWAY)
        self.link = Link(self.intake, seed, odds)
        check = HeadsCheck(self.reader, self.link, KEYS, RECEIPTS.verifier)
        side = recorder_side(self.recorder, clock)
        dice = random.Random(seed)
        self.uplink = Uplink(
            self.reader, self.link, KEYS, RECEIPTS.verifier, self.recorder.settle, batch_s,
            lambda: self.now_s, dice.random, None,
            Gate(check, side, self.config.state_dir, KEYS.signer.vkey),
        )  # fmt: skip
        self.recorder.on_commit = self.uplink.notify
        assert self.recorder.begin()

    def run(self, duration_s: int) -> None:
        """Polls each minute, a commit each five, and whatever the uplink makes of the time."""
        for _ in range(duration_s // STEP_S):
            for _ in range(STEP_S // POLL_S):
                self.polls.clock.mono_ms += 1000 * POLL_S - 2000
                for scan in self.polls.round():
                    assert self.recorder.deliver(scan)
            assert self.recorder.turn()
            self._turn_uplink(self.now_s + STEP_S)

    def settle(self) -> None:
        """A good link, until nothing waits."""
        self.link._odds = 0.0
        for _ in range(1000):
            if self.uplink.exchange.pending() == 0:
                return
            self._turn_uplink(self.now_s + STEP_S)
        raise AssertionError("it never arrives")

    def leaves(self, log: Log) -> list[Leaf]:
        """As central stored them."""
        state = self.reader.state(log)
        reader = BatchReader(self.store)
        return list(reader.leaves(Origin(GATEWAY, log, 0), 0, state.frontier.size))

    def close(self) -> None:
        self.intake.close()
        self.store.close()
        self.reader.close()
        self.journal.close()

    def _turn_uplink(self, end_s: float) -> None:
        while self.now_s < end_s:
            spent_s = self.link.spent_s
            wait_s = self.uplink.turn()
            self.now_s += self.link.spent_s - spent_s
            if wait_s > 0:
                self.now_s = min(max(self.now_s, end_s), self.now_s + wait_s)

    def _utc_ms(self) -> int:
        return UTC_MS + round(1000 * self.now_s)


def _config(directory: Path) -> AgentConfig:
    changed = table()
    changed["run"][0]["interval_seconds"] = 300
    changed["run"][0]["stale_seconds"] = 200
    for device in changed["device"]:
        device["poll_seconds"] = POLL_S
        device["points"] = POINTS[device["name"]]
    changed["journal"]["retention_megabytes"] = 10_000
    return config_of(directory, changed)
