"""[central]: how the link is used, and what a fault in it says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge_agent.config.connection_windows import ConnectionWindows, Window
from edge_agent.config.file import ConfigErrors, parse_config
from edge_agent.config.model import CentralConfig
from protocols.evidence.parcel import ParcelKey
from tests.edge_agent.gateway import config_of, table

PARCEL_KEY = str(ParcelKey(bytes(range(32))))


def read(directory: Path, **changed: Any) -> CentralConfig:
    top = table()
    top["central"].update(changed)
    return config_of(directory, top).central


def test_defaults(tmp_path: Path) -> None:
    """A generous rate, always connected, no proxy, no parcels."""
    central = read(tmp_path)
    assert (central.proxy, central.parcel_key, central.bytes_per_s) == ("", "", 250_000)
    assert central.windows == ConnectionWindows("Asia/Shanghai")
    assert central.urgent_connects


def test_all_that_can_be_set(tmp_path: Path) -> None:
    """Each field as written; windows in the site's zone."""
    central = read(
        tmp_path,
        proxy="http://gate:pw@192.0.2.1:3128/",
        parcel_key=PARCEL_KEY,
        bytes_per_second=1000,
        connect_windows=["22:00-06:00"],
        urgent_connects=False,
    )
    assert central.proxy == "http://gate:pw@192.0.2.1:3128"
    assert (central.parcel_key, central.bytes_per_s) == (PARCEL_KEY, 1000)
    assert central.windows == ConnectionWindows("Asia/Shanghai", (Window(79_200, 21_600),))
    assert not central.urgent_connects


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("proxy", "socks5://192.0.2.1", "central.proxy: 'socks5://192.0.2.1' does not fit"),
        ("proxy", "http://:3128", "names no host; write http://host:port"),
        ("proxy", "http://h:99999", "names no host"),
        ("parcel_key", PARCEL_KEY[:-4], "central.parcel_key: parcel key"),
        ("bytes_per_second", 10, "must be 100 to 100000000"),
        ("connect_windows", ["night"], "central.connect_windows: 'night' is none; write \"22:00"),
        ("connect_windows", [], "has 0 entries"),
        ("client_certificate", "ca.pem", "it is what edge-agent enroll wrote as tls.pem"),
        ("client_certificate", "none.pem", "No such file"),
        ("urgent_connects", 1, "write true or false"),
    ],
)
def test_faults(tmp_path: Path, field: str, value: object, told: str) -> None:
    """By field, with the remedy."""
    with pytest.raises(ConfigErrors) as error:
        read(tmp_path, **{field: value})
    assert told in str(error.value)


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Root may look everywhere: as root the test goes on as another user."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_who_may_not_look_into_the_state_directory_reads_the_rest(tmp_path: Path) -> None:
    """A technician's `edge-agent doctor`: what the agent has judged is not judged again."""
    top = table()
    closed = tmp_path / "state"
    closed.mkdir(mode=0o000)
    top["central"]["ca"] = str(closed / "ca.pem")
    top["central"]["client_certificate"] = str(closed / "tls.pem")
    with as_somebody_else():
        central = parse_config(top, tmp_path / "gateway.toml").central
    assert central.ca == closed / "ca.pem"
    assert central.client_certificate == closed / "tls.pem"
    closed.rmdir()
