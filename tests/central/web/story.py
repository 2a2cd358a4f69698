"""A gateway's morning, for the tests of pages and API: real scans, pipeline, uploads and intake.

Boiler house 3 in Shanghai polls each 30 s from 05:30 to 09:30, over the gas day's 08:00; for ten
minutes the pressure transmitter is silent. Nothing here is a mock: the rows that pages show are
derived by central from the signed batches.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from central.intake.service import Intake
from central.ledger.batches import BatchReader
from central.ledger.follow import follow
from central.receipt_keys import ReceiptKeys
from central.registry import register
from central.store.database import Store, create_store
from protocols.evidence.leaf import NO_REFERENCE, Kind, Leaf, Log, Origin
from protocols.evidence.merkle import EMPTY, Frontier
from protocols.evidence.note import KeyType, Signer
from protocols.evidence.salt import salt_of
from protocols.evidence.upload import encode_upload, seal
from protocols.metering.gas import Gas
from protocols.metering.instant import ClockState, Instant
from protocols.metering.quality import Quality
from protocols.metering.run import RunState, close, step
from protocols.metering.run_config import Role, RunConfig, Source, Total
from protocols.metering.scan import Scan
from protocols.registers.codec import decode_scan, encode
from protocols.registers.library import load_profile
from protocols.registers.register_map import RegisterMap
from tests.protocols.metering.regulators import regulator

GATEWAY = "gw-1"
RUN = "R1"
# 2026-03-10T21:30:00Z is 05:30 of the 11th in Shanghai: still the gas day of the 10th.
BEGIN_MS = 1_773_178_200_000
POLL_MS = 30_000
POLLS = 480
END_MS = BEGIN_MS + POLLS * POLL_MS
NOW_MS = END_MS + 20_000
SILENT = range(200, 220)

METER = RegisterMap.of(
    load_profile("sick-flowsic500"), ("resolution_vm", "resolution_vb", "vm", "vm_err", "vb")
)
KELLER = RegisterMap.of(load_profile("keller-33x"), ("p1_f32", "tob1_f32"))
ROSEMOUNT = RegisterMap.of(load_profile("rosemount-3095fb"), ("process_temperature",))
SERIALS = {"M-100": METER, "K-200": KELLER, "T-300": ROSEMOUNT, "K-400": KELLER}

CONFIG = RunConfig(
    run=RUN,
    meter_serial="M-100",
    totals=(
        Total("vm", Role.LINE, 10**9),
        Total("vm_err", Role.LINE_ERROR, 10**9),
        Total("vb", Role.BASE, 10**9),
    ),
    line_exponent=-3,
    base_exponent=-3,
    line_exponent_point="resolution_vm",
    base_exponent_point="resolution_vb",
    qmax_l_h=250_000,
    pressure=Source("K-200", "p1_f32", True, 4_000_000, 900_000, 11_000_000),
    temperature=Source("T-300", "process_temperature", False, 288_150, 233_150, 353_150),
    atmosphere_dpa=1_013_250,
    method="SGERG-88",
    k_e9=0,
    gas=Gas(
        *("grid", (), 40_660_000, 581_000_000, 6_000_000),
        superior_j_m3=37_500_000,
        combustion="20",
    ),
    base_pressure_dpa=1_013_250,
    base_temperature_mk=293_150,
    interval_ms=300_000,
    stale_ms=60_000,
    zone="Asia/Shanghai",
    gas_day_start_hour=8,
)
SITE_BODY = (
    "gateway",
    "Boiler house 3",
    "Asia/Shanghai",
    8,
    1_013_250,
    "ab" * 32,
    tuple((serial, serial, table.profile, "line-1", POLL_MS) for serial, table in SERIALS.items()),
    (),
    (regulator("PR1", "K-400", "p1_f32").to_body(),),
)


class Poll(NamedTuple):
    """One device's answer at one instant."""

    serial: str
    instant: Instant
    quality: int
    raws: tuple[int | None, ...]


