"""A history with every kind of gap, as readers get it; and the replaced gateway's seam."""

import pytest

from central.ledger.continuity import continuity, continuity_object
from central.ledger.queries import law, runs, summary
from central.ledger.rebuild import rebuild
from central.ledger.replaced import Replacement, replacements, seams
from central.store.gap_tables import GAP_TABLES
from protocols.evidence.leaf import NO_REFERENCE, Kind
from tests.central.ledger.test_rebuild import rows_of
from tests.central.ledger.torn import polled, settled, successor, tell


@pytest.fixture
def torn(made, tmp_path):
    central = made.Central(tmp_path / "torn", tell)
    yield central
    central.close()


def test_everything_that_is_missing_is_listed(torn):
    """Evicted, dropped, the power cut, lost records: each once, newest first; and the epoch."""
    found = torn.ask(continuity, "gw-1", "R1")
    assert [(row.reason, row.first, row.end, row.polls) for row in found.losses] == [
        ("unclean_end", 0, 0, None),
        ("dropped", 0, 0, 7),
        ("evicted", 120, 144, None),
    ]
    assert [(row.log, row.first, row.end, row.why) for row in found.missing] == [
        ("billing", 16, 18, "hole")
    ]
    assert [(row.epoch, row.reason, row.old_epoch, row.is_confirmed) for row in found.epochs] == [
        (1, "salvaged", 0, True)
    ]
    line = next(row for row in found.law if row.law.point == "vm")
    assert (line.law.unbooked_counts, line.count_cm3, line.law.holds) == (600, 1000, False)
    assert not torn.ask(summary)["law_holds"]


def test_as_json(torn):
    """The same rows, each with its names."""
    told = continuity_object(torn.ask(continuity, "gw-1", "R1"))
    assert set(told) == {"law", "epochs", "losses", "missing", "seams"}
    assert told["law"][1]["unbooked_counts"] == 600
    assert told["seams"][0]["unseen_cm3"] == 82_000


def test_a_replaced_gateways_meter_goes_on(torn):
    """Both show the other; what the index moved between them is told, and in no sum."""
    assert torn.ask(replacements) == [Replacement("gw-2", "gw-1", 7, True)]
    assert torn.ask(replacements, "gw-3") == []
    [seam] = torn.ask(seams, "gw-1", "R1")
    assert torn.ask(seams, "gw-2", "R1") == [seam]
    assert (seam.old_gateway, seam.gateway, seam.meter_serial) == ("gw-1", "gw-2", "meter-R1")
    assert seam.index_after - seam.index_before == seam.unseen_counts == 82
    booked = sum(row.line_cm3 for row in torn.ask(runs))
    whole = seam.index_after - seam.index_before
    whole += sum(row.moved_counts for row in torn.ask(law) if row.point == "vm")
    lost = sum(row.unbooked_counts for row in torn.ask(law) if row.point == "vm")
    assert booked == (whole - seam.unseen_counts - lost) * 1000


def test_a_rebuild_gives_the_same_gaps(torn):
    """Every table of gaps has rows here, and they are the same again."""
    before = rows_of(torn)
    filled = {name for name, rows in before.items() if rows}
    assert {table.name for table in GAP_TABLES} - filled == {"reappended"}
    rebuild(torn.store)
    assert rows_of(torn) == before


def test_a_meter_that_stands_elsewhere_has_no_seam(central, made):
    """Another meter at the new gateway: nothing is said of its index."""
    old = polled(made.Gateway("gw-1").configure(made.config()), 8).stop()
    central.register(old)
    settled(central, old)
    new = successor(central, old, "gw-2", 5)
    other = made.config(meter_serial="meter-9")
    third = made.Gateway("gw-3").configure(other)
    central.register(third)
    settled(central, new, polled(third, 4).stop())
    assert len(central.ask(seams, "gw-1", "R1")) == 1
    assert central.ask(seams, "gw-3", "R1") == []


def test_a_successor_without_records_is_named_already(central, made):
    """The cross reference stands as soon as the new gateway's first leaf does."""
    old = polled(made.Gateway("gw-1").configure(made.config()), 8).stop()
    central.register(old)
    settled(central, old)
    new = successor(central, old, "gw-2", 5)
    new.leaves = {log: leaves[:4] for log, leaves in new.leaves.items()}
    settled(central, new)
    [seam] = central.ask(seams, "gw-1", "R1")
    assert (seam.index_after, seam.unseen_counts, seam.unseen_cm3) == (None, None, None)
    assert seam.index_before is not None
    new.add(Kind.EVENT, "", NO_REFERENCE, ("agent_started", None, None, "", ""))
