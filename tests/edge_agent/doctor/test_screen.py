"""What a technician sees: `doctor` and `link` in a real terminal of 80x24."""

from __future__ import annotations

import pytest

from edge_agent.terminal import columns
from tests.edge_agent.doctor.site_rig import Scene, Unit, site
from tests.edge_agent.doctor.test_faults import COARSE, P, metered
from tests.edge_agent.doctor.test_faults import METER as METER_PROFILE
from tests.terminal.terminal import AGENT, COLUMNS, ROWS, printed

SCENES = [
    Scene("line-1", (Unit(1), Unit(7, served=False))),
    metered("line-2", Unit(1, METER_PROFILE, given=COARSE), P, "")[0],
]
TERMINALS = {
    "English": {"LANG": "C.UTF-8"},
    "Chinese without colour": {"LANG": "zh_CN.UTF-8", "NO_COLOR": "1"},
    "serial console": {"TERM": "vt100"},
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    with site(tmp_path_factory.mktemp("site"), SCENES, 5.0) as found:
        yield found.path


@pytest.mark.parametrize("environment", TERMINALS.values(), ids=TERMINALS)
def test_a_site_with_two_faults_fits_the_screen(path, environment) -> None:
    """No line is broken by the terminal; the lights have a colour where there are colours."""
    shown = printed([*AGENT, "doctor", "--config", str(path)], environment=environment)
    assert shown.status == 1
    assert columns(shown.widest) <= COLUMNS
    lines = [line for line in shown.lines if line.strip()]
    assert len(lines) <= ROWS
    assert "line-1-7" in shown.text
    assert "line-2-1" in shown.text
    if environment.get("TERM") == "vt100":
        assert "[BAD] gw-1" in shown.text
    assert (b"\x1b[1;31m" in shown.raw) is (environment.keys() == {"LANG"})


def test_a_good_link_fits_the_screen(path) -> None:
    """Step by step."""
    command = [*AGENT, "link", "--no-batch", "--config", str(path)]
    shown = printed(command, environment={"LANG": "zh_CN.UTF-8"})
    assert shown.status == 0, shown.text
    assert columns(shown.widest) <= COLUMNS
    assert len([line for line in shown.lines if line.strip()]) <= ROWS
    assert "localhost" in shown.text
    assert b"\x1b[32m" in shown.raw
