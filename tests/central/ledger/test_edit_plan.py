"""What an edit would change: from the scans, under the configuration that was meant."""

import pytest
from sqlalchemy import select, update

from central.ledger import edit_plan, queries
from central.ledger.correction import read_correction
from central.ledger.edit_plan import (
    Entry,
    Plan,
    Range,
    Which,
    plan_entry,
    plan_recalculation,
)
from central.ledger.edits import EditError, append_edits
from central.store.ledger_tables import configuration, interval
from central.store.log_tables import batch
from protocols.evidence.leaf import Log, decode_leaf, encode_leaf
from protocols.metering.edited import Amounts, recalculate
from protocols.metering.interval import IntervalRecord
from tests.central.ledger.edited import SIGNED
from tests.central.ledger.edited import told as told


def intervals(central, run="R1"):
    return central.ask(queries.intervals, "gw-1", run)


def planned(central, *sets, run="R1", first=0, end=None, as_recorded=False, signed=SIGNED):
    """A recalculation of the run's intervals `first` .. `end` - 1, not booked."""
    rows = intervals(central, run)
    chosen = rows[first:end]
    asked = Range("gw-1", run, chosen[0].start_utc_ms, chosen[-1].end_utc_ms)
    correction = read_correction(list(sets), None)
    return plan_recalculation(central.store, asked, correction, signed, as_recorded=as_recorded)


def booked(central, plan):
    with central.store.writer.begin() as conn:
        append_edits(conn, plan.edits)


def base(central):
    return [row.base_main_cm3 for row in intervals(central)]


def test_from_the_scans_in_the_log(told, made, polled):
    """Each new figure is what the pipeline's own recalculation makes of the gateway's leaves."""
    plan = planned(told, "k_e9=970000000", "atmosphere_dpa=900000")
    config = made.config("R1", k_e9=970_000_000, atmosphere_dpa=900_000)
    records = [
        IntervalRecord.from_body(leaf.body)
        for leaf in polled.leaves[Log.BILLING]
        if leaf.kind == 1 and leaf.subject == "R1"
    ]
    assert len(plan.edits) == len(records) == len(intervals(told))
    assert plan.unchanged == 0
    scans = list(_scans(polled, made))
    for new, record in zip(plan.edits, records, strict=True):
        assert new.before == Amounts.of(record)
        assert new.record.amounts == recalculate(config, record, scans)
        assert new.record.config_hash == config.hash()
        assert (new.record.version, new.record.kind) == (2, "recalculated")
        assert (new.record.who, new.record.software) == ("Li Wei", b"\3" * 32)


def _scans(gateway, made):
    from central.ledger.telemetry import scan_of

    kinds = {"meter-R1": "meter", "p-R1": "p", "t-R1": "t"}
    for leaf in gateway.leaves[Log.TELEMETRY]:
        if leaf.subject in kinds:
            yield scan_of(leaf, made.maps[kinds[leaf.subject]])


def test_only_the_range(told):
    """An interval is in the range if it begins there; its neighbours are left alone."""
    before = base(told)
    plan = planned(told, "k_e9=970000000", first=1, end=3)
    assert [new.record.original.seq for new in plan.edits] == [
        row.seq for row in intervals(told)[1:3]
    ]
    booked(told, plan)
    after = base(told)
    assert [old != new for old, new in zip(before, after, strict=True)][:4] == [
        False, True, True, False,
    ]  # fmt: skip


def test_nothing_to_change(told):
    """A correction that changes no figure makes no edit."""
    plan = planned(told, "pressure.substitute=5000000")
    assert (plan.edits, plan.unchanged) == ((), len(intervals(told)))


def test_corrections_add_up(told):
    """A second correction begins with the first one's configuration; --as-recorded does not."""
    booked(told, planned(told, "k_e9=970000000"))
    once = base(told)
    both = planned(told, "atmosphere_dpa=900000")
    booked(told, both)
    assert base(told) != once
    alone = planned(told, "atmosphere_dpa=900000", as_recorded=True)
    assert {new.record.config_hash for new in alone.edits} != {
        new.record.config_hash for new in both.edits
    }
    assert all(new.record.version == 4 for new in alone.edits)


