"""edge-central edit, from end to end: the difference first, then a booked version."""

import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from central.cli import main
from central.ledger import queries
from central.ledger.edits import head_of
from central.store.edit_tables import edit
from protocols.evidence.leaf import Log
from protocols.metering.gas import Gas
from protocols.software import metrological_hash
from tests.central.conftest import Central, Gateway, run_config

SIGNED = ("--who", "Li Wei", "--reason", "lab report 17")
R1 = ("--gateway", "gw-1", "--run", "R1")
RANGE = ("--from", "2023-11-14T22:13:22Z", "--to", "2023-11-15T06:13:40+08:00")

FROM_MS, TO_MS = 1_700_000_002_000, 1_700_000_020_000


def tell(central):
    gas = Gas("grid", (), 40_660_000, 581_000_000, 6_000_000, superior_j_m3=37_000_000,
              combustion="25")  # fmt: skip
    gateway = Gateway().configure(run_config("R1", method="SGERG-88", gas=gas))
    for _ in range(14):
        gateway.poll()
    gateway.stop()
    central.register(gateway)
    for log in (Log.TELEMETRY, Log.BILLING):
        central.send(gateway, log)
    central.catch_up()


@pytest.fixture
def told(tmp_path):
    """A run that bills energy, its intervals recomputed."""
    central = Central(tmp_path / "store", tell)
    yield central
    central.close()


