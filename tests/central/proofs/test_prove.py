"""Any leaf that central holds is proven; what it does not hold is told."""

from pathlib import Path

import pytest
from sqlalchemy import update

from central.proofs.prove import Place, ProofError, interval_at, newest_epoch, prove_leaf
from central.store.log_tables import batch
from protocols.audit.proof_folder import check_proof
from protocols.evidence.leaf import Kind, Log, Origin, encode_leaf
from protocols.evidence.proven_leaf import check_leaf
from protocols.evidence.published import open_keys
from tests.central.proofs.site import Site, site_in
from tests.central.web import story
from tests.protocols.audit.morning import BILLING, TELEMETRY


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path / "store")


def test_every_leaf_of_both_logs(site: Site) -> None:
    """The bytes that the gateway signed, whatever batch they lie in."""
    keys = open_keys(site.published())
    for log, leaves in ((Log.BILLING, BILLING[::7]), (Log.TELEMETRY, TELEMETRY[::211])):
        for leaf in leaves:
            made = prove_leaf(site.store, Place(Origin(story.GATEWAY, log, 0), leaf.seq))
            assert made.data == encode_leaf(leaf)
            assert check_leaf(made.data, made.proof, keys).leaf == leaf


@pytest.mark.parametrize("gone", [range(500, 600)])
def test_a_leaf_beside_a_hole(tmp_path: Path, gone: range) -> None:
    """Is proven by the hole's hashes; one within it is not."""
    site = site_in(tmp_path / "holed", gone)
    keys = open_keys(site.published())
    for seq in (499, 600, 1900):
        made = prove_leaf(site.store, site.scan(seq))
        assert check_leaf(made.data, made.proof, keys).leaf == TELEMETRY[seq]
    with pytest.raises(ProofError, match="only its hash"):
        prove_leaf(site.store, site.scan(550))


def test_the_interval_at_a_time(site: Site) -> None:
    """That which began by then and had not ended."""
    with site.store.engine.connect() as conn:
        place = interval_at(conn, story.GATEWAY, story.RUN, story.BEGIN_MS + 600_000)
        assert BILLING[place.seq].kind is Kind.INTERVAL
        before = interval_at(conn, story.GATEWAY, story.RUN, story.BEGIN_MS + 599_999)
        assert before.seq < place.seq
        for run, at in ((story.RUN, 0), ("R9", story.BEGIN_MS)):
            with pytest.raises(ProofError, match="no interval"):
                interval_at(conn, story.GATEWAY, run, at)
        assert newest_epoch(conn, story.GATEWAY, Log.BILLING) == 0
        with pytest.raises(ProofError, match="nothing"):
            newest_epoch(conn, "gw-9", Log.BILLING)


def test_all_files_of_each_kind(site: Site) -> None:
    """An interval with configuration and map, a scan with its map, an event alone."""
    for place, parts in (
        (site.interval(), 3),
        (site.scan(), 2),
        (Place(Origin(story.GATEWAY, Log.BILLING, 0), 6), 1),
    ):
        files = site.files(place)
        assert len(files) == 2 * parts + 1
        check_proof(files)


def test_what_cannot_be_proven_is_told(site: Site) -> None:
    """No such leaf; not countersigned yet; a damaged store."""
    with pytest.raises(ProofError, match="holds no leaf 99999"):
        prove_leaf(site.store, site.scan(99_999))
    with site.store.writer.begin() as conn:
        conn.execute(update(batch).where(batch.c.first == 0).values(receipt=None))
    with pytest.raises(ProofError, match="countersigned"):
        prove_leaf(site.store, site.scan(3))
    with site.store.writer.begin() as conn:
        conn.execute(update(batch).where(batch.c.first == 400).values(upload=b"x"))
    with pytest.raises(ProofError, match="backup"):
        prove_leaf(site.store, site.scan(403))
