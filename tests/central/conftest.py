"""A gateway made of the real core: metering's pipeline, evidence's leaves, batches and keys."""

import datetime
import ipaddress
import tempfile
import threading
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from central.intake.service import Intake
from central.ledger.batches import BatchReader
from central.ledger.follow import follow
from central.receipt_keys import ReceiptKeys
from central.registry import add_gateway
from central.store.database import DATABASE_NAME, create_store, open_store
from protocols.evidence.leaf import (
    NO_REFERENCE,
    Kind,
    Leaf,
    Log,
    Origin,
    encode_leaf,
    leaf_hash,
)
from protocols.evidence.merkle import EMPTY, hole_of, join
from protocols.evidence.note import KeyType, Signer
from protocols.evidence.salt import salt_of
from protocols.evidence.upload import encode_upload, seal
from protocols.metering.gas import Gas
from protocols.metering.instant import Instant
from protocols.metering.run import RunState, close, step
from protocols.metering.run_config import Role, RunConfig, Source, Total
from protocols.metering.scan import Scan
from protocols.registers.codec import decode_scan, encode
from protocols.registers.library import load_profile
from protocols.registers.register_map import RegisterMap
from tests.protocols.metering.regulators import regulator

T0_MS = 1_700_000_000_000
SITE = ("gateway", "Boiler house 3", "Asia/Shanghai", 8, 1_013_250, "ab" * 32)


def run_config(run="R1", **changes):
    """A FLOWSIC500 with a Keller and a Rosemount; intervals of 6 s, counts of 0.001 m3."""
    config = RunConfig(
        run=run,
        meter_serial=f"meter-{run}",
        totals=(Total("vm", Role.LINE, 10**9), Total("vb", Role.BASE, 10**9)),
        line_exponent=-3,
        base_exponent=-3,
        line_exponent_point="resolution_vm",
        base_exponent_point="",
        qmax_l_h=1_000_000,
        pressure=Source(f"p-{run}", "p1_f32", True, 4_000_000, 900_000, 11_000_000),
        temperature=Source(f"t-{run}", "process_temperature", False, 288_150, 233_150, 353_150),
        atmosphere_dpa=1_013_250,
        method="fixed-K",
        k_e9=980_000_000,
        gas=Gas(),
        base_pressure_dpa=1_013_250,
        base_temperature_mk=293_150,
        interval_ms=6_000,
        stale_ms=30_000,
        zone="Asia/Shanghai",
        gas_day_start_hour=8,
    )
    return replace(config, **changes)


MAPS = {
    "meter": RegisterMap.of(
        load_profile("sick-flowsic500"), ["resolution_vm", "resolution_vb", "vm", "vb"]
    ),
    "p": RegisterMap.of(load_profile("keller-33x"), ["p1_f32", "tob1_f32"]),
    "t": RegisterMap.of(load_profile("rosemount-3095fb"), ["process_temperature"]),
}


