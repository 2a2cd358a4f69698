"""What the pages say of imagined sites, on screens of several sizes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from edge_agent.language import load_table, load_words
from edge_agent.live.cells import left, plain, right, spread
from edge_agent.live.frame import AROUND, Place, body_lines, frame, most_top
from edge_agent.live.pages import PAGES, Look, page_lines
from edge_agent.live.trend import Trends
from edge_agent.live.watcher import Seen
from edge_agent.status.model import Snapshot
from edge_agent.status.words_of_time import local_of
from edge_agent.terminal import columns
from tests.edge_agent.status.snapshots import alarm, bus, device, journal, run, site, uplink


def look(width: int = 80, *, chinese: bool = False, ascii_only: bool = False) -> Look:
    words = load_words("edge_agent.live", chinese=chinese)
    codes = load_words("edge_agent.status", chinese=chinese)
    return Look(words, codes, local_of("Asia/Shanghai"), width, ascii_only)


def page(name: str, snapshot: Snapshot, how: Look | None = None, seconds: int = 20) -> list[str]:
    trends = Trends()
    for second in range(seconds):
        trends.take(snapshot, 1000 * second)
    return [plain(line) for line in page_lines(name, snapshot, trends, how or look())]


def bad_site() -> Snapshot:
    """Everything that can be wrong at once, with long texts."""
    long = (
        "the adapter was pulled out of its socket while it was in use, or its driver is gone " * 2
    )
    return replace(
        site(2),
        buses=(
            bus("line-1", state="gone", detail=long),
            bus("line-2", other_master="03 to unit 7"),
            bus("lan", state="lent", lent_to="Li Wei"),
            bus("far", state="stuck"),
        ),
        runs=(
            run(1, quality="bad", quality_cause="BAD_NO_ANSWER"),
            run(2, quality="uncertain", substituted=("pressure_substituted",)),
            run(3, id="a-run-with-a-very-long-name-of-its-own", line_text="999999999999.999"),
        ),
        devices=(
            device(1, quality="BAD_NO_ANSWER", good_age_ms=None, detail=long),
            device(2, refused=("vm_err", "vb_err")),
            device(3, quality=""),
        ),
        alarms=tuple(alarm(subject=f"R{n}", detail=long) for n in range(9)),
        journal=journal(failing="the disk is full", days_left=3.2),
        uplink=uplink(state="failing", failure=long, last_receipt_age_ms=None),
    )  # fmt: skip


SITES = {"good": site(8), "bad": bad_site(), "empty": site(0, alarms=())}


@pytest.mark.parametrize("chinese", [False, True])
@pytest.mark.parametrize("width", [80, 100, 132])
@pytest.mark.parametrize("which", SITES)
@pytest.mark.parametrize("name", PAGES)
def test_no_line_is_wider_than_the_screen(name: str, which: str, width: int, chinese: bool) -> None:
    """Han counted as two columns, whatever a text from outside holds."""
    for line in page(name, SITES[which], look(width, chinese=chinese)):
        assert columns(line) <= width, line


@pytest.mark.parametrize("name", PAGES)
def test_a_serial_console_gets_ascii_alone(name: str) -> None:
    """Marks, trends, degrees and cut texts."""
    for which in SITES.values():
        assert all(line.isascii() for line in page(name, which, look(ascii_only=True)))


def test_eight_runs_and_all_else_fit_one_screen() -> None:
    """The overview of a usual site needs no scrolling at 80x24."""
    assert len(page("overview", site(8))) <= 24 - AROUND


def test_columns_stand_below_their_heads() -> None:
    """In both languages the last digit of a figure is below the last letter of its head."""
    for chinese in (False, True):
        head, first = page("overview", site(8), look(chinese=chinese))[:2]
        assert columns(head) == columns(first) == 80
        assert first.rstrip().endswith("6.5810")
        assert head.rstrip().endswith("C")
        index = load_words("edge_agent.live", chinese=chinese)("index")
        end = columns(head[: head.index(index) + len(index)])
        assert columns(first[: first.index("123457.000") + len("123457.000")]) == end


def test_what_does_not_work_says_so() -> None:
    """A run, a bus, a device, the journal, the link: each with its cause."""
    text = "\n".join(page("overview", bad_site()))
    assert "✖ R1     no answer; last index" in text
    assert "701.3*" in text
    assert "port gone: the adapter was pulled" in text
    assert "another master talks on this line" in text
    assert "lent to Li Wei" in text
    assert "journal takes nothing: the disk is full" in text
    assert "central fails" in text
    assert "5 more: page alarms" in text
    devices = "\n".join(page("buses", bad_site()))
    assert "no answer: the adapter" in devices
    assert "does not know vm_err, vb_err" in devices
    assert "not read yet" in devices


def test_the_alarms_page_has_all_of_them() -> None:
    """With the site's time of each."""
    lines = page("alarms", bad_site())
    assert len(lines) == 9
    assert re.match(r"▲ \d\d:\d\d  R0  pressure substituted: the adapter", lines[0])
    assert page("alarms", site(1)) == [left("● no alarm is on", 80)]


