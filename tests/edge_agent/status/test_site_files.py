"""Where state and sockets are, out of gateway.toml alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.config.file import load_config
from edge_agent.status.site_files import NoSite, site_files
from tests.edge_agent.gateway import TOML, write_ca
from tests.edge_agent.second_user import GROUP, READER, SHARED_GID, STRANGER, as_user, common_place


@pytest.mark.parametrize(
    "control", ["", '[control]\ndir = "here"\n', '[control]\ndir = "/run/gas"\n']
)
def test_it_finds_what_the_whole_configuration_finds(tmp_path: Path, control: str) -> None:
    """State directory, sockets, zone."""
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(TOML + control, encoding="utf-8")
    config, found = load_config(path), site_files(path)
    assert config.control is not None
    assert found.read_socket == config.control.read_socket
    assert found.act_socket == config.control.act_socket
    assert (found.state_dir, found.gateway) == (config.state_dir, config.gateway)
    assert (found.zone, found.fault) == (config.site.zone, "")


def test_what_is_no_configuration_is_told(tmp_path: Path) -> None:
    """By its file, with the remedy."""
    with pytest.raises(NoSite, match=r"nothing.toml: No such file.*--config"):
        site_files(tmp_path / "nothing.toml")
    path = tmp_path / "gateway.toml"
    for data in (b"\xff", b"[gateway", b"x" * 1_000_001):
        path.write_bytes(data)
        with pytest.raises(NoSite, match=r"gateway.toml: no TOML"):
            site_files(path)


def test_values_of_another_kind_are_passed_over(tmp_path: Path) -> None:
    """`check` tells them; the running agent went by another file."""
    path = tmp_path / "gateway.toml"
    path.write_text("control = 3\n[gateway]\nstate_dir = 7\n", encoding="utf-8")
    assert site_files(path).state_dir == tmp_path / "state"


def test_a_file_that_is_broken_now_still_leads_to_the_agent(tmp_path: Path) -> None:
    """The last good configuration runs, and its sockets are where that one says."""
    versions = tmp_path / "state" / "config"
    versions.mkdir(parents=True)
    path = tmp_path / "gateway.toml"
    path.write_text("[gateway", encoding="utf-8")
    assert site_files(path).read_socket == tmp_path / "state" / "control" / "read.sock"
    (versions / "9.toml").write_text('[control]\ndir = "old"\n', encoding="utf-8")
    (versions / "10.toml").write_text(TOML + '[control]\ndir = "here"\n', encoding="utf-8")
    found = site_files(path)
    assert found.read_socket == tmp_path / "here" / "read.sock"
    assert found.gateway == "gw-1"
    assert "mend it" in found.fault


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's rights need root")
def test_a_folder_that_is_closed_names_its_group() -> None:
    """As the package has /etc/edge-agent."""
    with common_place() as place:
        folder = place / "edge-agent"
        folder.mkdir()
        (folder / "gateway.toml").write_text(TOML, encoding="utf-8")
        os.chown(folder, -1, SHARED_GID)
        folder.chmod(0o2750)
        asked = lambda: site_files(folder / "gateway.toml").gateway  # noqa: E731
        told = as_user(STRANGER, asked)
        assert told.startswith("NoSite: ")
        assert f"{folder} is for the group {GROUP}" in told
        assert as_user(READER, asked) == "gw-1"
