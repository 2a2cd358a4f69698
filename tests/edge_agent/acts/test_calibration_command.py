"""`edge-agent cal`: points given, or asked for and read; maintenance marked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.edge_agent.acts.corrector import BY, command, corrector, fields, site, statements

REFERENCE = (
    "--reference", "DPI 611", "--certificate", "2026-77", "--certificate-due", "2099-03-31",
    "--ambient", "12.5",
)  # fmt: skip
FOUND = ("--as-found", "100=101.2", "300=303.1", "500=505.0")
LEFT = ("--as-left", "100=100.0", "300=300.2", "500=500.1")
CAL = ("cal", "pressure", "R1", *REFERENCE, *BY)


def test_found_and_left(tmp_path: Path) -> None:
    """Recorded with all its points, and when the next one is due."""
    with site(tmp_path, corrector()) as path:
        done = command(path, *CAL, *FOUND, *LEFT, "--until", "2099-11-30", "--yes")
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("OUTSIDE") == 3
        assert max(len(line) for line in done.stdout.splitlines()) <= 80
        due = json.loads(command(path, "meter", "verify-due", "R1", "--json").stdout)["due"]
        assert [(one["what"], one["until"]) for one in due] == [("pressure", "2099-11-30")]
    ((subject, said),) = statements(path)
    told = fields(said)
    assert (subject, said.code) == ("R1", "calibrated_pressure")
    assert (told["found.verdict"], told["left.verdict"]) == ("outside", "within")
    assert (told["verdict"], told["adjusted"], told["point"]) == ("within", 1, "pressure")
    assert (told["reference_due"], told["ambient_c"]) == ("2099-03-31", "12.5")
    assert told["found.2.reference_kpa"] == "300"
    assert told["found.2.deviation_kpa"] == "3.1"


def test_left_outside_is_status_one(tmp_path: Path) -> None:
    """As is a reference instrument whose own certificate is over."""
    with site(tmp_path, corrector()) as path:
        done = command(path, *CAL, *FOUND, "--yes", "--json")
        assert (done.returncode, json.loads(done.stdout)["good"]) == (1, False)
        over = [word.replace("2099-03-31", "2020-03-31") for word in CAL]
        done = command(path, *over, *FOUND, *LEFT, "--yes")
        assert done.returncode == 1
        assert "certificate is over since 2020-03-31" in done.stdout
    assert [fields(said)["reference_verdict"] for _, said in statements(path)] == ["good", "over"]


def test_at_a_terminal_the_transmitter_is_read(tmp_path: Path) -> None:
    """And the time is marked as maintenance, begun and ended."""
    typed = "\n399\n400\nx\n401\n\n\ny\n"
    with site(tmp_path, corrector()) as path:
        done = command(path, *CAL, answer=typed, tty=True)
        assert done.returncode == 0, done.stderr
        assert "reads 400.0000, deviation +1.0000" in done.stdout
        assert "'x' is no number" in done.stdout
        assert "nothing was adjusted" in done.stdout
    codes = [said.code for _, said in statements(path)]
    assert codes == ["maintenance_began", "calibrated_pressure", "maintenance_ended"]
    told = fields(statements(path)[1][1])
    assert isinstance(told["began_utc_ms"], int)
    assert told["began_utc_ms"] <= told["ended_utc_ms"]
    assert told["found.3.deviation_kpa"] == "-1.0000"


def test_a_script_marks_the_beginning(tmp_path: Path) -> None:
    """What is under maintenance is listed until the calibration ends it."""
    with site(tmp_path, corrector()) as path:
        begun = command(path, "cal", "temperature", "R1", "--begin", *BY, "--yes")
        assert begun.returncode == 0, begun.stderr
        listed = command(path, "meter", "verify-due")
        assert "R1: under maintenance (temperature)" in listed.stdout
        points = ("--as-found", "0=0.1", "20=20.1", "40=40.1")
        done = command(path, "cal", "temperature", "R1", *REFERENCE, *BY, *points, "--yes")
        assert done.returncode == 0, done.stderr
        assert "under maintenance" not in command(path, "meter", "verify-due").stdout
    told = fields(statements(path)[1][1])
    assert told["began_utc_ms"] is not None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("cal", "pressure", "R1", *BY, *FOUND), "--reference, --certificate"),
        ((*CAL, *LEFT), "as left without as found"),
        ((*CAL, *FOUND[:3]), "3 different points"),
        ((*CAL, *FOUND, "--until", "soon"), "YYYY-MM-DD"),
        ((*CAL, *FOUND, "--limit", "0"), "above 0"),
        (("cal", "pressure", "R9", *REFERENCE, *BY, *FOUND), "there are: R1, meter-1"),
        (("cal", "pressure", "meter-1", *REFERENCE, *BY, *FOUND), "--point: one of"),
    ],
)
def test_what_is_no_calibration(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    """Status 2, nothing recorded."""
    with site(tmp_path, corrector()) as path:
        done = command(path, *arguments, "--yes")
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def test_a_device_that_is_no_runs(tmp_path: Path) -> None:
    """By its point; the record is of the device."""
    with site(tmp_path, corrector()) as path:
        named = ("cal", "pressure", "meter-1", "--point", "pressure", "--gauge")
        done = command(path, *named, *REFERENCE, *BY, *FOUND, *LEFT, "--yes")
        assert done.returncode == 0, done.stderr
    ((subject, said),) = statements(path)
    assert (subject, "found.1.reading_kpa_gauge" in fields(said)) == ("meter-1", True)
