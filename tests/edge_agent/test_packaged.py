"""Where the package has things."""

from pathlib import Path

import pytest

from edge_agent.packaged import READERS, SOCKETS, STATE, WRITERS, usual_sockets
from edge_agent.status.site_files import site_files

SYSTEMD = Path(__file__).parents[2] / "systemd"


@pytest.mark.parametrize(
    ("state_dir", "folder"),
    [(STATE, SOCKETS), (Path("/srv/gas"), Path("/srv/gas/control"))],
)
def test_the_sockets_of_a_configuration_that_names_no_folder(
    state_dir: Path, folder: Path, tmp_path: Path
) -> None:
    """One rule for the agent and for who only reads where to ask it."""
    assert usual_sockets(state_dir) == folder
    path = tmp_path / "gateway.toml"
    path.write_text(f'[gateway]\nid = "gw-1"\nstate_dir = "{state_dir}"\n')
    assert site_files(path).read_socket == folder / "read.sock"


def test_the_unit_makes_them() -> None:
    """The folders and the groups are those of the unit and of sysusers."""
    unit = (SYSTEMD / "edge-agent.service").read_text(encoding="utf-8")
    assert f"StateDirectory={STATE.name}\n" in unit
    assert f"RuntimeDirectory={SOCKETS.name}\n" in unit
    users = (SYSTEMD / "gas-edge-agent.sysusers.conf").read_text(encoding="utf-8")
    for group in (READERS, WRITERS):
        assert f"m edge-agent {group}\n" in users
