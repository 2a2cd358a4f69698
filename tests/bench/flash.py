"""What a value costs the flash: bytes that reach the block device, the journal's whole path.

Eight runs with twelve values each, a commit each round of 10 s (leaves, hashes, frontiers, states),
and each five minutes both logs become sealed batches, as a receipt makes them. The journal lies in
an ext4 file system of its own on a loop device, whose counter of written sectors is read: the file
system's own journal is in it. That needs root; without, the kernel's count of this process's dirty
pages is shown, which leaves the file system's own out.

Rounds follow each other at once: what the kernel does by the clock is not in it. `main_real_time`
waits the real ten seconds, and shows it: ext4 commits the changed time of a file that was written
with three blocks of its journal, and writes SQLite's shared memory back.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.bus.polled import PolledScan
from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.journal import AUTOCHECKPOINT_PAGES, FILE_NAME, Journal
from edge_agent.journal.memory import LOGS, Memory, Settled
from edge_agent.journal.reader import JournalReader
from edge_agent.journal.schema import PAGE_SIZE, migrate
from edge_agent.journal.settling import Retention
from edge_agent.recording.recording import MapHashes, configure_run, record_scan
from protocols.evidence.leaf import Log
from protocols.evidence.note import Signer
from protocols.evidence.upload import encode_upload, seal
from protocols.metering.instant import ClockState, Instant
from protocols.metering.quality import Quality
from simulators.series import FIELDS, PERIOD_MS, RUNS, series
from tests.bench.material import BOOT_NO, GATEWAY, SECRET, register_map, run_config
from tests.edge_agent.gateway import config_of

PAGE_SIZES: Final = (512, 1024, 4096)
WAL_BYTES: Final = (1_000_000, 4_000_000)  # between two checkpoints
DEFAULT_WAL_BYTES: Final = AUTOCHECKPOINT_PAGES * PAGE_SIZE
WARM_ROUNDS: Final = 720  # two hours, until the WAL and the free pages have their size
ROUNDS: Final = 1_080
BATCH_ROUNDS: Final = 30
REAL_ROUNDS: Final = 30  # five minutes
REAL_PACE_S: Final = 10.0
VALUES_A_ROUND: Final = RUNS * len(FIELDS)
ROUNDS_A_DAY: Final = 86_400_000 // PERIOD_MS
MOST_BYTES_A_VALUE: Final = 150
_SIGNER: Final = Signer.from_private_bytes(GATEWAY, bytes([1]) * 32)
_IMAGE_MB: Final = 256


class Written(NamedTuple):
    """Bytes to the device, and how many values they stand for."""

    byte_count: int
    values: int

    @property
    def a_value(self) -> float:
        return self.byte_count / self.values

    @property
    def megabytes_a_day(self) -> float:
        return self.a_value * VALUES_A_ROUND * ROUNDS_A_DAY / 1e6


class Place:
    """A directory, and how many bytes have been written to what lies under it."""

    def __init__(self, directory: Path, device: str) -> None:
        self.directory = directory
        self.device = device

    def written(self) -> int:
        if self.device:
            stat = Path(f"/sys/block/{self.device}/stat").read_text(encoding="ascii").split()
            return int(stat[6]) * 512
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))

    def sync(self) -> None:
        """All that waits in memory is on the device."""
        os.sync() if not self.device else _run("sync", "-f", str(self.directory))


class Setting(NamedTuple):
    """Of the journal; `commits`: in each round."""

    page_size: int = PAGE_SIZE
    wal_bytes: int = DEFAULT_WAL_BYTES
    commits: int = 1


def main() -> None:
    """By page size and checkpoint interval; and with a commit for each poll."""
    print("Bytes written to flash a value, and MB a day: eight runs, twelve values, 10 s.\n")
    print(f"{'page':>6} {'WAL bytes':>10} {'commits/round':>14} {'bytes/value':>12} {'MB/day':>8}")
    settings = [Setting(page, wal) for page in PAGE_SIZES for wal in WAL_BYTES]
    for setting in (*settings, Setting(commits=RUNS), Setting()):
        found = measure(setting, ROUNDS)
        _print(setting, found)
    print(f"\nThe last line is the default; it must be at most {MOST_BYTES_A_VALUE}.")
    if found.a_value > MOST_BYTES_A_VALUE:
        raise SystemExit(f"{found.a_value:.1f} bytes a value are more than {MOST_BYTES_A_VALUE}")


def main_real_time() -> None:
    """Five minutes of the default setting at its real pace, by option of the file system."""
    print(f"{REAL_ROUNDS} rounds in real time, the default setting, by mount option:\n")
    for option in ("commit=5", "commit=60"):
        found = measure(Setting(), REAL_ROUNDS, REAL_PACE_S, option)
        print(
            f"{option:>10} {found.a_value:>8.1f} bytes/value {found.megabytes_a_day:>8.1f} MB/day"
        )


def _print(setting: Setting, found: Written) -> None:
    row = f"{setting.page_size:>6} {setting.wal_bytes:>10} {setting.commits:>14}"
    print(f"{row} {found.a_value:>12.1f} {found.megabytes_a_day:>8.1f}", flush=True)


def measure(
    setting: Setting, rounds: int, pace_s: float = 0.0, mount_option: str = "commit=5"
) -> Written:
    """One journal, from new; a pause of `pace_s` after each round that counts."""
    with _place(mount_option) as place:
        journal = Rounds(place.directory, setting)
        journal.run(WARM_ROUNDS)
        place.sync()
        before = place.written()
        journal.run(rounds, pace_s)
        place.sync()
        after = place.written()
        journal.close()
    return Written(after - before, rounds * VALUES_A_ROUND)


class Rounds:
    """A gateway's journal that takes round after round, and its receipts."""

    def __init__(self, directory: Path, setting: Setting) -> None:
        config = config_of(directory)
        path = directory / FILE_NAME
        migrate(path, setting.page_size)
        pages = setting.wal_bytes // setting.page_size
        self._journal = Journal(path, Retention(), pages)
        self._scans_a_commit = RUNS // setting.commits
        self._reader = JournalReader(path, GATEWAY)
        self._salts = Salts(GATEWAY, SECRET)
        self._map, self._hashes = register_map(), MapHashes()
        self._device = replace(config.devices[0], archives=())
        self._series = series("noisy", 1, 100_000)
        self._made = 0
        self._memory = self._begin()

    def close(self) -> None:
        self._reader.close()
        self._journal.close()

    def _begin(self) -> Memory:
        draft = Draft(self._journal.load(GATEWAY, "boot", 0), self._salts)
        now = Instant(BOOT_NO, 0, None, ClockState.SYNCHRONISED)
        draft.running = True
        for run in range(RUNS):
            configure_run(draft, run_config(run), now, "", None)
        tick = draft.tick()
        self._journal.commit(tick)
        return tick.after

    def run(self, rounds: int, pace_s: float = 0.0) -> None:
        for _ in range(rounds):
            for _ in range(RUNS // self._scans_a_commit):
                self._commit()
            self._made += 1
            if self._made % BATCH_ROUNDS == 0:
                self._settle()
            if pace_s:
                time.sleep(pace_s)

    def _commit(self) -> None:
        draft = Draft(self._memory, self._salts)
        for _ in range(self._scans_a_commit):
            scan = next(self._series)
            device = replace(self._device, serial=run_config(scan.run).meter_serial)
            instant = Instant(BOOT_NO, scan.mono_ms, scan.utc_ms, ClockState.SYNCHRONISED)
            polled = PolledScan(device, instant, Quality.GOOD, self._map, scan.raw)
            record_scan(draft, polled, self._hashes)
        tick = draft.tick()
        self._journal.commit(tick)
        self._memory = tick.after

    def _settle(self) -> None:
        for log in LOGS:
            settled = self._settled(log)
            if settled is not None:
                self._journal.commit(Draft(self._memory, self._salts).tick(), (settled,))

    def _settled(self, log: Log) -> Settled | None:
        cut = self._reader.cut(log, None, 4096, 2_000_000)
        if cut is None or not cut.leaves:
            return None
        sealed = seal(cut.state.origin, cut.before, cut.leaves, SECRET, _SIGNER)
        upload, checkpoint = encode_upload(sealed.upload), sealed.upload.checkpoint
        origin = cut.state.origin
        return Settled(
            *(log, origin.epoch, cut.before, sealed.frontier, upload, checkpoint),
            *(bytes(140), 1_790_000_000),
        )


@contextmanager
def _place(mount_option: str) -> Iterator[Place]:
    """A file system of its own where we may make one."""
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
            yield Place(Path(name), "")
            return
        image, mounted = Path(name, "image"), Path(name, "mounted")
        mounted.mkdir()
        with image.open("wb") as file:
            file.truncate(_IMAGE_MB * 1_000_000)
        _run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0", str(image))
        device = _run("losetup", "--find", "--show", str(image)).strip()
        try:
            _run("mount", "-o", f"noatime,{mount_option}", device, str(mounted))
            try:
                yield Place(mounted, Path(device).name)
            finally:
                _run("umount", str(mounted))
        finally:
            _run("losetup", "--detach", device)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
