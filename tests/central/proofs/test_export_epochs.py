"""Exports over discontinuities: epochs, leaves that came again, holes, lost ranges."""

import base64

import pytest
from sqlalchemy import delete

from central.proofs.export import write_export
from central.proofs.export_scope import Scope
from central.proofs.prove import Place, prove_leaf
from central.proofs.published import published_keys
from central.proofs.publisher import publisher_keys
from central.store.log_tables import batch
from edge_agent.verify.export_audit import audit_export
from protocols.evidence.leaf import Log
from protocols.evidence.proven_leaf import check_leaf
from protocols.evidence.published import open_keys
from tests.central.ledger.again import BILLING, TELEMETRY, reopened


@pytest.fixture
def two(made):
    gateway = made.Gateway().configure(made.config("R1"), made.config("R2"))
    return polled_on(gateway, 14)


def polled_on(gateway, polls=6):
    for _ in range(polls):
        gateway.poll()
    return gateway.stop()


def sent(central, *gateways, cut=11):
    for gateway in gateways:
        for log in (BILLING, TELEMETRY):
            central.send(gateway, log, cut=cut)
    central.catch_up()


def audited(central, out):
    """Export everything, and verify it."""
    path = central.store.directory / "receipt-key"
    if not path.exists():
        path.write_text(f"central {base64.b64encode(b'c' * 32).decode()}\n")
        path.chmod(0o600)
    scope = Scope("gw-1", 0, 1 << 50, central.now_ms // 1000)
    keys = publisher_keys(central.store.directory)
    write_export(central.store, keys, scope, out, lambda _done, _uploads: None)
    return audit_export(out, lambda _done, _uploads: None)


@pytest.mark.parametrize("held", [(0, 0), (7, 0), (0, 30), (9, 41), (14, 60)])
def test_runs_go_on_over_an_epoch(central, two, held, tmp_path):
    """Re-appended leaves are found under their first numbers; none counts twice; the law holds."""
    central.register(two)
    for log, size in zip((BILLING, TELEMETRY), held, strict=True):
        central.send(two, log, size=size)
    central.catch_up()
    again = polled_on(reopened(two, unsent=(held[0] // 2, held[1] // 2)))
    sent(central, again)
    report = audited(central, tmp_path / "export")
    assert report.flaws == []
    assert report.account.not_proven == {}
    assert [leaf.epoch for leaf, _ in report.account.epochs] == [1]
    for run in ("R1", "R2"):
        account = report.account.runs[run]
        assert account.intervals == account.remade > 4
        line = account.segments["vm", 0]
        assert line.end - line.start == line.moved == line.main


def test_what_central_had_is_counted_as_repeated(central, two, tmp_path):
    """Only the receipt was lost: every re-appended leaf is the one that it names."""
    central.register(two)
    sent(central, two)
    again = reopened(two, unsent=(5, 20))
    sent(central, again)
    report = audited(central, tmp_path / "export")
    assert report.flaws == []
    assert report.account.repeated == len(two.leaves[BILLING]) - 5


def test_a_repeated_leaf_that_is_another_is_a_flaw(central, two, tmp_path):
    """Its hash must be that of the leaf that it says to repeat."""
    central.register(two)
    sent(central, two)
    again = reopened(two, unsent=(len(two.leaves[BILLING]) - 1, 1 << 30))
    last = again.leaves[BILLING][-1]
    again.leaves[BILLING][-1] = last._replace(was=last.was._replace(hash=b"x" * 32))
    sent(central, again)
    (flaw,) = audited(central, tmp_path / "export").flaws
    assert "whose hash is another" in flaw.what
    assert flaw.file == "logs/billing-1-0.uploads"


def test_a_range_that_is_lost_at_central_divides_the_export(central, two, tmp_path):
    """What lies behind it is proven from the frontier that intake kept."""
    central.register(two)
    sent(central, two, cut=10)
    with central.store.writer.begin() as conn:
        conn.execute(delete(batch).where(batch.c.log == "telemetry", batch.c.first == 20))
    report = audited(central, tmp_path / "export")
    assert report.flaws == []
    assert [(origin.log, first, end) for origin, first, end in report.gaps()] == [
        (Log.TELEMETRY, 20, 30)
    ]
    assert report.account.not_proven["scans_absent"] > 0
    keys = open_keys(published_keys(
        central.store, publisher_keys(central.store.directory), "gw-1", 1
    ))  # fmt: skip
    proven = prove_leaf(central.store, Place(two.origin(TELEMETRY), 47))
    assert check_leaf(proven.data, proven.proof, keys).leaf == two.leaves[TELEMETRY][47]
