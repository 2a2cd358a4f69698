"""What people and programs read of edited intervals: the newest version, marked as one."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from central.ledger import queries
from central.ledger.correction import read_correction
from central.ledger.edit_plan import Entry, Range, Signed, Which, plan_entry, plan_recalculation
from central.ledger.edits import append_edits
from central.ledger.rows import IntervalRow
from central.store.database import Store
from central.web.app import create_app
from central.web.csv_file import BYTE_ORDER_MARK
from central.web.edits import difference_m3, edit_label, edit_title
from central.web.gas_days import gas_day_sums
from central.web.instants import zone_of
from central.web.places import Place
from central.web.words import load_words
from protocols.metering.edited import EditKind
from tests.central.web import story
from tests.central.web.page import table
from tests.central.web.serving import serving

RUN = f"/runs/{story.GATEWAY}/{story.RUN}"
PLACE = Place("", "Asia/Shanghai", 8)
HOUR_MS = 3_600_000
SIGNED = Signed("Li <b>Wei</b>", "=lab report 17", story.END_MS + 86_400_000, b"\3" * 32)


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The told morning with its first hour recalculated, and one interval estimated."""
    store = story.told_store(tmp_path_factory.mktemp("edited"))
    asked = Range(story.GATEWAY, story.RUN, story.BEGIN_MS, story.BEGIN_MS + HOUR_MS)
    correction = read_correction(["atmosphere_dpa=1000000"], None)
    plan = plan_recalculation(store, asked, correction, SIGNED, as_recorded=False)
    which = Which(story.GATEWAY, story.RUN, story.BEGIN_MS + 3 * HOUR_MS, None, None)
    figures = {"line_main_cm3": 5_000_000, "base_main_cm3": 12_345_678}
    with store.writer.begin() as conn:
        append_edits(conn, plan.edits)
        entry = Entry(figures, "mean of the hours beside it")
        append_edits(conn, plan_entry(conn, which, entry, SIGNED).edits)
    yield store
    store.close()


@pytest.fixture(scope="module")
def edited_site(edited: Store) -> Iterator[str]:
    with serving(create_app(edited, lambda: story.NOW_MS)) as address:
        yield address


def _rows(store: Store) -> list[IntervalRow]:
    with store.engine.connect() as conn:
        return queries.intervals(conn, story.GATEWAY, story.RUN)


def _page(site: str, path: str = RUN, language: str = "en") -> str:
    return requests.get(f"{site}{path}?lang={language}", timeout=20).text


def test_the_run_page_marks_edited_intervals(edited_site: str, edited: Store) -> None:
    """Edited rows show version, kind and the difference to the record; others nothing of it."""
    rows = table(_page(edited_site), "intervals")
    shown = [row[-2] for row in rows]
    assert sum("version 2, recalculated" in cell for cell in shown) == 12
    assert sum("estimated version 2, estimated" in cell for cell in shown) == 1
    assert sum("version" in cell for cell in shown) == 13
    first = _rows(edited)[0]
    assert first.edit is not None
    moved = first.base_main_cm3 - first.edit.recorded.base_main_cm3
    assert moved < 0
    assert difference_m3(moved, 0).startswith("-0.1")
    assert any(cell.endswith(difference_m3(moved, 0)) for cell in rows[-1])


def test_the_run_page_lists_corrections(edited_site: str) -> None:
    """One line a command, newest first: who, how, why, from when to when, and what it added."""
    rows = table(_page(edited_site), "edits-table")
    assert [row[1:4] for row in rows] == [
        ["Li <b>Wei</b>", "estimated", "=lab report 17By the rule: mean of the hours beside it"],
        ["Li <b>Wei</b>", "recalculated", "=lab report 17"],
    ]
    assert [row[7] for row in rows] == ["1", "12"]
    assert rows[1][4:6] == ["2026-03-11 05:30:00", "2026-03-11 06:30:00"]
    assert rows[0][6].startswith("-15.7")
    assert table(_page(edited_site, RUN, "zh"), "edits-table")[1][2] == "重算"


def test_the_title_tells_who_when_why_and_what(edited: Store) -> None:
    """Name, instant by the site's clock, reason, rule, and each figure old and new."""
    english, chinese = load_words()["en"], load_words()["zh"]
    rows = [row for row in _rows(edited) if row.edit]
    title = edit_title(rows[-1], zone_of("Asia/Shanghai"), english).splitlines()
    assert title[:3] == [
        "Li <b>Wei</b>, 2026-03-12 09:30:00",
        "Reason: =lab report 17",
        "By the rule: mean of the hours beside it",
    ]
    assert title[3] == "Line volume: 6.866 → 5.000 m³"
    assert title[4].startswith("Base volume: ")
    assert title[4].endswith(" → 12.346 m³")
    assert len(title) == 5
    first = edit_title(rows[0], zone_of("UTC"), english)
    assert "P: " in first
    assert "Line volume" not in first
    assert "原因：=lab report 17" in edit_title(rows[0], zone_of("UTC"), chinese)
    assert edit_label(rows[0], chinese) == "第 2 版 · 重算"
    (untouched, *_) = [row for row in _rows(edited) if not row.edit]
    assert (edit_title(untouched, zone_of("UTC"), english), edit_label(untouched, english)) == (
        "", "",
    )  # fmt: skip


def test_every_kind_has_words() -> None:
    """What an edit can be is said in both languages."""
    for words in load_words().values():
        assert all(words.get(f"edit.{kind}") for kind in EditKind)


def test_what_a_person_wrote_is_escaped(edited_site: str) -> None:
    """A name with markup in it is text, also inside a title."""
    html = _page(edited_site)
    assert "Li &lt;b&gt;Wei&lt;/b&gt;" in html
    assert "<b>Wei" not in html


