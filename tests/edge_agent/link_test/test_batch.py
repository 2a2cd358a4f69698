"""A batch there and back; with an agent and without: `test_command.py`. Here what goes wrong."""

import os

import pytest

from edge_agent.config.file import load_config
from edge_agent.control.client import NoAgent
from edge_agent.keys.keys import create_keys
from edge_agent.link_test.batch import alone, by_agent
from edge_agent.state_lock import AlreadyRunning, state_lock
from tests.edge_agent.gateway import GATEWAY, config_of, new_journal
from tests.edge_agent.test_agent import write_config
from tests.edge_agent.tls_central import make_certificates


def test_central_that_is_not_there(tmp_path) -> None:
    """It says what the uplink would have said."""
    make_certificates(tmp_path)
    create_keys(tmp_path / "state", GATEWAY, os.urandom)
    config = load_config(write_config(tmp_path, "https://localhost:1"))
    new_journal(config).close()
    step = alone(config, 0)
    assert step.code == "batch_not_sent"
    assert "connection to https://localhost:1 failed" in step.facts["said"]


def test_a_new_gateway_has_nothing_to_send(tmp_path) -> None:
    """No journal, or no key that may be read: nothing is sent and nothing is wrong."""
    config = config_of(tmp_path)
    assert alone(config, 0).note == "batch.nothing"
    new_journal(config).close()
    assert alone(config, 0).note == "batch.no_key"


def test_one_program_a_journal(tmp_path) -> None:
    """Who holds the state directory is not disturbed; nobody listening is told by its path."""
    config = config_of(tmp_path)
    new_journal(config).close()
    with state_lock(config.state_dir), pytest.raises(AlreadyRunning):
        alone(config, 0)
    with pytest.raises(NoAgent):
        by_agent(config.control, lambda: "")
