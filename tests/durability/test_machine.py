"""The power of a whole machine is cut: its kernel's page cache goes, its disk stays."""

from __future__ import annotations

import random
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.journal.journal import FILE_NAME
from edge_agent.journal.schema import migrate
from protocols.evidence.merkle import EMPTY
from tests.durability.machine import (
    MOUNT,
    Kernel,
    Machine,
    Unavailable,
    find_kernel,
    read_disk,
    start_script,
    write_disk,
    write_initramfs,
)
from tests.durability.machine_rig import MachineRig
from tests.edge_agent.gateway import config_of
from tests.edge_agent.ledger_law import passed_counts, read_journal
from tests.system.test_first_law import check, stop_agent

CUTS = 20
SEED = 20261127
LIFE_S = 600.0  # more than a life takes where instructions are emulated, on a busy machine
_LINE = re.compile(r"(held|acknowledged) (\d+) (\d+) ([0-9a-f]{64}) ([0-9a-f]{64})\s*$")
Told = tuple[int, int, str, str]
_NOTHING: Told = (0, 0, EMPTY.root().hex(), EMPTY.root().hex())


@pytest.fixture(scope="session")
def kernel(pytestconfig: pytest.Config) -> Kernel:
    try:
        return find_kernel(pytestconfig.cache.mkdir("kernel"))
    except Unavailable as error:
        pytest.skip(str(error))


def new_machine(kernel: Kernel, directory: Path, content: Path) -> Machine:
    machine = Machine(kernel, directory / "initramfs", directory / "disk.img")
    write_initramfs(kernel, machine.initramfs)
    write_disk(machine.disk, content)
    return machine


@contextmanager
def powered(machine: Machine, *settings: str) -> Iterator[subprocess.Popen[str]]:
    """Its console is the process's output. Whatever happens, the power is cut at the end."""
    process = subprocess.Popen(
        machine.command(settings), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    late = threading.Timer(LIFE_S, process.kill)
    late.start()
    try:
        yield process
    finally:
        late.cancel()
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def lines(process: subprocess.Popen[str], console: list[str]) -> Iterator[tuple[str, Told]]:
    """What the guest tells; everything it says is kept for whoever asks why."""
    assert process.stdout is not None
    for line in process.stdout:
        console.append(line)
        told = _LINE.search(line)
        if told:
            yield told[1], (int(told[2]), int(told[3]), told[4], told[5])


def _live(machine: Machine, last: Told, rng: random.Random) -> tuple[Told, int]:
    """One life: what was acknowledged is held; then so many commits, and then no power."""
    console: list[str] = []
    wanted, acknowledged = rng.randrange(1, 60), 0
    with powered(machine, f"SIZES={last[0]},{last[1]}", "LIFE=short") as process:
        told = lines(process, console)
        assert next(told, None) == ("held", last), "".join(console[-40:])
        for word, what in told:
            assert word == "acknowledged"
            last, acknowledged = what, acknowledged + 1
            if acknowledged == wanted:
                threading.Event().wait(rng.uniform(0.0, 0.02))  # somewhere in the commits after it
                process.kill()  # what it could still say counts too
        assert acknowledged >= wanted, "".join(console[-40:])
    return last, acknowledged


@pytest.mark.long
def test_the_power_of_a_machine_is_cut(
    tmp_path: Path, kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty times, at random: what was acknowledged on the console is on the disk, unchanged."""
    content = tmp_path / "content"
    content.mkdir()
    state = config_of(content).state_dir
    state.mkdir()
    migrate(state / FILE_NAME)
    (content / "start.sh").write_text(start_script("-m", "tests.durability.guest", MOUNT))
    machine = new_machine(kernel, tmp_path, content)
    rng, last, commits = random.Random(SEED), _NOTHING, 0
    for _ in range(CUTS):
        last, acknowledged = _live(machine, last, rng)
        commits += acknowledged
    with powered(machine, f"SIZES={last[0]},{last[1]}", "LIFE=last") as process:
        assert process.stdout is not None
        console = process.stdout.read()
        assert "\ndone" in console, console[-4000:]
    read_disk(machine.disk, f"state/{FILE_NAME}", tmp_path / FILE_NAME)
    found = read_journal(tmp_path / FILE_NAME)
    assert found.events().count("agent_started") == CUTS + 1
    booked = [record.totals[0] for record in found.intervals()]
    assert passed_counts(found) == booked[-1].end - booked[0].start
    with capsys.disabled():
        print(f"\n{CUTS} power cuts, {commits} acknowledged commits, {last[1]} scans, none lost")


@pytest.mark.long
def test_the_first_law_holds_over_power_cuts(
    tmp_path: Path, kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    """The agent's machine loses its power twenty times, central is killed four times."""
    rng, pause = random.Random(SEED), threading.Event()
    with MachineRig(tmp_path, kernel) as rig:
        rig.wait("intervals", lambda: (rig.summary() or {}).get("intervals", 0) >= 3, LIFE_S)
        for number in range(CUTS):
            rig.wait("the agent", lambda: rig.has_said("agent", "leaves: billing"), LIFE_S)
            pause.wait(rng.uniform(0.0, 8.0))
            rig.kill("agent")
            if number % 5 == 4:
                rig.kill("central")
                rig.start("central")
            rig.start("agent")
        rig.wait("the agent", lambda: rig.has_said("agent", "leaves: billing"), LIFE_S)
        before = (rig.summary() or {}).get("intervals", 0)
        rig.wait(
            "intervals after the last cut",
            lambda: (rig.summary() or {}).get("intervals", 0) >= before + 3,
            LIFE_S,
        )
        restarts = stop_agent(rig, LIFE_S)
        rig.wait("central's ledger", rig.has_followed, LIFE_S)
        starts = check(rig, CUTS + restarts)
    with capsys.disabled():
        print(f"\n{CUTS} power cuts of the agent's machine; starts in the log: {starts}")