class Gateway:
    """Appends leaves to its two logs, and seals any range of them."""

    def __init__(self, name="gw-1", epoch=0):
        self.name = name
        self.epoch = epoch
        self.signer = Signer.from_private_bytes(name, (name.encode() * 32)[:32])
        self.secret = b"s" * 32
        self.leaves = {Log.BILLING: [], Log.TELEMETRY: []}
        self.hashes = {}
        self.configs = {}
        self.states = {}
        self.now_ms = 0
        self.boot_no = 1
        self.boot_ms = 0
        self.clock = (0, 2)
        self.evicted = {Log.BILLING: set(), Log.TELEMETRY: set()}
        self.index = {}

    def origin(self, log):
        return Origin(self.name, log, self.epoch)

    def add(self, kind, subject, reference, body, **changes):
        """Append one leaf; its seq."""
        log = kind.log
        seq = len(self.leaves[log])
        leaf = Leaf(
            kind, self.name, self.epoch, seq, subject, reference, *self.instant(), 0, body,
            salt_of(self.secret, self.origin(log), seq),
        )  # fmt: skip
        self.leaves[log].append(leaf._replace(**changes))
        return seq

    def instant(self):
        """Now by the box's clocks: `clock` is (ms that UTC is out, or None; clock state)."""
        out_ms, state = self.clock
        utc_ms = None if out_ms is None else T0_MS + self.now_ms + out_ms
        return Instant(self.boot_no, self.now_ms - self.boot_ms, utc_ms, state)

    def reboot(self, after_ms):
        """The box was off for a while, and starts again."""
        self.now_ms += after_ms
        self.boot_no, self.boot_ms = self.boot_no + 1, self.now_ms

    def configure(self, *configs):
        """Tell the site, the runs and the register maps."""
        regulators = tuple(
            regulator("PR-" + c.run, c.pressure.serial, "p1_f32").to_body()
            for c in configs
            if c.pressure.serial
        )
        self.add(Kind.CONFIGURATION, "", b"\1" * 32, (*SITE, (), (), regulators))
        for config in configs:
            self.configs[config.run] = config
            self.states[config.run] = RunState.new()
            self.index.setdefault(config.run, [1_000_000, 5_000_000])
            self.add(Kind.CONFIGURATION, config.run, config.hash(), config.to_body())
            for kind, serial in (
                ("meter", config.meter_serial),
                ("p", config.pressure.serial),
                ("t", config.temperature.serial),
            ):
                self.add(Kind.REGISTER_MAP, serial, MAPS[kind].hash(), MAPS[kind].to_body())
        return self

    def poll(self, counts=50, p_bar=3.0, t_f=59.0, step_ms=2_000):
        """One round of polls after `step_ms`; every index advances by `counts`."""
        self.now_ms += step_ms
        for run, config in self.configs.items():
            self.index[run][0] = (self.index[run][0] + counts) % 10**9
            self.index[run][1] = (self.index[run][1] + 4 * counts) % 10**9
            line, base = self.index[run]
            self._scan(run, config.pressure.serial, "p", (p_bar, 15.0))
            self._scan(run, config.temperature.serial, "t", (t_f,))
            self._scan(run, config.meter_serial, "meter", (-3, -3, line, base))
        return self

    def stop(self):
        """Close every open interval."""
        for run, config in self.configs.items():
            self._take(run, close(config, self.states[run]))
        return self

    def _scan(self, run, serial, kind, numbers):
        points = MAPS[kind].points
        raws = tuple(encode(point, number) for point, number in zip(points, numbers, strict=True))
        seq = self.add(Kind.SCAN, serial, MAPS[kind].hash(), raws)
        scan = Scan(seq, serial, self.instant(), 0, decode_scan(MAPS[kind], raws))
        self._take(run, step(self.configs[run], self.states[run], scan))

    def _take(self, run, done):
        self.states[run] = done.state
        for record in done.records:
            told = self.told(record)
            if told is not None:
                self.add(Kind.INTERVAL, run, self.configs[run].hash(), told.to_body())
        for event in done.events:
            body = (event.code, event.old, event.new, "", event.detail)
            self.add(Kind.EVENT, run, NO_REFERENCE, body)

    def told(self, record):
        """What the gateway says of a record: a subclass lies here, or says nothing (None)."""
        return record

    def upload(self, log, first, end=None):
        """The bytes to POST for the leaves `first` .. `end` - 1; of those evicted only hashes."""
        end = len(self.leaves[log]) if end is None else end
        frontier = self.frontier(log, first)
        held, holes = [], []
        for leaf in self.leaves[log][first:end]:
            if leaf.seq not in self.evicted[log]:
                held.append(leaf)
                continue
            hole = hole_of(leaf.seq, [self.hash_of(leaf)])
            if holes and holes[-1].end == leaf.seq:
                hole = join(holes.pop(), hole)
            holes.append(hole)
        sealed = seal(self.origin(log), frontier, held, self.secret, self.signer, holes)
        return encode_upload(sealed.upload)

    def frontier(self, log, size):
        """The log's frontier at a size."""
        return EMPTY.extend(self.hash_of(leaf) for leaf in self.leaves[log][:size])

    def hash_of(self, leaf):
        """The leaf's hash; worked out once, unless a test put another leaf in its place."""
        known = self.hashes.get((leaf.kind.log, leaf.seq))
        if known is None or known[0] is not leaf:
            known = leaf, leaf_hash(encode_leaf(leaf))
            self.hashes[leaf.kind.log, leaf.seq] = known
        return known[1]


@cache
def database_of(fill=None):
    """The database that `fill(central)` leaves, made once; without it an empty one."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        create_store(directory).close()
        if fill is not None:
            central = Central(directory)
            fill(central)
            central.close()
        return (directory / DATABASE_NAME).read_bytes()


class Central:
    """A real store with an intake over it, and a clock that the test moves.

    `fill`: what was done before, such as sending a gateway's logs.
    """

    def __init__(self, directory, fill=None):
        if not (directory / DATABASE_NAME).exists():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            (directory / DATABASE_NAME).write_bytes(database_of(fill))
        self.store = open_store(directory)
        self.cosigner = Signer.from_private_bytes("central", b"c" * 32, KeyType.COSIGNATURE)
        self.now_ms = T0_MS
        self.woken = threading.Event()
        self.intake = Intake(
            self.store, lambda: ReceiptKeys.of(self.cosigner), lambda: self.now_ms, self.woken.set
        )
        self.reader = BatchReader(self.store)

    def register(self, gateway):
        add_gateway(self.store, gateway.name, gateway.signer.vkey, lambda: self.now_ms)

    def send(self, gateway, log, size=None, cut=None):
        """Upload a log from where it stands up to `size`, in batches of `cut` leaves."""
        end = len(gateway.leaves[log]) if size is None else size
        first = self.sent(gateway, log)
        while first < end:
            upto = end if cut is None else min(first + cut, end)
            self.now_ms += 1000
            answer = self.intake.receive(gateway.upload(log, first, upto))
            assert answer.status == 200, answer
            first = upto

    def sent(self, gateway, log):
        from central.intake.log import head_of

        with self.store.engine.connect() as conn:
            return head_of(conn, gateway.origin(log)).frontier.size

    def catch_up(self):
        while follow(self.store, self.reader):
            pass

    def ask(self, query, *arguments):
        with self.store.engine.connect() as conn:
            return query(conn, *arguments)

    def close(self):
        self.intake.close()
        self.store.close()


@pytest.fixture
def central(tmp_path):
    made = Central(tmp_path / "store")
    yield made
    made.close()


@pytest.fixture
def made():
    """What a test makes its gateways of."""
    return SimpleNamespace(
        Gateway=Gateway, Central=Central, config=run_config, maps=MAPS, t0_ms=T0_MS
    )


@pytest.fixture
def polled():
    """A gateway with two runs and five intervals each, stopped."""
    return two_runs()


def two_runs():
    gateway = Gateway().configure(run_config("R1"), run_config("R2"))
    for count in range(14):
        gateway.poll(counts=40 + count)
    return gateway.stop()


@pytest.fixture(scope="session")
def certificate():
    """A self-signed TLS certificate for 127.0.0.1, and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "central")])
    begins = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM), pem
