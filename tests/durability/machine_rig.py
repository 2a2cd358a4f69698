"""The rig whose agent runs in a virtual machine: killing it is cutting the machine's power.

Plant and central stay on the host. The plant's serial lines are the machine's second and third
serial port; the host's loopback is 10.0.2.2 in the emulator's network.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.durability.machine import (
    MOUNT,
    Kernel,
    Machine,
    read_disk,
    start_script,
    write_disk,
    write_initramfs,
)
from tests.system.rig import PROGRAMS, STOP_S, Pace, Rig

PACE = Pace(poll_s=1.0, interval_s=4.0, stale_s=30.0, batch_s=2.0, timeout_s=5.0)
_LAST_WORD = "the agent ended with"


class MachineRig(Rig):
    """`kill("agent")` and `start("agent")` are the machine's power."""

    def __init__(self, directory: Path, kernel: Kernel) -> None:
        super().__init__(directory, PACE)
        self._machine = Machine(kernel, directory / "initramfs", directory / "disk.img")

    def start(self, name: str) -> None:
        """The machine's console is its log; its keyboard is ours, to stop the agent by."""
        if name != "agent":
            super().start(name)
            return
        with (self.directory / "agent.log").open("ab") as log:
            self._begins[name] = log.tell()
            self._running[name] = subprocess.Popen(
                self.commands[name], cwd=self.directory, stdin=subprocess.PIPE,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """The power goes; so does the keyboard."""
        keyboard = self._running[name].stdin
        super().kill(name)
        if keyboard is not None:
            keyboard.close()

    def stop(self, name: str) -> None:
        """The agent in order, then the machine; its journal is read out of the disk."""
        if name != "agent":
            super().stop(name)
            return
        process = self._running.pop(name)
        self._note_stop()
        try:
            process.communicate(b"\n", STOP_S)
        finally:
            process.kill()
            process.wait()
        assert self.has_said(name, f"{_LAST_WORD} 0"), self.log(name)
        read_disk(self._machine.disk, "state/journal.db", self.journal)

    def _place_agent(self) -> None:
        content = self.directory / "machine"
        content.mkdir()
        shutil.move(self.directory / "state", content / "state")
        shutil.copy(self.directory / "ca.pem", content)
        (content / "hosts").write_text("127.0.0.1 guest\n10.0.2.2 localhost\n")
        text = (self.directory / "gateway.toml").read_text()
        lines = re.findall(r'^port = "(.*)"$', text, re.MULTILINE)
        for number, line in enumerate(lines, 1):
            text = text.replace(f'port = "{line}"', f'port = "/dev/ttyS{number}"')
        text = text.replace("https://127.0.0.1:", "https://localhost:")
        (content / "gateway.toml").write_text(text.replace('"127.0.0.1"', '"10.0.2.2"'))
        agent = start_script(str(PROGRAMS / "edge-agent"), "run", "--config", "gateway.toml")
        (content / "start.sh").write_text(
            f"mount --bind {MOUNT}/hosts /etc/hosts\n({agent}) &\nagent=$!\nread line\n"
            f"kill -TERM $agent\nwait $agent\necho {_LAST_WORD} $?\n"
        )
        write_initramfs(self._machine.kernel, self._machine.initramfs)
        write_disk(self._machine.disk, content)
        ports = [os.path.realpath(line) for line in lines]
        self.commands["agent"] = self._machine.command(serial_lines=ports)
        (self.directory / "state").mkdir()
