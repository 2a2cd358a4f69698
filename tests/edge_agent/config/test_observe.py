"""[observe] in gateway.toml."""

from pathlib import Path
from typing import Any

import pytest

from edge_agent.config.file import ConfigErrors
from edge_agent.config.model import ObserveConfig
from tests.edge_agent.gateway import config_of, table


def read(directory: Path, **fields: Any) -> ObserveConfig:
    return config_of(directory, {**table(), "observe": fields}).observe


def test_nothing_is_shown_unless_it_is_asked_for(tmp_path: Path) -> None:
    """No port is opened by default; health is told each hour."""
    assert config_of(tmp_path).observe == ObserveConfig("", 0, 3_600_000)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:9464", "127.0.0.1", 9464), ("[::1]:9464", "::1", 9464),
     ("127.0.0.9:0", "127.0.0.9", 0)],
)  # fmt: skip
def test_an_address_of_this_machine(tmp_path: Path, text: str, host: str, port: int) -> None:
    """In both families."""
    assert read(tmp_path, metrics=text)[:2] == (host, port)


def test_other_machines_only_where_the_file_says_so(tmp_path: Path) -> None:
    """Metrics have no login."""
    with pytest.raises(ConfigErrors, match="metrics_beyond_loopback = true"):
        read(tmp_path, metrics="0.0.0.0:9464")
    assert read(tmp_path, metrics="0.0.0.0:9464", metrics_beyond_loopback=True)[0] == "0.0.0.0"


@pytest.mark.parametrize("text", ["9464", "localhost:9464", "127.0.0.1:", "127.0.0.1:99999", "::1"])
def test_what_is_no_address_is_a_fault(tmp_path: Path, text: str) -> None:
    """With an example of one."""
    with pytest.raises(ConfigErrors, match=r"observe.metrics: .*127\.0\.0\.1:9464"):
        read(tmp_path, metrics=text)


def test_health_not_more_often_than_each_minute(tmp_path: Path) -> None:
    """It costs flash; 0 is never."""
    assert read(tmp_path, health_seconds=0).health_ms == 0
    with pytest.raises(ConfigErrors, match="health_seconds"):
        read(tmp_path, health_seconds=5)