# ---- the screen around a page -------------------------------------------------------------------


def shown(seen: Seen, place: Place, height: int = 24, now_ms: int = 0) -> list[str]:
    how = look()
    body = [] if seen.snapshot is None else body_lines(seen.snapshot, Trends(), how, place)
    return [plain(line) for line in frame(seen, body, how, place, height, now_ms)]


@pytest.mark.parametrize("height", [1, 2, 3, 10, 24, 60])
@pytest.mark.parametrize("helps", [False, True])
def test_the_frame_is_as_high_as_the_screen(height: int, helps: bool) -> None:
    """At least where there is room for title, pages and keys."""
    lines = shown(Seen(site(8), 0, ""), Place(helps=helps), height)
    assert len(lines) == max(height, AROUND)
    assert max(columns(line) for line in lines) <= 80


def test_title_pages_and_keys_stand_around_it() -> None:
    """Who, when, since when; where one is, that there are alarms; what can be done."""
    lines = shown(Seen(replace(site(8), alarms=(alarm(),)), 0, ""), Place("values"))
    assert re.fullmatch(r" gw-1  Boiler house 3 +2026-05-29 04:26:40  up 25 h 01 min ?", lines[0])
    assert "[values]" in lines[1]
    assert "alarms 1" in lines[1]
    assert lines[-1].startswith("q quit")


def test_what_is_further_down_is_counted_and_can_be_reached() -> None:
    """The last screen of a page ends with its last line."""
    snapshot = site(30)
    all_lines = page("overview", snapshot)
    top = most_top(len(all_lines), 24)
    assert f"{top} more below" in shown(Seen(snapshot, 0, ""), Place())[-1]
    last = shown(Seen(snapshot, 0, ""), Place(top=top))
    assert "more below" not in last[-1]
    assert last[-2] == all_lines[-1]
    assert most_top(5, 24) == 0


def test_an_agent_that_is_gone_is_told_with_the_age_of_what_stands_there() -> None:
    """The figures stay, and nobody takes them for new ones."""
    gone = Seen(site(8), 0, "/run/read.sock", is_gone=True)
    assert "does not run (nothing new for 12 s)" in shown(gone, Place(), now_ms=12_000)[-1]
    silent = Seen(site(8), 0, "timed out", is_gone=False)
    assert "nothing new for 12 s: timed out" in shown(silent, Place(), now_ms=12_000)[-1]
    assert shown(gone, Place(), now_ms=1_000)[-1].startswith("q quit")  # a short pause is none
    assert "p goes on" in shown(Seen(site(8), 0, ""), Place(paused=True))[-1]


# ---- cells and words ----------------------------------------------------------------------------


def test_cells_are_cut_and_filled_by_columns() -> None:
    """Half a Han character is never drawn."""
    assert left("压力", 6) == "压力  "
    assert right("压力", 6) == "  压力"
    assert left("压力变送器", 6) == "压力… "
    assert columns(left("压力变送器", 6)) == 6
    assert left("abcdef", 4, ascii_only=True) == "abc~"
    assert left("12.3 °C", 10, ascii_only=True) == "12.3 degC "
    assert left("a\x1b[2Jb", 8) == "a [2Jb  "
    assert left("abc", 0) == ""
    assert spread("a long name of a site", "12:00", 14) == "a long…  12:00"


EN, ZH = load_table("edge_agent.live", "en"), load_table("edge_agent.live", "zh")


def test_both_languages_have_the_same_keys_and_figures() -> None:
    """A figure that is filled in is filled in in both."""
    assert EN.keys() == ZH.keys()
    for key in EN:
        fields = [set(re.findall(r"{[^}]*}", table[key])) for table in (EN, ZH)]
        assert fields[0] == fields[1], key


def test_help_fits_the_screen() -> None:
    """Each line in 80 columns, all of it between title and keys."""
    for table in (EN, ZH):
        lines = [text for key, text in table.items() if key.startswith("help.")]
        assert max(columns(line) for line in lines) <= 80
        assert len(lines) <= 24 - AROUND