class Gateway:
    """The gateway's side: leaves of both logs, sealed and handed to an intake."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.signer = Signer.from_private_bytes(name, bytes(range(32)))
        self._secret = bytes(32)
        self._frontiers: dict[Log, Frontier] = {Log.BILLING: EMPTY, Log.TELEMETRY: EMPTY}
        self._waiting: dict[Log, list[Leaf]] = {Log.BILLING: [], Log.TELEMETRY: []}

    def add(
        self,
        kind: Kind,
        subject: str,
        reference: bytes,
        at: Instant,
        body: tuple[object, ...],
        quality: int = 0,
    ) -> int:
        """Append one leaf; its seq."""
        origin = Origin(self.name, kind.log, 0)
        waiting = self._waiting[kind.log]
        seq = self._frontiers[kind.log].size + len(waiting)
        salt = salt_of(self._secret, origin, seq)
        waiting.append(
            Leaf(kind, self.name, 0, seq, subject, reference, *at, quality, body, salt)  # type: ignore[arg-type]
        )
        return seq

    def upload(self, intake: Intake) -> None:
        """Seal what waits, billing first, and see it accepted."""
        for log, waiting in self._waiting.items():
            if not waiting:
                continue
            origin = Origin(self.name, log, 0)
            sealed = seal(origin, self._frontiers[log], waiting, self._secret, self.signer)
            answer = intake.receive(encode_upload(sealed.upload), (0, 1234))
            assert answer.status == 200, answer
            self._frontiers[log] = sealed.frontier
            waiting.clear()


def instant(poll: int) -> Instant:
    """The instant of one round of polls."""
    return Instant(1, 5_000 + poll * POLL_MS, BEGIN_MS + poll * POLL_MS, ClockState.SYNCHRONISED)


def polls() -> Iterator[Poll]:
    """All answers, transmitters before the meter."""
    line = base = 0.0
    for number in range(POLLS + 1):
        at = instant(number)
        bar = 3.0 + 0.05 * math.sin(number / 40)
        degrees_f = 59 + 4 * math.cos(number / 90)
        flow = 90 + 40 * math.sin(number / 60)
        line += flow * POLL_MS / 3_600_000
        base += flow * 3.95 * POLL_MS / 3_600_000
        silent = number in SILENT
        quality = Quality.BAD_NO_ANSWER if silent else Quality.GOOD
        yield Poll("K-200", at, quality, (None, None) if silent else _raws(KELLER, bar, 21.0))
        yield Poll("T-300", at, Quality.GOOD, _raws(ROSEMOUNT, degrees_f))
        yield Poll("K-400", at, Quality.GOOD, _raws(KELLER, 0.2, 21.0))
        counts = (-3, -3, 123_456_000 + int(line * 1000), 0, 456_789_000 + int(base * 1000))
        yield Poll("M-100", at, Quality.GOOD, _raws(METER, *counts))


def _raws(table: RegisterMap, *numbers: float) -> tuple[int, ...]:
    return tuple(encode(point, number) for point, number in zip(table.points, numbers, strict=True))


def tell(gateway: Gateway, rounds: Sequence[Poll]) -> None:
    """Everything that the gateway records of these polls, as the agent would."""
    first = rounds[0].instant
    gateway.add(Kind.CONFIGURATION, "", NO_REFERENCE, first, SITE_BODY)
    gateway.add(Kind.CONFIGURATION, RUN, CONFIG.hash(), first, CONFIG.to_body())
    for serial, table in SERIALS.items():
        gateway.add(Kind.REGISTER_MAP, serial, table.hash(), first, table.to_body())
    gateway.add(
        Kind.EVENT, "", NO_REFERENCE, first, ("unheard_of", None, None, "agent", "<b>0.1</b>")
    )
    state = RunState.new()
    for poll in rounds:
        table = SERIALS[poll.serial]
        seq = gateway.add(
            Kind.SCAN, poll.serial, table.hash(), poll.instant, poll.raws, poll.quality
        )
        values = decode_scan(table, poll.raws)
        done = step(CONFIG, state, Scan(seq, poll.serial, poll.instant, poll.quality, values))
        state = done.state
        for event in done.events:
            body = (event.code, event.old, event.new, "agent", event.detail)
            gateway.add(Kind.EVENT, event.subject, NO_REFERENCE, poll.instant, body)
        for record in done.records:
            gateway.add(Kind.INTERVAL, RUN, record.config_hash, record.end, record.to_body())
    for record in close(CONFIG, state).records:
        gateway.add(Kind.INTERVAL, RUN, record.config_hash, record.end, record.to_body())


def told_store(directory: Path, more: Callable[[Gateway], None] = lambda _: None) -> Store:
    """A store that one gateway has told its whole morning, and another is only registered.

    `more`: what else the gateway tells.
    """
    store = create_store(directory)
    gateway = Gateway(GATEWAY)
    with store.writer.begin() as conn:
        for name, signer in ((GATEWAY, gateway.signer), ("gw-2", Gateway("gw-2").signer)):
            register(conn, name, signer.vkey, BEGIN_MS)
    cosigner = Signer.from_private_bytes("central", bytes(range(1, 33)), KeyType.COSIGNATURE)
    intake = Intake(store, lambda: ReceiptKeys.of(cosigner), lambda: END_MS + 5_000, lambda: None)
    tell(gateway, list(polls()))
    more(gateway)
    gateway.upload(intake)
    intake.close()
    reader = BatchReader(store)
    while follow(store, reader):
        pass
    return store