def test_back_to_the_record(told):
    """Recalculated as recorded, an interval has its first figures again, as a new version."""
    before = base(told)
    booked(told, planned(told, "k_e9=970000000"))
    booked(told, planned(told, as_recorded=True))
    assert base(told) == before
    assert {row.version for row in intervals(told)} == {3}


def test_an_entry_keeps_the_configuration_of_the_version_before(told):
    """After an entry, a recalculation still begins with the last correction."""
    booked(told, planned(told, "k_e9=970000000"))
    row = intervals(told)[0]
    plan = told.ask(
        plan_entry, Which("gw-1", "R1", None, row.seq, 0), Entry({"hs_j_m3": 1}, ""), SIGNED
    )
    booked(told, plan)
    again = planned(told, "atmosphere_dpa=900000", end=1)
    both = planned(told, "k_e9=970000000", "atmosphere_dpa=900000", end=1, as_recorded=True)
    assert again.edits[0].record.amounts == both.edits[0].record.amounts
    assert again.edits[0].record.version == 4


def test_by_an_instant(told):
    """An instant names the interval it lies in: its start does, its end names the next."""
    first, second, *_ = intervals(told)
    for at_ms, row in ((first.start_utc_ms, first), (first.end_utc_ms - 1, first),
                       (first.end_utc_ms, second)):  # fmt: skip
        which = Which("gw-1", "R1", at_ms, None, None)
        (new,) = told.ask(plan_entry, which, Entry({"base_main_cm3": 1}, ""), SIGNED).edits
        assert new.record.original.seq == row.seq


def test_the_same_figures_are_no_edit(told):
    """Entering what is there already changes nothing."""
    row = intervals(told)[0]
    which = Which("gw-1", "R1", None, row.seq, None)
    entry = Entry({"base_main_cm3": row.base_main_cm3}, "")
    assert told.ask(plan_entry, which, entry, SIGNED) == Plan((), 1)


@pytest.mark.parametrize(
    ("change", "told_"),
    [
        ({"gateway": "gw-2"}, "no meter run 'R1' of a gateway 'gw-2'"),
        ({"run": "R9"}, "no meter run 'R9'"),
        ({"to_ms": 0}, "--from is not before --to"),
        ({"to_ms": 2 * 10**12}, "still open"),
        ({"from_ms": 0, "to_ms": 1}, "no interval begins"),
    ],
)
def test_ranges_that_are_refused(told, change, told_):
    """Unknown runs, empty ranges, and what is not closed yet."""
    rows = intervals(told)
    asked = Range("gw-1", "R1", rows[0].start_utc_ms, rows[-1].end_utc_ms)._replace(**change)
    with pytest.raises(EditError, match=told_):
        plan_recalculation(
            told.store, asked, read_correction(["k_e9=970000000"], None), SIGNED, as_recorded=False
        )


@pytest.mark.parametrize(
    ("which", "told_"),
    [
        (Which("gw-1", "R9", 1, None, None), "no meter run"),
        (Which("gw-1", "R1", 1, None, None), "no closed interval there"),
        (Which("gw-1", "R1", None, 0, None), "no closed interval there"),
        (Which("gw-1", "R1", None, 99, 1), "no closed interval there"),
    ],
)
def test_intervals_that_are_not_there(told, which, told_):
    """An entry needs a closed interval of a known run."""
    with pytest.raises(EditError, match=told_):
        told.ask(plan_entry, which, Entry({"base_main_cm3": 1}, ""), SIGNED)


@pytest.mark.parametrize("state", ["pending", "differs"])
def test_what_does_not_agree_is_not_recalculated(told, state):
    """Where the record does not follow from its scans, the difference were not the correction's."""
    with told.store.writer.begin() as conn:
        conn.execute(update(interval).values(recompute=state))
    with pytest.raises(EditError, match=f"its recompute is '{state}'"):
        planned(told, "k_e9=970000000")