@pytest.mark.parametrize(("language", "word"), [("en", "as recorded"), ("zh", "原始记录")])
def test_sums_stand_beside_the_record(edited_site: str, language: str, word: str) -> None:
    """Run page and overview show the edited sum and, below it, the recorded one."""
    for path in (RUN, "/"):
        html = _page(edited_site, path, language)
        assert f"{word} 1,553.230" in html
    (row,) = table(_page(edited_site, "/"), "runs")
    assert row[7].endswith("as recorded 1,553.230")
    assert not row[7].startswith("1,553.230")


def test_unedited_pages_do_not_speak_of_edits(site: str) -> None:
    """Where nothing was edited, no word of it is on the page."""
    for path in (RUN, "/"):
        html = _page(site, path)
        assert "as recorded" not in html
        assert "version " not in html
        assert "edited" not in html.lower()


def test_the_csv_has_versions_and_what_was_recorded(edited_site: str, edited: Store) -> None:
    """Every row says its version; an edited one who, when and why, and the recorded volumes."""
    text = requests.get(f"{edited_site}{RUN}/intervals.csv", timeout=20).content.decode()
    lines = list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline="")))
    for line, row in zip(lines, _rows(edited), strict=True):
        assert line["version"] == f"{row.version}"
        assert Decimal(line["base_main_m3"]) * 10**6 == row.base_main_cm3
        if row.edit is None:
            assert line["edit_kind"] == line["recorded_base_main_m3"] == ""
            continue
        recorded = row.edit.recorded
        assert line["edited_by"] == "Li <b>Wei</b>"
        assert line["edit_reason"].startswith("'=lab report 17")  # no formula
        assert line["edited_utc"] == "2026-03-12 01:30:00.000"
        assert Decimal(line["recorded_base_main_m3"]) * 10**6 == recorded.base_main_cm3
        assert Decimal(line["recorded_line_main_m3"]) * 10**6 == recorded.line_main_cm3
    assert lines[36]["edit_reason"] == "'=lab report 17 (mean of the hours beside it)"


def test_the_api_tells_both(edited_site: str, edited: Store) -> None:
    """The newest figures, and under `edit` who made them and the recorded ones."""
    told = requests.get(f"{edited_site}/api{RUN}/intervals", timeout=20).json()["intervals"]
    rows = _rows(edited)
    assert [one["version"] for one in told] == [row.version for row in rows]
    assert [one["base_main_cm3"] for one in told] == [row.base_main_cm3 for row in rows]
    one, row = told[0], rows[0]
    assert row.edit is not None
    assert one["edit"]["recorded"] == row.edit.recorded._asdict()
    assert (one["edit"]["who"], one["edit"]["kind"]) == ("Li <b>Wei</b>", "recalculated")
    assert one["edit"]["software"] == "03" * 32
    assert told[20]["edit"] is None
    (run,) = requests.get(f"{edited_site}/api/runs", timeout=20).json()["runs"]
    assert run["recorded_base_cm3"] == 1_553_229_509
    assert run["base_cm3"] == sum(row.base_main_cm3 + row.base_error_cm3 for row in rows)
    assert run["edited"] == 13
    summary = requests.get(f"{edited_site}/api/summary", timeout=20).json()
    assert (summary["edited"], summary["law_holds"], summary["alarms"]) == (13, True, 0)


def test_the_plot_shows_the_newest(edited_site: str, edited: Store) -> None:
    """The bars of base volume are those of the newest versions."""
    told = requests.get(f"{edited_site}/api{RUN}/series", timeout=20).json()
    assert told["base_m3"] == [
        (row.base_main_cm3 + row.base_error_cm3) / 1e6 for row in _rows(edited)
    ]


volume = st.integers(0, 10**12)
entries = st.lists(
    st.tuples(
        st.integers(0, 47), st.sampled_from(["line_main_cm3", "base_main_cm3", "base_error_cm3"]),
        volume,
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=30)
@given(entries)
def test_a_day_is_its_originals_and_all_differences(
    store: Store, made: list[tuple[int, str, int]]
) -> None:
    """Sum of a gas day with edits = sum of its originals + sum of every edit's differences."""
    seqs = [row.seq for row in _rows(store)]
    with store.writer.connect() as conn, conn.begin() as transaction:
        before = gas_day_sums(conn, story.GATEWAY, story.RUN, PLACE, story.END_MS)
        line = base = 0
        for at, field, cm3 in made:
            which = Which(story.GATEWAY, story.RUN, None, seqs[at], None)
            plan = plan_entry(conn, which, Entry({field: cm3}, ""), SIGNED)
            if plan.edits:
                append_edits(conn, plan.edits)
            for new in plan.edits:
                line += new.record.amounts.line_cm3 - new.before.line_cm3
                base += new.record.amounts.base_cm3 - new.before.base_cm3
        days = gas_day_sums(conn, story.GATEWAY, story.RUN, PLACE, story.END_MS)
        (run,) = queries.runs(conn)
        transaction.rollback()
    assert sum(day.line_cm3 for day in days) == sum(day.line_cm3 for day in before) + line
    assert sum(day.base_cm3 for day in days) == sum(day.base_cm3 for day in before) + base
    assert [day.recorded_base_cm3 for day in days] == [day.base_cm3 for day in before]
    assert [day.recorded_line_cm3 for day in days] == [day.line_cm3 for day in before]
    assert run.base_cm3 == sum(day.base_cm3 for day in days)
    assert run.line_cm3 == sum(day.line_cm3 for day in days)
    assert sum(day.edited for day in days) == run.edited