@pytest.fixture
def run(told, capsys):
    def run_command(*words):
        status = main(["edit", *words, "--store", str(told.store.directory)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run_command


def intervals(told):
    return told.ask(queries.intervals, "gw-1", "R1")


def figures(out):
    """The table of differences: by label, the three figures."""
    rows = re.findall(r"^(\w+ \w+ ?\w*?) +(-?[\d.]+) +(-?[\d.]+) +(-?[\d.]+)$", out, re.MULTILINE)
    return {label.strip(): tuple(map(Decimal, cells)) for label, *cells in rows}


def test_a_dry_run_shows_and_books_nothing(run, told):
    """The difference in m3 and kWh is that of the intervals; nothing is written."""
    before = intervals(told)
    status, out, _ = run("recalculate", *R1, *RANGE, *SIGNED, "--set", "atmosphere_dpa=900000",
                         "--dry-run")  # fmt: skip
    assert status == 0
    assert "a dry run: nothing was booked" in out
    assert out.startswith("corrected: atmosphere_dpa 1013250 -> 900000\n")
    assert intervals(told) == before
    assert told.ask(head_of).size == 0
    table = figures(out)
    old, new, moved = table["base main m3"]
    changed = [row for row in before if FROM_MS <= row.start_utc_ms < TO_MS]
    assert 1 < len(changed) < len(before)
    assert old * 10**6 == sum(row.base_main_cm3 for row in changed)
    assert (new - old, new < old) == (moved, True)
    assert table["line main m3"][2] == 0
    assert abs(table["energy kWh"][2] - moved * 37 / Decimal("3.6")) < Decimal("0.001")


def test_what_was_shown_is_booked(run, told):
    """The sums of the newest versions are those that the command showed."""
    status, out, _ = run("recalculate", *R1, *RANGE, *SIGNED, "--set", "atmosphere_dpa=900000")
    assert status == 0
    rows = intervals(told)
    edited = [row for row in rows if row.version == 2]
    assert figures(out)["base main m3"][1] * 10**6 == sum(row.base_main_cm3 for row in edited)
    assert f"booked; head {told.ask(head_of)}" in out
    assert {(row.edit.who, row.edit.reason) for row in edited} == {("Li Wei", "lab report 17")}
    assert {row.edit.software for row in edited} == {metrological_hash().hex()}


def test_another_gas_from_a_file(run, told, tmp_path):
    """A gas of a laboratory's report is read from a file."""
    file = tmp_path / "gas.json"
    figures_of = {"Hs_25_0_MJ_m3": 38, "d_0": 0.6, "x_CO2": 0.01, "x_H2": 0, "superior_MJ_m3": 35}
    file.write_text(json.dumps(figures_of))
    assert run("recalculate", *R1, *RANGE, *SIGNED, "--gas", str(file))[0] == 0
    assert {row.hs_j_m3 for row in intervals(told) if row.version == 2} == {35_000_000}


def test_figures_are_entered(run, told):
    """One interval, by an instant in it or by its number; an estimate names its rule."""
    first, second, *_ = intervals(told)
    status, out, _ = run("enter", *R1, *SIGNED, "--at", "2023-11-14T22:13:23+00:00",
                         "--base-main", "1.5", "--hs", "36.25")  # fmt: skip
    assert status == 0, out
    status, out, _ = run("enter", *R1, *SIGNED, "--seq", f"{second.seq}", "--line-error",
                         "0.000001", "--estimated-by", "the contract's clause 7")  # fmt: skip
    assert status == 0, out
    one, two, *_ = intervals(told)
    assert (one.seq, one.base_main_cm3, one.hs_j_m3) == (first.seq, 1_500_000, 36_250_000)
    assert (one.edit.kind, one.edit.rule) == ("entered", "")
    assert (two.line_error_cm3, two.edit.rule) == (1, "the contract's clause 7")


def test_edits_are_listed_newest_first(run, told):
    """Each with its number, who and why, old and new; the head stands last."""
    seq = intervals(told)[0].seq
    for volume in ("1", "2", "3"):
        run("enter", *R1, *SIGNED, "--seq", f"{seq}", "--base-main", volume)
    status, out, _ = run("list", "--limit", "2")
    assert status == 0
    third, second, more, head = out.splitlines()
    assert third.startswith("3\t")
    assert "version 4\tentered\tLi Wei: lab report 17\tbase_main_cm3 2000000 -> 3000000" in third
    assert second.startswith("2\t")
    assert "older ones" in more
    assert head == f"head {told.ask(head_of)}"
    assert len(run("list", *R1)[1].splitlines()) == 4
    assert run("list", "--gateway", "gw-9")[1] == f"{head}\n"


def test_a_damaged_edit_is_listed_so(run, told):
    """The list shows what is left of an edit that somebody changed, and check has status 1."""
    run("enter", *R1, *SIGNED, "--seq", f"{intervals(told)[0].seq}", "--base-main", "1")
    assert run("check")[0] == 0
    with told.store.writer.begin() as conn:
        conn.execute(edit.update().values(body=b"\xa0"))
    assert run("list")[1].startswith("1\tdamaged: ")
    status, out, _ = run("check")
    assert (status, "edit 1: cannot be read" in out) == (1, True)


def test_a_noted_head_is_found_again(run, told):
    """check finds a head that was noted, and tells where it is not there."""
    seq = intervals(told)[0].seq
    run("enter", *R1, *SIGNED, "--seq", f"{seq}", "--base-main", "1")
    noted = str(told.ask(head_of))
    run("enter", *R1, *SIGNED, "--seq", f"{seq}", "--base-main", "2")
    assert run("check", "--head", noted)[:2] == (
        0, f"2 edits, each as it was made\nhead {told.ask(head_of)}\n",
    )  # fmt: skip
    status, out, _ = run("check", "--head", "2:" + "ab" * 32)
    assert (status, "some were taken away" in out) == (1, True)


RECALCULATE = ("recalculate", *R1, *RANGE, *SIGNED)
ENTER = ("enter", *R1, *SIGNED, "--seq", "5")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (RECALCULATE, "nothing is corrected"),
        ((*RECALCULATE, "--set", "k_e9=x"), "k_e9: 'x' is no whole number"),
        ((*RECALCULATE, "--gas", "/nowhere/gas.json"), "/nowhere/gas.json: No such file"),
        ((*RECALCULATE, "--as-recorded", "--who", " "), "--who is empty"),
        ((*RECALCULATE, "--as-recorded", "--reason", ""), "--reason is empty"),
        ((*RECALCULATE, "--as-recorded", "--run", "R9"), "no meter run 'R9'"),
        ((*RECALCULATE, "--as-recorded", "--from", "2023-11-14T22:13:20"), "with its zone"),
        ((*RECALCULATE, "--as-recorded", "--from", "yesterday"), "--from 'yesterday'"),
        ((*RECALCULATE, "--as-recorded", "--to", "2033-01-01T00:00:00Z"), "still open"),
        (ENTER, "no figure is given"),
        ((*ENTER, "--base-main", "nan"), "--base-main 'nan' is no number of m3"),
        ((*ENTER, "--base-main", "-1"), "no number of m3"),
        ((*ENTER, "--base-main", "1e3"), "no number of m3"),
        ((*ENTER, "--base-main", "1,5"), "no number of m3"),
        ((*ENTER, "--base-main", "0.1234567"), "at most 6 decimals"),
        ((*ENTER, "--base-main", "12345678901"), "no number of m3"),
        ((*ENTER, "--hs", "."), "--hs '.' is no number of MJ/m3"),
        ((*ENTER, "--base-main", "1", "--who", "x" * 65), "who has 65 characters"),
        ((*ENTER, "--base-main", "1", "--who", "x" * 65, "--dry-run"), "who has 65 characters"),
        ((*ENTER, "--base-main", "1", "--reason", "a\nb"), "control character"),
        ((*ENTER, "--base-main", "1", "--seq", "4096"), "no closed interval there"),
    ],
)
def test_refusals(run, told, words, why):
    """What cannot be booked is status 2 with the field and the remedy, and nothing is written."""
    words = [str(intervals(told)[0].seq) if word == "5" else word for word in words]
    status, out, error = run(*words)
    assert (status, out) == (2, "")
    assert error.startswith("edge-central: ")
    assert why in error
    assert told.ask(head_of).size == 0


def test_a_reader_who_leaves(run, told):
    """`edge-central edit list | head -1` ends without a word."""
    run("recalculate", *R1, *RANGE, *SIGNED, "--set", "atmosphere_dpa=900000")
    program = Path(sys.executable).parent / "edge-central"
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [program, "edit", "list", "--store", told.store.directory],
        stdout=write_end, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "words",
    [
        ("recalculate", *R1, *RANGE, "--as-recorded", "--reason", "x"),
        ("recalculate", *R1, *RANGE, "--as-recorded", "--who", "x"),
        ("enter", *R1, *SIGNED, "--base-main", "1"),
        ("enter", *R1, *SIGNED, "--seq", "5", "--at", "2023-11-14T22:13:20Z"),
        ("list", "--limit", "0"),
        ("list", "--limit", "1001"),
        ("list", "--limit", "x"),
        (),
    ],
)
def test_a_command_that_lacks_something(run, words, capsys):
    """Who, why and which are no options."""
    with pytest.raises(SystemExit) as stopped:
        run(*words)
    assert stopped.value.code == 2
