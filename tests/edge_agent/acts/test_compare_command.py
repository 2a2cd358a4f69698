"""`edge-agent compare`: a real corrector, with an agent and without one."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.edge_agent.acts.corrector import BY, agent, command, corrector, fields, site, statements

SHOWN = ("line=1000.000", "base=4000.0", "pressure=4.01bar", "temperature=15.1")


@pytest.mark.parametrize("running", [True, False])
def test_a_display_that_agrees(tmp_path: Path, running: bool) -> None:
    """The same through an agent and without one: shown, recorded, status 0."""
    with site(tmp_path, corrector()) as path, agent(path) if running else nullcontext():
        done = command(path, "compare", "R1", "--display", *SHOWN, *BY, "--yes")
    assert done.returncode == 0, done.stderr
    assert ["line", "index", "m3", "1000.000", "1000.000", "+0.000", "0.001", "within"] in [
        line.split() for line in done.stdout.splitlines()
    ]
    assert "OUTSIDE" not in done.stdout
    assert "not compared: conversion C, compression Z" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    ((subject, said),) = statements(path)
    assert (subject, said.code, said.why) == ("R1", "compared", "yearly check")
    assert said.who.startswith("Li Wei (own word; ")
    told = fields(said)
    assert told["verdict"] == "within"
    assert told["pressure.display_kpa"] == "401"
    assert told["pressure.read_kpa"] == "400"
    assert told["meter_serial"] == "M1"


def test_a_figure_outside_is_status_one_and_recorded(tmp_path: Path) -> None:
    """In JSON with a stable form; a human's yes is not needed, a name is."""
    with site(tmp_path, corrector()) as path:
        shown = ("line=1000.500", "c=3.900")
        done = command(path, "compare", "R1", "--display", *shown, *BY, "--yes", "--json")
        assert done.returncode == 1, done.stderr
        told = json.loads(done.stdout)
        assert {"schema", "recorded", "code", "subject", "who", "reason", "good", "lines"} <= set(
            told
        )
        assert (told["schema"], told["recorded"], told["good"]) == (1, True, False)
        line, factor = told["lines"]
        assert (line["deviation"], line["allowed"], line["verdict"]) == (
            "0.500",
            "0.001",
            "outside",
        )
        # C = (400/101.325)(293.15/288.15)/K is about 4.05 for this gas
        assert factor["verdict"] == "outside"
        assert 4.03 < float(factor["read"]) < 4.08
    ((_, said),) = statements(path)
    assert fields(said)["line.verdict"] == "outside"


def test_what_is_not_given_is_asked_for(tmp_path: Path) -> None:
    """An empty line: not on the display; nonsense is asked again; no is no."""
    answers = "999,9\n1000.00\n\n4.0bar\n15.0\n\n\nn\n"
    with site(tmp_path, corrector()) as path:
        done = command(path, "compare", "R1", *BY, answer=answers, tty=True)
        assert done.returncode == 1
        assert "'999,9' is no index" in done.stdout
        assert "not compared: base index, conversion C, compression Z" in done.stdout.replace(
            " m3", ""
        )
        assert "nothing was recorded" in done.stderr
        assert statements_or_none(path) == []
        yes = command(path, "compare", "R1", *BY, answer=answers[:-2] + "y\n", tty=True)
        assert yes.returncode == 0, yes.stderr
    assert len(statements(path)) == 1


def statements_or_none(path: Path) -> list[object]:
    """Where the journal was never opened, nothing is in it."""
    return list(statements(path)) if (path.parent / "state/journal.db").exists() else []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("R9", "--display", "line=1", "--yes"), "there are: R1"),
        (("R1", "--yes"), "no figure of the display was given"),
        (("R1", "--display", "line=1"), "give --yes"),
        (("R1", "--display", "flow=1", "--yes"), "one of line, base, pressure"),
        (("R1", "--display", "pressure=3furlong", "--yes"), "is no pressure"),
        (("R1", "--display", "pressure=400", "--yes"), "outside its range of 900000 to 11000000"),
    ],
)
def test_what_cannot_be_compared_is_told(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    """Status 2, and no record."""
    with site(tmp_path, corrector(pressure=40.0)) as path:
        done = command(path, "compare", *arguments, *BY)
    assert (done.returncode, told in done.stderr) == (2, True), done
    assert statements_or_none(path) == []


def test_a_silent_meter_is_told(tmp_path: Path) -> None:
    """Nothing to compare with."""
    served = corrector()
    served.silent = True
    with site(tmp_path, served) as path:
        done = command(path, "compare", "R1", "--display", "line=1", *BY, "--yes")
    assert (done.returncode, "meter-1: " in done.stderr) == (2, True), done


def test_a_program_is_told_why_not(tmp_path: Path) -> None:
    """One JSON object, whatever came of it."""
    with site(tmp_path, corrector()) as path:
        failed = command(path, "compare", "R9", *BY, "--yes", "--json")
        assert failed.returncode == 2
        told = json.loads(failed.stdout)
        assert (told["schema"], told["recorded"]) == (1, False)
        assert told["error"] == "no run 'R9'; there are: R1"
        answers = "1000.000\n\n\n\n\n\nn\n"
        refused = command(path, "compare", "R1", *BY, "--json", answer=answers, tty=True)
        assert (refused.returncode, json.loads(refused.stdout)) == (
            1, {"schema": 1, "recorded": False},
        )  # fmt: skip


def test_an_index_is_compared_without_the_transmitter(tmp_path: Path) -> None:
    """Its own figures are not, nor what is computed from them."""
    with site(tmp_path, corrector(pressure=40.0)) as path:
        done = command(path, "compare", "R1", "--display", "line=1000.000", *BY, "--yes")
        assert done.returncode == 0, done.stderr
        factor = command(path, "compare", "R1", "--display", "c=4.05", *BY, "--yes")
        assert (factor.returncode, "outside its range" in factor.stderr) == (2, True)
