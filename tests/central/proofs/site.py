"""A store that holds a morning in many batches, its publisher, and folders made from it once."""

import atexit
import base64
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from central.intake.service import Intake
from central.ledger.batches import BatchReader
from central.ledger.follow import follow
from central.proofs.export import write_export
from central.proofs.export_scope import Scope
from central.proofs.fleet import make_daily
from central.proofs.prove import Place, interval_at, proof_files
from central.proofs.published import published_keys
from central.proofs.publisher import PublisherKeys, publisher_keys
from central.receipt_keys import ReceiptKeys
from central.registry import register
from central.store.database import Store, create_store, open_store
from protocols.evidence.leaf import Kind, Leaf, Log, Origin, encode_leaf, leaf_hash
from protocols.evidence.merkle import Hole, hole_of
from protocols.evidence.note import KeyType, Signer
from protocols.evidence.upload import encode_upload, seal
from tests.central.web import story

CUT = {Log.BILLING: 10, Log.TELEMETRY: 400}
DAY = "2026-03-11"
MADE_S = story.END_MS // 1000 + 600
RECEIPT_SECRET = bytes(range(1, 33))


class Cut(story.Gateway):
    """A gateway that seals its leaves in small batches; ``gone``: scans that it holds no more."""

    def __init__(self, name: str, gone: range = range(0)) -> None:
        super().__init__(name)
        self._gone = gone

    def upload(self, intake: Intake) -> None:
        for log, waiting in self._waiting.items():
            origin = Origin(self.name, log, 0)
            for at in range(0, len(waiting), CUT[log]):
                leaves = waiting[at : at + CUT[log]]
                held, holes = self._held(leaves) if log is Log.TELEMETRY else (leaves, ())
                before = self._frontiers[log]
                sealed = seal(origin, before, held, self._secret, self.signer, holes)
                answer = intake.receive(encode_upload(sealed.upload))
                assert answer.status == 200, answer
                self._frontiers[log] = sealed.frontier
            waiting.clear()

    def _held(self, leaves: list[Leaf]) -> tuple[list[Leaf], tuple[Hole, ...]]:
        lost = [leaf for leaf in leaves if leaf.seq in self._gone]
        if not lost:
            return leaves, ()
        hashes = [leaf_hash(encode_leaf(leaf)) for leaf in lost]
        held = [leaf for leaf in leaves if leaf.seq not in self._gone]
        return held, (hole_of(lost[0].seq, hashes),)


class Site(NamedTuple):
    """A store with its publisher's keys."""

    store: Store
    keys: PublisherKeys

    def published(self) -> bytes:
        return published_keys(self.store, self.keys, story.GATEWAY, MADE_S)

    def interval(self) -> Place:
        with self.store.engine.connect() as conn:
            return interval_at(conn, story.GATEWAY, story.RUN, story.BEGIN_MS + 3 * 3_600_000)

    def scan(self, seq: int = 901) -> Place:
        return Place(Origin(story.GATEWAY, Log.TELEMETRY, 0), seq)

    def files(self, place: Place) -> dict[str, bytes]:
        return proof_files(self.store, place, self.published())

    def export(self, out: Path, begin_ms: int = 0, end_ms: int = story.END_MS + 1) -> Path:
        scope = Scope(story.GATEWAY, begin_ms, end_ms, MADE_S)
        write_export(self.store, self.keys, scope, out, lambda _done, _uploads: None)
        return out


def fill(store: Store, gateway: Cut) -> None:
    """Tell the whole morning, and follow it."""
    with store.writer.begin() as conn:
        register(conn, gateway.name, gateway.signer.vkey, story.BEGIN_MS)
    cosigner = Signer.from_private_bytes("central", RECEIPT_SECRET, KeyType.COSIGNATURE)
    keys = ReceiptKeys.of(cosigner)
    intake = Intake(store, lambda: keys, lambda: story.END_MS + 5_000, lambda: None)
    story.tell(gateway, list(story.polls()))
    gateway.upload(intake)
    intake.close()
    reader = BatchReader(store)
    while follow(store, reader):
        pass


def receipt_key_file(directory: Path) -> None:
    """The key that signed the receipts, as `edge-central init` keeps it."""
    path = directory / "receipt-key"
    path.write_text(f"central {base64.b64encode(RECEIPT_SECRET).decode()}\n")
    path.chmod(0o600)


def _until_the_end(prefix: str) -> Path:
    """A directory that goes with the process."""
    directory = tempfile.mkdtemp(prefix=prefix)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


@cache
def _filled(gone: range) -> Path:
    """Made once a process; tests get copies."""
    directory = _until_the_end("gas-proofs-")
    store = create_store(directory)
    fill(store, Cut(story.GATEWAY, gone))
    receipt_key_file(directory)
    publisher_keys(directory)
    store.close()
    return directory


def site_in(directory: Path, gone: range = range(0)) -> Site:
    """A copy of the filled store in a new directory."""
    shutil.copytree(_filled(gone), directory)
    return Site(open_store(directory), publisher_keys(directory))


@cache
def proof_of(kind: Kind) -> dict[str, bytes]:
    """The files of a proof of an interval or a scan; the caller must not change them."""
    with tempfile.TemporaryDirectory() as name:
        site = site_in(Path(name) / "store")
        files = site.files(site.interval() if kind is Kind.INTERVAL else site.scan())
        site.store.close()
    return files


@cache
def _exported(part: bool, gone: range) -> Path:
    out = _until_the_end("gas-export-")
    with tempfile.TemporaryDirectory() as name:
        site = site_in(Path(name) / "store", gone)
        make_daily(site.store, site.keys, DAY, MADE_S)
        begin, end = story.BEGIN_MS, story.END_MS
        if part:
            begin, end = begin + 6_000_000, end - 3_600_000
        site.export(out / "export", begin, end + 1)
        site.store.close()
    return out / "export"


def export_in(directory: Path, part: bool = False, gone: range = range(0)) -> Path:
    """A copy of an export, of the whole morning or of a part of it."""
    out = directory / "export"
    shutil.copytree(_exported(part, gone), out)
    return out
