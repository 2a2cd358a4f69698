"""One corrector on a real TCP port, which has P and T of its own, and the commands for it."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from edge_agent.cli import main
from edge_agent.journal.journal import FILE_NAME
from edge_agent.keys.keys import create_keys
from protocols.evidence.leaf import Kind
from protocols.evidence.statement import Statement, parse_statement
from protocols.registers.library import load_profile
from simulators.plausible import Given
from tests.edge_agent.gateway import GATEWAY, TOML, wait_until, write_ca
from tests.edge_agent.ledger_law import read_journal
from tests.edge_agent.served import Served, serving

TIMEOUT_S = 30.0
PROFILE = load_profile("sick-flowsic500")
BY = ("--who", "Li Wei", "--reason", "yearly check")


def corrector(vm: int = 1_000_000, **given: float) -> Served:
    """It stands still, so that figures are known; or counts `per_s` of the test's own seconds."""
    return Served(
        PROFILE,
        {
            "resolution_vm": Given(-3),
            "resolution_vb": Given(-3),
            "vm": Given(vm, given.get("per_s", 0.0)),
            "vm_err": Given(0),
            "vb": Given(given.get("base", 4 * vm)),
            "vb_err": Given(0),
            "vb_total": Given(4 * vm),
            "pressure": Given(given.get("pressure", 4.0)),
            "temperature": Given(given.get("temperature", 15.0)),
        },
    )


def write_site(directory: Path, port: int, *, serial: str = "M1", more: str = "") -> Path:
    """One run of one corrector, without a gauge pressure; keys."""
    head, _, rest = TOML.partition("[[bus]]")
    gas = rest[rest.index("[[gas]]") : rest.index("[[run]]")]
    head = head.replace("batch_seconds = 300", "batch_seconds = 300\ndrain_seconds = 0")
    site = f"""# the site of the tests
[[bus]]
name = "lan"
type = "tcp"
host = "127.0.0.1"
tcp_port = {port}
timeout_s = 1.0
[[device]]
name = "meter-1"                      # in the boiler house
bus = "lan"
unit = 1
profile = "sick-flowsic500"
serial = "{serial}"
poll_seconds = 0.5
clock_seconds = 0
points = ["resolution_vm", "resolution_vb", "vm", "vm_err", "vb", "vb_err", "pressure", "temperature"]
{gas}
[[run]]
id = "R1"
meter = "meter-1"
qmax_m3_h = 1000.0
index_digits = 9
line_resolution_m3 = "0.001"
base_resolution_m3 = "0.001"
interval_seconds = 6
stale_seconds = 20
conversion = {{ method = "SGERG-88", gas = "grid" }}
base = {{ temperature_c = 20.0, pressure_kpa = 101.325 }}
pressure = {{ device = "meter-1", point = "pressure", gauge = false, substitute_kpa_abs = 400.0, low_kpa_abs = 90.0, high_kpa_abs = 1100.0 }}
temperature = {{ device = "meter-1", point = "temperature", substitute_c = 15.0, low_c = -40.0, high_c = 80.0 }}
{more}"""  # noqa: E501  # TOML tables in one line
    write_ca(directory)
    path = directory / "gateway.toml"
    path.write_text(head + site, encoding="utf-8")
    if not (directory / "state").exists():
        create_keys(directory / "state", GATEWAY, os.urandom)
    return path


@contextmanager
def site(directory: Path, served: Served) -> Iterator[Path]:
    """The corrector answers; the configuration."""
    with serving(served) as port:
        yield write_site(directory, port)


def command(
    path: Path, *arguments: str, answer: Any = "", tty: bool = False
) -> subprocess.CompletedProcess[str]:
    """The command in this process: to start Python costs more than all that it does.

    `answer`: what is typed, or an object that is read like standard input.
    """
    out, err, stdin = io.StringIO(), io.StringIO(), answer
    if isinstance(answer, str):
        stdin = io.StringIO(answer)
        stdin.isatty = lambda: tty
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", stdin)
        patch.setenv("LC_ALL", "C.UTF-8")
        status = main([*arguments, "--config", str(path)])
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


@contextmanager
def agent(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process, with its sockets; it has polled the meter."""
    arguments = [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(path)]
    log = path.parent / "agent.log"
    with log.open("w") as told, subprocess.Popen(arguments, stderr=told) as child:
        try:
            assert wait_until((path.parent / "state/control/read.sock").exists, TIMEOUT_S)
            assert wait_until(lambda: has_polled(path), TIMEOUT_S), log.read_text()
            yield child
            child.terminate()
            assert child.wait(TIMEOUT_S) == 0, log.read_text()
            assert "Traceback" not in log.read_text()
        finally:
            child.kill()


def has_polled(path: Path, scans: int = 2) -> bool:
    """Whether so many scans are in the telemetry log."""
    with sqlite3.connect(path.parent / "state" / FILE_NAME) as connection:
        query = "SELECT size FROM log WHERE log = 'telemetry'"
        rows = connection.execute(query).fetchall()
    connection.close()
    return any(size >= scans for (size,) in rows)


def statements(path: Path) -> list[tuple[str, Statement]]:
    """All that people said in the journal, with its subject; the agent's own health is none."""
    found = read_journal(path.parent / "state" / FILE_NAME)
    said = [(leaf.subject, parse_statement(leaf.body)) for leaf in found.of(Kind.STATEMENT)]
    return [one for one in said if one[1].code != "health"]


def fields(statement: Statement) -> dict[str, Any]:
    return dict(statement.fields)
