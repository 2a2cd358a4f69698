"""The screen of a site: 80 columns, 24 lines with the prompt, what does not work first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_agent.language import Words, load_words
from edge_agent.status.model import Snapshot
from edge_agent.status.screen import MOST_LINES, WIDTH, Look, screen, worst
from edge_agent.status.words_of_time import local_of
from edge_agent.terminal import columns
from tests.edge_agent.status.snapshots import (
    UTC_MS,
    alarm,
    bus,
    device,
    journal,
    run,
    site,
    uplink,
)

EN = load_words("edge_agent.status", chinese=False)
ZH = load_words("edge_agent.status", chinese=True)
LOCAL = local_of("Asia/Shanghai")


def drawn(snapshot: Snapshot, words: Words = EN, look: Look | None = None) -> list[str]:
    return screen(snapshot, words, LOCAL, look or Look())


def dark(runs: int = 8) -> Snapshot:
    """Nothing works."""
    return replace(
        site(runs),
        runs=tuple(
            run(n, quality="bad", quality_cause="BAD_NO_ANSWER") for n in range(1, runs + 1)
        ),
        devices=tuple(
            device(n, quality="BAD_NO_ANSWER", good_age_ms=600_000, detail="no answer in 0.5 s")
            for n in range(1, runs + 1)
        ),
        buses=(bus(other_master="unit 3, function 3"),),
        alarms=(alarm("disk_full", ""), alarm("device_clock_drifts", "M3")),
        journal=journal(failing="disk I/O error", waiting_scans=400),
        uplink=uplink(state="failing", failure="no route to host; check the modem"),
        utc_ms=None,
    )


def test_a_site_where_all_is_well_is_one_screen() -> None:
    """Eight runs, each with its figures, and one line for each kind of thing that works."""
    lines = drawn(site())
    assert lines[0] == "● The site meters; central has everything until 42 s ago."
    assert lines[1] == "gw-1, Boiler house 3; 2026-05-29 04:26:40; up 25 h 01 min; edge-agent 0.1.0"
    assert lines[2].split() == [
        "run", "index", "m3", "line", "m3/h", "base", "m3/h", "P", "kPa", "abs", "T", "°C", "C",
    ]  # fmt: skip
    row = "● R1     123457.000    123.456    812.500    701.33   15.25  6.58100"
    assert lines[3].split() == row.split()
    assert lines[11:] == [
        "● buses: line-1",
        "● devices: all 8 answer",
        "● regulators: PR1 401.5 kPa",
        "● journal: 48.0 MB, 9.0 GB free",
        "● central: takes leaves; receipt 42 s ago; 0 billing + 240 scans wait",
        "● clock: synchronised; -0 s to central's",
    ]
    assert worst(site(), EN, LOCAL) == "good"


@pytest.mark.parametrize("words", [EN, ZH])
@pytest.mark.parametrize("look", [Look(), Look(ascii_only=True), Look(colours=False)])
@pytest.mark.parametrize("runs", [0, 1, 8, 40])
@pytest.mark.parametrize("make", [site, dark])
def test_it_fits_whatever_happens(words: Words, look: Look, runs: int, make: type) -> None:
    """No line is wider than the screen, and no screen longer."""
    if look.ascii_only and words is ZH:
        pytest.skip("such a terminal has no Chinese")
    lines = drawn(make(runs), words, look)
    assert len(lines) <= MOST_LINES
    assert max(columns(line) for line in lines) <= WIDTH
    assert not look.ascii_only or "".join(lines).isascii()
    assert len(drawn(make(runs), words, look._replace(most_lines=None))) >= runs


def test_what_does_not_work_comes_first() -> None:
    """And what is left out is the last: all of it is only a word away."""
    lines = drawn(dark())
    lights = [line[0] for line in lines[2:]]
    assert lights == sorted(lights, key="✖▲ ●".index)
    assert lines[0].startswith("✖ Nothing is stored; central has had")
    assert lines[2].startswith("✖ R1 does not meter: meter-1, no answer; last index 123457.000 m3")
    assert drawn(dark(40))[-1].endswith("more lines: edge-agent status --all")
    everything = "\n".join(drawn(dark(), EN, Look(most_lines=None)))
    for told in ("disk I/O error", "400 scans wait", "none of its 8", "another master", "modem"):
        assert told in everything


def test_a_bus_without_a_port_tells_for_its_devices() -> None:
    """Eight lines that say the same would hide the one that matters."""
    gone = replace(
        site(),
        buses=(bus(state="gone", detail="port /dev/ttyUSB0 does not exist: plug it in"),),
        devices=tuple(device(n, quality="BAD_PORT") for n in range(1, 9)),
    )
    lines = drawn(gone)
    assert lines[2] == "✖ bus line-1: port /dev/ttyUSB0 does not exist: plug it in"
    assert not [line for line in lines if "meter-" in line]


def test_alarms_of_one_kind_share_a_line() -> None:
    """A pressure transmitter may serve all runs."""
    told = tuple(alarm(subject=f"R{n}") for n in range(1, 4))
    runs = tuple(
        run(n, quality="uncertain", substituted=("pressure_substituted",)) for n in range(1, 4)
    )
    lines = drawn(replace(site(3), runs=runs, alarms=told))
    assert "▲ R1, R2, R3: pressure substituted since 03:26: P1 is silent" in lines
    assert "701.33*" in lines[4]
    assert lines[0].startswith("▲ The site meters, 3 of 3 runs with substitute values")


@pytest.mark.parametrize(
    ("snapshot", "told"),
    [
        (site(0), "No meter run is configured; central has everything until 42 s ago."),
        (dark(3), "Nothing is stored; central has had nothing for 42 s, 240 records wait."),
        (replace(dark(3), journal=journal()), "The site does not meter; central has had nothing"),
        (
            replace(site(3), runs=(run(1), run(2, quality="bad", quality_cause="never_read"))),
            "1 of 2 runs meter; central has",
        ),
        (
            replace(site(), journal=journal(unsent={"billing": 0, "telemetry": 0})),
            "The site meters; central has everything.",
        ),
        (
            replace(site(), uplink=uplink(state="window")),
            "the link is closed by its schedule, 240 records wait",
        ),
        (
            replace(site(), uplink=uplink(state="waiting", last_receipt_age_ms=None)),
            "central has not answered yet, 240 records wait",
        ),
        (
            replace(site(), journal=journal(unsent={"billing": 3, "telemetry": 9000})),
            "central is catching up, 9003 records wait",
        ),
        (
            replace(site(), uplink=uplink(state="failing", last_receipt_age_ms=None)),
            "central cannot be reached, 240 records wait",
        ),
        (replace(site(), uplink=uplink(state="standstill")), "nothing is sent any more"),
    ],
)
def test_one_sentence_says_how_it_stands(snapshot: Snapshot, told: str) -> None:
    """Whether the site meters, and whether central has everything."""
    assert told in drawn(snapshot)[0]


@pytest.mark.parametrize(
    ("snapshot", "told"),
    [
        (replace(site(), devices=(device(1, refused=("t", "z")),)), "▲ meter-1 refuses t, z"),
        (replace(site(), devices=(device(1, quality=""),)), "▲ meter-1: not read yet"),
        (
            replace(site(), devices=(device(1, quality="BAD_ANSWER", good_age_ms=None),)),
            "✖ meter-1 (line-1 unit 1): damaged answers since the start",
        ),
        (
            replace(site(), devices=(device(1, quality="BAD_NO_ANSWER", good_age_ms=9_000),)),
            "▲ meter-1 (line-1 unit 1): no answer for 9 s",
        ),
        (replace(site(), journal=journal(days_left=3.25)), "the disk is full in 3.2 days"),
        (replace(site(), journal=journal(dropped=7)), "7 scans lost since the start"),
        (replace(site(), journal=journal(last_commit_age_ms=90_000)), "nothing stored for 90 s"),
        (replace(site(), clock_state="unsynchronised"), "▲ clock: not synchronised"),
        (
            replace(site(), uplink=uplink(central_ahead_ms=-7_000_000)),
            "▲ clock: synchronised; +116 min to central's",
        ),
        (replace(site(), utc_ms=None), "✖ clock: shows no believable date"),
        (
            replace(site(), buses=(bus(state="lent", lent_to="Li Wei"),)),
            "▲ bus line-1 is lent to Li Wei",
        ),
        (replace(site(), buses=(bus(state="stuck"),)), "✖ bus line-1 stands still"),
        (
            replace(site(), alarms=(alarm("slam_shut", "PR1 a", detail=""),)),
            "▲ PR1 a: slam-shut valve has closed since 03:26",
        ),
        (
            replace(site(), alarms=(alarm("some_new_code", "", since_ms=UTC_MS - 10**8),)),
            "▲ some new code since 05-28 00:40: P1 is silent",
        ),
    ],
)
def test_each_finding_has_its_line(snapshot: Snapshot, told: str) -> None:
    """And is not good."""
    lines = drawn(snapshot)
    assert [line for line in lines if told in line], "\n".join(lines)
    assert worst(snapshot, EN, LOCAL) != "good"


def test_colours_are_for_a_terminal_that_has_them() -> None:
    """A bad line is all red; the figures of a good one are not coloured."""
    lines = drawn(dark(1), EN, Look(colours=True))
    assert lines[2].startswith("\x1b[1;31m✖ ")
    assert lines[2].endswith("\x1b[0m")
    good = drawn(site(1), EN, Look(colours=True))
    assert good[3].startswith("\x1b[32m● \x1b[0mR1")
    assert "\x1b" not in "".join(drawn(dark(8)))


def test_the_headline_is_never_cut() -> None:
    """It goes on in a second line."""
    found = replace(
        site(8),
        runs=tuple(run(n, quality="uncertain") for n in range(1, 9)),
        uplink=uplink(state="failing", last_receipt_age_ms=11_100_000),
    )
    lines = drawn(found)
    assert lines[0] == (
        "✖ The site meters, 8 of 8 runs with substitute values; central has had nothing"
    )
    assert lines[1] == "  for 3 h 05 min, 240 records wait."
    assert len(lines) <= MOST_LINES


def test_a_long_name_keeps_the_columns() -> None:
    """It is cut, and says so; control characters are not drawn."""
    found = replace(
        site(2), runs=(run(1, id="a-very-long-name-of-a-run"), run(2)), site="x\x1b[2Jy"
    )
    lines = drawn(found)
    assert lines[3].startswith("● a-very-long")
    assert "~" in lines[3]
    assert len(lines[3]) == len(lines[4]) <= WIDTH
    assert "\x1b" not in lines[1]
