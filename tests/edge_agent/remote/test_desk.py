"""What is asked of a configuration, by the files themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config_store.files import ConfigFiles
from edge_agent.config_store.history import Waiting
from edge_agent.config_store.offers import take, wait_for_consent
from edge_agent.config_store.start import begin
from edge_agent.remote.desk import Desk
from tests.edge_agent.gateway import TOML, write_ca

NEW = TOML.replace("batch_seconds = 300", "batch_seconds = 60").encode()
WHO = ("Li Wei", "test")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A gateway that has run once."""
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(TOML)
    begin(path, {})
    return path


def test_before_any_agent_there_are_no_versions(tmp_path: Path) -> None:
    """It is said so, and nothing is made."""
    write_ca(tmp_path)
    (tmp_path / "gateway.toml").write_text(TOML)
    told = Desk(tmp_path / "gateway.toml").versions()
    assert told["ok"] is False
    assert not (tmp_path / "state").exists()


def test_apply_look_return(path: Path) -> None:
    """Each with what a program reads."""
    desk = Desk(path)
    applied = desk.apply(NEW, *WHO)
    assert (applied["ok"], applied["number"], applied["on_trial"]) == (True, 2, True)
    assert desk.text(1)["toml"] == TOML
    assert desk.text()["toml"] == NEW.decode()
    assert desk.text(9)["ok"] is False
    told = desk.difference(TOML.encode(), NEW)
    assert isinstance(told["changes"], list)
    assert [each["field"] for each in told["changes"]] == ["central.batch_seconds"]
    assert desk.difference(b"[", NEW)["faults"]
    assert desk.roll_back(0, *WHO)["ok"]
    assert path.read_text() == TOML


def test_consent_is_given_to_what_waits_for_it(path: Path) -> None:
    """And to nothing else."""
    files = ConfigFiles(path, path.parent / "state")
    take(files, Waiting(7, "configuration", 1), b"offer")
    assert Desk(path).accept(7, *WHO)["ok"] is False
    wait_for_consent(files, 7, "run[R1].qmax_m3_h")
    assert Desk(path).accept(7, *WHO) == {"ok": True, "schema": 1, "number": 7}
