"""The command line: what it prints, and its exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.console import COULD_NOT, FINDINGS, GOOD
from edge_agent.journal.journal import FILE_NAME
from edge_agent.keys.keys import load_keys
from tests.edge_agent.gateway import TOML, write_ca


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(TOML, encoding="utf-8")
    return path


def run_of_its_own(path: Path) -> tuple[int, str]:
    """Its status and what it told: it sets the umask, signals and memory of its process."""
    command = [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def test_check_prints_what_was_understood(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Buses, devices and runs, so that a technician can compare."""
    assert main(["check", "--config", str(path)]) == GOOD
    told = capsys.readouterr().out
    assert "bus lan: tcp 127.0.0.1:1" in told
    assert "p-1: unit 2, keller-33x, serial P1, 2 points each 2 s" in told
    assert "run R1: meter M1, P P1, T T1, interval 6 s" in told
    assert "SGERG-88 (program range), gas grid, base 20 degC, 101.325 kPa" in told
    assert max(len(line) for line in told.splitlines() if not line.startswith("bus")) <= 80
    assert told.endswith("no faults\n")


def test_check_warns_of_what_a_person_should_look_at(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A composition's sum and rule are told, and that SGERG-88 may not suit biomethane with LPG."""
    gas = "composition = { methane = 0.9, propane = 0.08, carbon_dioxide = 0.02002 }\n"
    figures = TOML[TOML.index("hs_25_0") : TOML.index("[[run]]")]
    path.write_text(TOML.replace(figures, gas), encoding="utf-8")
    assert main(["check", "--config", str(path)]) == GOOD
    told = capsys.readouterr().out
    assert "gas grid: its parts make 1.000020000, rule normalise" in told
    assert "warning: run[R1].conversion.method: SGERG-88 may not suit this gas" in told
    assert "propane is 8.000%, a third of the" in " ".join(told.split())


@pytest.mark.parametrize("command", ["check", "run", "migrate"])
def test_a_faulty_configuration_is_a_finding(
    path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Every fault on a line of its own; nothing is started or made."""
    path.write_text(TOML.replace("unit = 2", "unit = 0").replace("x_h2", "x_he"), encoding="utf-8")
    if command == "run":
        status, told = run_of_its_own(path)
    else:
        status, told = main([command, "--config", str(path)]), capsys.readouterr().err
    assert status == FINDINGS
    assert told.splitlines() == [
        f"{path}: device[p-1].unit: 0 is out of range; must be 1 to 247",
        f"{path}: gas[grid].x_h2: is missing; add x_h2: a number, 0 to 1",
        f"{path}: gas[grid].x_he: is no known key; did you mean x_h2?",
        "3 faults",
    ]
    assert not (path.parent / "state").exists()


def test_keys_are_made_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both print the same verifier key; a second `new` could not be done."""
    arguments = ["--state", str(tmp_path / "state")]
    assert main(["key", "new", *arguments, "--gateway", "gw-1"]) == GOOD
    vkey = capsys.readouterr().out
    assert main(["key", "show", *arguments]) == GOOD
    shown = capsys.readouterr().out
    assert shown.startswith(vkey)
    assert vkey == load_keys(tmp_path / "state").signer.vkey + "\n"
    assert main(["key", "new", *arguments, "--gateway", "gw-1"]) == COULD_NOT
    assert "exists; keep it" in capsys.readouterr().err


def test_show_without_keys_could_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And names the command that makes them."""
    assert main(["key", "show", "--state", str(tmp_path)]) == COULD_NOT
    assert "edge-agent key new" in capsys.readouterr().err


def test_migrate_makes_the_journal(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first start, or after an update."""
    assert main(["migrate", "--config", str(path)]) == GOOD
    assert (path.parent / "state" / FILE_NAME).is_file()
    assert "is up to date" in capsys.readouterr().out


def test_run_without_keys_could_not(path: Path) -> None:
    """Nothing is recorded that could not be signed later."""
    status, told = run_of_its_own(path)
    assert status == COULD_NOT
    assert "edge-agent key new" in told


def test_run_with_the_keys_of_another_gateway_could_not(path: Path) -> None:
    """A log is signed by its own gateway."""
    assert main(["key", "new", "--state", str(path.parent / "state"), "--gateway", "gw-2"]) == GOOD
    status, told = run_of_its_own(path)
    assert status == COULD_NOT
    assert "are those of gateway 'gw-2'" in told


HEAVY = ("cbor2", "cryptography", "protocols", "pymodbus", "requests", "serial", "sqlite_utils")


@pytest.mark.parametrize("command", ["", "gas", "profile check", "report", "write", "key new"])
def test_help_loads_no_library(command: str) -> None:
    """Each library is loaded by the command that needs it: a Pi answers --help at once."""
    code = (
        "import sys\nfrom edge_agent.cli import main\n"
        f"try: sys.exit(main({[*command.split(), '--help']!r}))\n"
        f"except SystemExit: print('loaded', sorted({set(HEAVY)!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith(f"usage: edge-agent {command}".rstrip())
    assert (done.stdout.splitlines()[-1], done.stderr) == ("loaded []", "")


@pytest.mark.parametrize(
    ("given", "usage"),
    [
        ("bus sniff --bus line-1 --for 3s", "usage: edge-agent bus sniff"),
        ("status --al1", "usage: edge-agent status"),
        ("log --config x", "usage: edge-agent log"),
    ],
    ids=["action", "command", "another's option"],
)
def test_an_option_that_is_none_shows_those_of_its_command(
    given: str, usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not the usage of all commands."""
    with pytest.raises(SystemExit, match="2"):
        main(given.split())
    told = capsys.readouterr().err
    assert told.startswith(usage)
    assert "there is no --" in told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("report --run R1 --day 2026-02-30", "'2026-02-30' is no day; write 2026-03-10"),
        ("events --limit 1e9", "1 to 10000"),
        ("commission --wait 1e999", "'1e999': must be 0 to 86400 seconds"),
        ("commission --wait nan", "must be 0 to 86400 seconds"),
        ("commission --wait soon", "'soon': must be 0 to 86400 seconds"),
    ],
    ids=["day", "limit", "endless", "nan", "word"],
)
def test_a_figure_that_is_none_is_told_without_our_names_for_it(
    given: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not "invalid fromisoformat value"; and nothing waits without an end."""
    with pytest.raises(SystemExit, match="2"):
        main(given.split())
    err = " ".join(capsys.readouterr().err.split())
    assert told in err
    assert "invalid" not in err


@pytest.mark.parametrize(
    "who", ["", "  ", "x" * 201, "a\x1b[2J"], ids=["none", "blank", "long", "esc"]
)
def test_who_and_why_are_judged_before_anything_is_done(
    who: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A meter that was changed already is no time to be told that a reason is too long."""
    with pytest.raises(SystemExit, match="2"):
        main(["meter", "replace", "R1", "--who", who, "--reason", "b"])
    assert "must be printable text of 1 to 200 characters" in " ".join(
        capsys.readouterr().err.split()
    )
