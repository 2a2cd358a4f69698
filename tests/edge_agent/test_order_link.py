"""Orders over a real TLS socket into a real journal: what is not in order leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

from edge_agent.journal.draft import Salts
from edge_agent.journal.journal import Journal
from edge_agent.journal.memory import OrderState
from edge_agent.journal.reader import JournalReader
from edge_agent.recorder.recorder import Recorder
from edge_agent.uplink.order_fetch import OrderFetch
from edge_agent.uplink.transport import Answer, Transport
from edge_agent.uplink.uplink import Uplink
from protocols.evidence.leaf import Log
from protocols.evidence.note import Signer
from protocols.evidence.order import check_request, sign_order
from tests.edge_agent.gateway import (
    BOOT_ID,
    GATEWAY,
    KEYS,
    RECEIPTS,
    VERSION,
    Polls,
    config_of,
    new_journal,
    wait_until,
)
from tests.edge_agent.ledger_law import Found, passed_counts, read_journal
from tests.edge_agent.recording.test_order_recording import NEW, ORDERS, OTHER, gas, order
from tests.edge_agent.tls_central import TlsCentral, serving

STRANGER = Signer.from_private_bytes("central-orders", b"x" * 32)
GOOD = sign_order(order(1, gas(NEW, at_ms=9_000)), ORDERS)


@dataclass
class Rig:
    """Recorder and uplink at work on one journal."""

    journal: Journal
    recorder: Recorder
    uplink: Uplink
    transport: Transport
    polls: Polls

    def record(self, rounds: int) -> None:
        for _ in range(rounds):
            for scan in self.polls.round():
                assert wait_until(lambda scan=scan: self.recorder.deliver(scan))
        assert wait_until(lambda: self.recorder._inbox.waiting() == 0)

    def end(self) -> Found:
        self.uplink.drain(8.0)
        self.recorder.end()
        self.recorder.join(5.0)
        self.transport.close()
        self.journal.close()
        return read_journal(self.journal.path)


def start(directory: Path, central: TlsCentral) -> Rig:
    config = config_of(directory)
    journal = new_journal(config)
    polls = Polls(config)
    memory = journal.load(config.gateway, BOOT_ID, 0)
    salts = Salts(KEYS.gateway, KEYS.salt_secret)
    recorder = Recorder(journal, memory, config, salts, polls.clock, VERSION)
    transport = Transport(central.url, directory / "ca.pem", 2.0)
    orders = OrderFetch(
        *(transport, KEYS, ORDERS.verifier),
        *(lambda: recorder.memory.order_number, recorder.obey),
    )
    uplink = Uplink(
        *(JournalReader(journal.path, config.gateway), transport, KEYS, RECEIPTS.verifier),
        *(recorder.settle, 0.1, monotonic, lambda: 0.0, orders),
    )
    recorder.on_commit = uplink.notify
    recorder.start()
    uplink.start()
    return Rig(journal, recorder, uplink, transport, polls)


@pytest.fixture
def central(tmp_path: Path) -> Iterator[TlsCentral]:
    with serving(tmp_path) as running:
        yield running


def test_an_order_comes_by_the_uplink_and_is_obeyed(tmp_path: Path, central: TlsCentral) -> None:
    """Told by a header, asked for with the gateway's signature, in force at its time."""
    central.orders, central.newest_order = [GOOD], 1
    rig = start(tmp_path, central)
    assert wait_until(lambda: rig.recorder.memory.order_number == 1)
    rig.record(8)
    assert wait_until(lambda: rig.recorder.memory.orders[1].state is OrderState.IN_FORCE)
    found = rig.end()
    assert [code for code in found.events() if code.startswith("gas")] == [
        "gas_order_received",
        "gas_order_in_force",
    ]
    ((path, request),) = central.asked
    assert path == f"/v1/orders/{GATEWAY}?after=0"
    check_request(GATEWAY, 0, request or "", KEYS.signer.verifier)
    booked = found.intervals()
    assert passed_counts(found) == booked[-1].totals[0].end - booked[0].totals[0].start
    assert len({record.config_hash for record in booked}) == 2
    assert central.leaves == found.leaves


@pytest.mark.parametrize(
    "notes",
    [
        [GOOD.replace(b"\n1\n", b"\n2\n")],
        [GOOD[:40] + bytes([GOOD[40] ^ 1]) + GOOD[41:]],
        [sign_order(order(1, gas()), STRANGER)],
        [sign_order(order(1, gas(), gateway="gw-2"), ORDERS)],
        [sign_order(order(2, gas(OTHER)), ORDERS), GOOD],
        [GOOD, GOOD],
    ],
    ids=["number changed", "bit changed", "another key", "another gateway", "reordered", "twice"],
)
def test_what_is_not_in_order_leaves_no_trace(
    tmp_path: Path, central: TlsCentral, caplog: pytest.LogCaptureFixture, notes: list[bytes]
) -> None:
    """It is told in the log; the journal, its gas and the uploads go on as they were."""
    central.orders, central.newest_order = notes, 2
    rig = start(tmp_path, central)
    assert wait_until(lambda: "no orders taken" in caplog.text)
    rig.record(8)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 24)
    found = rig.end()
    assert found.events() == ["agent_started"]
    assert rig.recorder.memory.order_number == 0
    assert len(central.asked) == 1


def test_an_obeyed_order_is_not_obeyed_again(
    tmp_path: Path, central: TlsCentral, caplog: pytest.LogCaptureFixture
) -> None:
    """Central gives it once more in the place of a newer one."""
    central.orders, central.newest_order = [GOOD], 1
    rig = start(tmp_path, central)
    assert wait_until(lambda: rig.recorder.memory.order_number == 1)
    central.newest_order = 2
    rig.record(8)
    assert wait_until(lambda: "order 1 comes after order 1" in caplog.text)
    assert rig.end().events().count("gas_order_received") == 1


@pytest.mark.parametrize("header", ["0", "01", "-1", "x", "9" * 30, ""])
def test_a_header_that_is_no_number_tells_of_nothing(
    tmp_path: Path, central: TlsCentral, header: str
) -> None:
    """Whatever stands there, the answer is taken for what it is."""
    central.faults.append(lambda request, body, _: request.send(418, b"tea", Gas_Orders=header))
    transport = Transport(central.url, tmp_path / "ca.pem", 2.0)
    answer = transport.post("/v1/upload", b"x")
    transport.close()
    assert answer == Answer(418, "text/plain", b"tea", 0)