def test_work_is_bounded(told, monkeypatch):
    """A range of more intervals than one command takes is refused whole."""
    monkeypatch.setattr(edit_plan, "MAX_INTERVALS", 2)
    with pytest.raises(EditError, match="more than 2 intervals"):
        planned(told, "k_e9=970000000")
    assert len(planned(told, "k_e9=970000000", end=2).edits) == 2


def test_an_unusable_correction_is_refused(told):
    """What no configuration may hold is told before anything is worked out."""
    with pytest.raises(EditError, match=r"cannot be used.*k_e9 is 9"):
        planned(told, "k_e9=9")


def test_an_unknown_configuration_is_told(told):
    """A record whose configuration never came cannot be recalculated."""
    with told.store.writer.begin() as conn:
        conn.execute(update(configuration).values(hash=b"x" * 32))
    with pytest.raises(EditError, match="is not known"):
        planned(told, "k_e9=970000000")


def test_two_intervals_at_one_instant(central, made):
    """After a journal was begun anew, an instant may lie in two intervals: the number tells."""
    for epoch in (0, 1):
        gateway = made.Gateway(epoch=epoch).configure(made.config("R1"))
        for _ in range(5):
            gateway.poll()
        gateway.stop()
        if epoch == 0:
            central.register(gateway)
        for log in (Log.TELEMETRY, Log.BILLING):
            central.send(gateway, log)
    central.catch_up()
    row = intervals(central)[0]
    asked = Which("gw-1", "R1", row.start_utc_ms, None, None)
    with pytest.raises(EditError, match="--seq and --epoch"):
        central.ask(plan_entry, asked, Entry({"base_main_cm3": 1}, ""), SIGNED)
    which = Which("gw-1", "R1", None, row.seq, 1)
    (new,) = central.ask(plan_entry, which, Entry({"base_main_cm3": 1}, ""), SIGNED).edits
    assert new.record.original.epoch == 1


def test_the_parts_of_a_gap_share_one_replay(central, made, monkeypatch):
    """A gap's records are recalculated each by its share, from one look at the scans."""
    gateway = made.Gateway().configure(made.config("R1", stale_ms=10_000))
    for _ in range(4):
        gateway.poll()
    gateway.poll(counts=900, step_ms=60_000)
    gateway.stop()
    central.register(gateway)
    for log in (Log.TELEMETRY, Log.BILLING):
        central.send(gateway, log)
    central.catch_up()
    looks = []
    scans_of = edit_plan.scans_of

    def counted(*arguments):
        looks.append(arguments[1].seq)
        return scans_of(*arguments)

    monkeypatch.setattr(edit_plan, "scans_of", counted)
    plan = planned(central, "k_e9=970000000")
    rows = intervals(central)
    assert len(plan.edits) == len(rows) > 8
    assert len(looks) < len(rows) - 6
    assert sum(new.record.amounts.base_error_cm3 for new in plan.edits) > 0


def test_a_damaged_batch_is_told(told):
    """Where the scans cannot be read any more, nothing is recalculated."""
    with told.store.writer.begin() as conn:
        conn.execute(update(batch).where(batch.c.log == "telemetry").values(upload=b"?"))
    with pytest.raises(EditError, match=r"cannot be made again: .*restore it from a backup"):
        planned(told, "k_e9=970000000")


def test_too_many_scans_are_told(told, monkeypatch):
    """An interval of more scans than can be looked at is entered, not recalculated."""
    monkeypatch.setattr(edit_plan, "MAX_LEAVES", 2)
    with pytest.raises(EditError, match="more than 2 scans; enter its figures"):
        planned(told, "k_e9=970000000")


def test_a_record_of_other_rules_is_told(told):
    """What was made by another version of the rules cannot be made again by this one's."""
    with told.store.writer.begin() as conn:
        row = conn.execute(select(interval.c.seq, interval.c.leaf).limit(1)).one()
        leaf = decode_leaf(row.leaf)
        other = leaf._replace(body=(*leaf.body[:2], 1, *leaf.body[3:]))
        conn.execute(
            update(interval).where(interval.c.seq == row.seq).values(leaf=encode_leaf(other))
        )
    with pytest.raises(EditError, match=r"algorithm: .*enter its figures instead"):
        planned(told, "k_e9=970000000")
