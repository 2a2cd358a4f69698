"""The account of a run: the chain from record to record, and the first law over the range."""

from dataclasses import replace

from protocols.audit.bodies import interval_of
from protocols.audit.run_account import Place, RunAccount
from protocols.evidence.leaf import Kind
from protocols.metering.interval import IntervalRecord
from tests.central.web import story
from tests.protocols.audit.morning import BILLING

RECORDS = [interval_of(leaf) for leaf in BILLING if leaf.kind is Kind.INTERVAL]


def booked(records: list[IntervalRecord], proven: bool = True) -> tuple[RunAccount, list[str]]:
    account = RunAccount(story.RUN)
    faults: list[str] = []
    for seq, record in enumerate(records):
        at = RECORDS.index(record) if record in RECORDS else -1
        handed = RECORDS[at + 1].carry if proven and 0 <= at < len(RECORDS) - 1 else None
        faults += account.take(Place(0, seq), record, story.CONFIG, handed)
    return account, faults


def test_a_morning_adds_up() -> None:
    """Sums are those of the records; the law holds for every total."""
    account, faults = booked(RECORDS)
    assert (faults, account.law_faults()) == ([], [])
    assert account.base_main_cm3 == sum(record.base_main_cm3 for record in RECORDS)
    assert (account.intervals, account.remade, account.unproven) == (48, 47, 1)
    line = account.segments["vm", 0]
    assert (line.start, line.end) == (RECORDS[0].totals[0].start, RECORDS[-1].totals[0].end)
    assert line.main + line.error == line.end - line.start
    assert (account.begin, account.end) == (RECORDS[0].start, RECORDS[-1].end)


def test_a_record_left_out_breaks_the_chain() -> None:
    """By the carry where the one before was made again, else by the index."""
    for proven in (True, False):
        _, faults = booked([*RECORDS[:5], *RECORDS[6:]], proven)
        assert any("opens at" in fault for fault in faults)
        account, _ = booked([*RECORDS[:5], *RECORDS[6:]], proven)
        assert any(fault.startswith("vm segment 0: moved") for fault in account.law_faults())
        assert any("handed over" in fault for fault in faults) == proven


def test_a_configuration_begins_anew() -> None:
    """After it the carry is not asked for, but the index still is."""
    account = RunAccount(story.RUN)
    account.take(Place(0, 1), RECORDS[0], story.CONFIG, RECORDS[1].carry)
    account.configure()
    changed = replace(RECORDS[1], carry=replace_carry(RECORDS[1]))
    assert account.take(Place(0, 2), changed, story.CONFIG, None) == []


def replace_carry(record: IntervalRecord):  # type: ignore[no-untyped-def]
    return record.carry._replace(main_remainder=1)


def test_a_new_epoch_counts_its_scans_anew() -> None:
    """All of the carry but the number of the next scan must be the one handed over."""
    account = RunAccount(story.RUN)
    account.take(Place(0, 1), RECORDS[0], story.CONFIG, RECORDS[1].carry)
    renumbered = replace(RECORDS[1], carry=RECORDS[1].carry._replace(next_seq=7))
    assert account.take(Place(1, 1), renumbered, story.CONFIG, None) == []
    account = RunAccount(story.RUN)
    account.take(Place(0, 1), RECORDS[0], story.CONFIG, RECORDS[1].carry)
    assert account.take(Place(0, 2), renumbered, story.CONFIG, None) != []


def test_parts_of_a_gap_come_in_order() -> None:
    """A missing or doubled part is named."""
    one, two = (replace(RECORDS[0], part=part, parts=3, totals=()) for part in (0, 1))
    account = RunAccount(story.RUN)
    assert account.take(Place(0, 1), one, story.CONFIG, None) == []
    assert "part" in account.take(Place(0, 2), one, story.CONFIG, None)[0]
    account = RunAccount(story.RUN)
    account.take(Place(0, 1), one, story.CONFIG, None)
    assert account.take(Place(0, 2), two, story.CONFIG, None) == []
    assert "missing" in account.take(Place(0, 3), RECORDS[1], story.CONFIG, None)[0]


def test_a_total_that_does_not_add_up_is_named() -> None:
    """Within one record, and over the range."""
    total = RECORDS[0].totals[0]
    wrong = replace(RECORDS[0], totals=(total._replace(main=total.main + 5),))
    account = RunAccount(story.RUN)
    (fault,) = account.take(Place(0, 1), wrong, story.CONFIG, None)
    assert fault.startswith("vm: moved")
    assert account.law_faults()
    older = replace(RECORDS[1], totals=(total._replace(segment=3),))
    account.take(Place(0, 2), older, story.CONFIG, None)
    (fault,) = account.take(Place(0, 3), replace(older, totals=(total,)), story.CONFIG, None)[:1]
    assert "segment 0 after 3" in fault


def test_an_index_that_keeps_resetting_is_told_and_bounded(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Segments without end would fill the memory of whoever checks."""
    monkeypatch.setattr("protocols.audit.run_account.MAX_SEGMENTS", 3)
    account = RunAccount(story.RUN)
    total = RECORDS[0].totals[0]._replace(start=0, end=0, main=0)
    faults = []
    for number in range(5):
        record = replace(RECORDS[0], totals=(total._replace(segment=number),))
        faults += account.take(Place(0, number), record, story.CONFIG, None)
    assert len(account.segments) == 3
    assert faults == ["vm: more than 3 segments"] * 2
