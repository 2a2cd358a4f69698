"""`edge-agent regulator`: recorded, and the configuration changed where that is wanted."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from tests.edge_agent.acts.corrector import (
    BY,
    command,
    corrector,
    fields,
    serving,
    statements,
    write_site,
)

REGULATOR = """[[regulator]]
id = "PR1"
set_kpa_gauge = 300.0                 # by contract
standby_set_kpa_gauge = 200.0
outlet_pressure = { device = "meter-1", point = "pressure", gauge = false }
"""
FOUND = ("--as-found", "working.supply=321.5", "standby.supply=200", "working.slam_shut=400")
ACT = ("regulator", "PR1", *BY)


def test_found_wrong_and_mended(tmp_path: Path) -> None:
    """Status 0; the bypass seal and the lock-up pressure are in the record."""
    with serving(corrector()) as port:
        path = write_site(tmp_path, port, more=REGULATOR)
        left = (
            "--as-left",
            "working.supply=300",
            "--lock-up",
            "working=330",
            "--bypass-seal",
            "0047",
        )
        done = command(path, *ACT, *FOUND, *left, "--yes")
        assert done.returncode == 0, done.stderr
        assert "bypass valve sealed, seal 0047" in done.stdout
        assert max(len(line) for line in done.stdout.splitlines()) <= 80
        unknown = command(path, "regulator", "PR9", *BY, *FOUND, "--yes")
        assert (unknown.returncode, "there are: PR1" in unknown.stderr) == (2, True)
    ((subject, said),) = statements(path)
    told = fields(said)
    assert (subject, said.code, told["verdict"]) == ("PR1", "regulator_set", "within")
    assert told["working.lock_up_kpa_gauge"] == "330"


def test_another_set_value_is_a_finding_or_a_change(tmp_path: Path) -> None:
    """As a script says, or a person."""
    with serving(corrector()) as port:
        path = write_site(tmp_path, port, more=REGULATOR)
        before = path.read_bytes()
        left = (*FOUND, "--as-left", "working.supply=310")
        done = command(path, *ACT, *left, "--yes")
        assert (done.returncode, path.read_bytes() == before) == (1, True)
        assert "working run supply pressure is left at 310, configured are 300" in done.stdout
        person = command(path, *ACT, *left, answer="n\ny\n", tty=True)
        assert (person.returncode, path.read_bytes() == before) == (1, True)
        changed = command(path, *ACT, *left, "--change-config", "--yes", "--json")
        assert changed.returncode == 0, changed.stderr
        assert json.loads(changed.stdout)["configuration"]["version"] == 2
        assert "set_kpa_gauge = 310.0                 # by contract" in path.read_text()
        assert tomllib.loads(path.read_text())["change"]["by"] == "Li Wei"
    assert fields(statements(path)[-1][1])["configuration_changed"] == 1


def test_at_a_terminal_it_is_asked(tmp_path: Path) -> None:
    """An empty line: not looked at, or left as found."""
    typed = ["321.5", "300", "400", "", "", "200", "", "", "", "330", "", "y"]
    with serving(corrector()) as port:
        path = write_site(tmp_path, port, more=REGULATOR)
        done = command(path, *ACT, answer="\n".join(typed) + "\n", tty=True)
        assert done.returncode == 0, done.stderr + done.stdout
    told = fields(statements(path)[0][1])
    assert told["working.supply.found_kpa_gauge"] == "321.5"
    assert told["working.supply.left_kpa_gauge"] == "300"
    assert told["working.slam_shut.left_kpa_gauge"] == "400"
    assert told["standby.supply.left_kpa_gauge"] == "200"
    assert told["working.lock_up_kpa_gauge"] == "330"


def test_a_set_value_that_the_file_cannot_have(tmp_path: Path) -> None:
    """It is recorded all the same, with why; a script that wants both gets neither."""
    with serving(corrector()) as port:
        path = write_site(tmp_path, port, more=REGULATOR)
        before = path.read_bytes()
        left = (*FOUND, "--as-left", "working.supply=300", "standby.supply=290")
        person = command(path, *ACT, *left, answer="y\n", tty=True)
        assert person.returncode == 1
        assert "gateway.toml cannot take these set values" in person.stdout
        script = command(path, *ACT, *left, "--change-config", "--yes")
        assert script.returncode == 2
        assert path.read_bytes() == before
    assert len(statements(path)) == 1
