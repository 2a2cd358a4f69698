"""The daily checkpoint as files: made once a day, never twice."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from central.proofs.fleet import daily_files, days, make_daily, origins, read_daily
from central.proofs.prove import ProofError
from central.proofs.publisher import publisher_keys
from central.store.database import create_store
from edge_agent.verify.fleet_folder import check_fleet
from protocols.evidence.leaf import Log, Origin
from tests.central.proofs.site import MADE_S, receipt_key_file, site_in
from tests.central.web import story

BILLING = Origin(story.GATEWAY, Log.BILLING, 0)


def test_a_day_has_one_head(tmp_path: Path) -> None:
    """Asked again it is read, not made: two heads of a day would contradict each other."""
    site = site_in(tmp_path / "store")
    made = make_daily(site.store, site.keys, "2026-03-11", MADE_S)
    assert origins(made) == [BILLING, BILLING._replace(log=Log.TELEMETRY)]
    assert made.is_new
    again = made._replace(is_new=False)
    assert make_daily(site.store, site.keys, "2026-03-11", MADE_S + 60) == again
    assert read_daily(site.store.directory, "2026-03-11") == again
    make_daily(site.store, site.keys, "2026-03-12", MADE_S + 86_400)
    assert days(site.store.directory) == ["2026-03-12", "2026-03-11"]
    site.store.close()


def test_a_day_is_made_once_by_however_many(tmp_path: Path) -> None:
    """The server and operators at the same moment: one of them makes it, all have the same."""
    site = site_in(tmp_path / "store")
    with ThreadPoolExecutor(4) as pool:
        made = list(
            pool.map(lambda _: make_daily(site.store, site.keys, "2026-03-11", MADE_S), range(4))
        )
    assert len({one.note for one in made}) == 1
    assert [one.is_new for one in made].count(True) == 1
    site.store.close()


def test_a_gateways_part_is_verified_by_anybody(tmp_path: Path) -> None:
    """The day, and the state that its log had."""
    site = site_in(tmp_path / "store")
    made = make_daily(site.store, site.keys, "2026-03-11", MADE_S)
    report = check_fleet(daily_files(site.store, site.keys, made, BILLING))
    assert (report.head.day, report.head.time_s) == ("2026-03-11", MADE_S)
    assert report.stored.checkpoint.size == 57
    with pytest.raises(ProofError, match="no checkpoint"):
        daily_files(site.store, site.keys, made, BILLING._replace(epoch=3))
    with pytest.raises(ProofError, match="no daily checkpoint of 2026-03-10"):
        read_daily(site.store.directory, "2026-03-10")
    with pytest.raises(ProofError, match="no daily checkpoint"):
        read_daily(site.store.directory, "../receipt-key")
    site.store.close()


def test_without_receipts_there_is_nothing_to_publish(tmp_path: Path) -> None:
    """A new store."""
    store = create_store(tmp_path)
    receipt_key_file(tmp_path)
    with pytest.raises(ProofError, match="nothing to publish"):
        make_daily(store, publisher_keys(tmp_path), "2026-03-11", MADE_S)
    store.close()
