"""What the machine tells of itself: temperature, supply, memory, disk, load. Linux's own files.

Read, then parse: `Machine` touches the files (below a folder, so that a test brings its own),
everything else is pure. What the machine does not tell is None, never a guess.

A Raspberry Pi tells of its supply by `get_throttled`, a word of the firmware: bit 0 undervoltage
now, 1 frequency capped, 2 throttled, 3 soft temperature limit; the same from bit 16 on: since boot.
Newer kernels have an alarm of the sensor `rpi_volt` as well.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

MAX_BYTES: Final = 65_536
SECTOR: Final = 512  # of /sys/block/*/stat, whatever the disk has
_THROTTLED: Final = "sys/devices/platform/soc/soc:firmware/get_throttled"
_MAX_SUPPLIES: Final = 8
_BITS: Final = ("undervoltage", "frequency_capped", "throttled", "soft_temperature_limit")
_BEFORE: Final = 16


class Supply(NamedTuple):
    """What the firmware says of the supply: now, and since boot, by name."""

    now: tuple[str, ...]
    since_boot: tuple[str, ...]


class Backup(NamedTuple):
    """A battery or UPS, or the mains behind it (/sys/class/power_supply)."""

    name: str
    kind: str  # "Battery", "UPS", "Mains", ...
    online: int | None
    status: str  # "Discharging", ...
    percent: int | None
    millivolts: int | None


class Health(NamedTuple):
    """One look at the machine; None: it does not tell."""

    cpu_temperature_c: str | None
    disk_free_megabytes: int | None
    memory_available_megabytes: int | None
    agent_rss_kb: int | None
    undervoltage: int | None  # 1 now, 0 not
    undervoltage_since_boot: int | None
    load_1m: str | None
    uptime_s: int | None
    flash_written_megabytes: int | None  # since boot, by the disk that holds the journal

    def fields(self) -> tuple[tuple[str, int | str | None], ...]:
        """As a statement has them."""
        return tuple(self._asdict().items())


class Machine:
    """Reads one machine's files. `root`: where /proc and /sys are."""

    def __init__(self, state_dir: Path, root: Path = Path("/")) -> None:
        self._state_dir = state_dir
        self._root = root
        self._hwmon = root / "sys/class/hwmon"
        self._paths: dict[str, Path] = {}  # made once: their parts are interned (`heap.py`)

    def health(self) -> Health:
        """Now. Takes a millisecond; never raises."""
        supply = self.supply()
        alarm = self._rpi_volt()
        now = alarm if supply is None else int("undervoltage" in supply.now)
        before = None if supply is None else int("undervoltage" in supply.since_boot)
        return Health(
            milli(self._read("sys/class/thermal/thermal_zone0/temp")),
            self._disk_free(),
            megabytes(self._read("proc/meminfo"), "MemAvailable"),
            kilobytes(self._read("proc/self/status"), "VmRSS"),
            now,
            before,
            first_word(self._read("proc/loadavg")),
            whole_seconds(self._read("proc/uptime")),
            written_megabytes(self._read_disk_stat()),
        )

    def supply(self) -> Supply | None:
        """None where there is no firmware that tells."""
        return throttled(self._read(_THROTTLED))

    def backups(self) -> tuple[Backup, ...]:
        """Batteries and what charges them."""
        folder = self._root / "sys/class/power_supply"
        try:
            names = sorted(path.name for path in folder.iterdir())[:_MAX_SUPPLIES]
        except OSError:
            return ()
        return tuple(self._backup(name) for name in names)

    def _backup(self, name: str) -> Backup:
        def of(key: str) -> str | None:
            return self._read(f"sys/class/power_supply/{name}/{key}")

        microvolts = number(of("voltage_now"))
        return Backup(
            name,
            (of("type") or "").strip(),
            number(of("online")),
            (of("status") or "").strip(),
            number(of("capacity")),
            None if microvolts is None else microvolts // 1000,
        )

    def _rpi_volt(self) -> int | None:
        for place in sorted(self._hwmon.glob("hwmon*/name"))[:32]:
            if (self._at(place) or "").strip() == "rpi_volt":
                return number(self._at(place.parent / "in0_lcrit_alarm"))
        return None

    def _disk_free(self) -> int | None:
        try:
            found = os.statvfs(self._state_dir)
        except OSError:
            return None
        return found.f_bavail * found.f_frsize // 1_000_000

    def _read_disk_stat(self) -> str | None:
        """Of the whole disk that holds the state directory, not of its partition alone."""
        try:
            device = self._state_dir.stat().st_dev
        except OSError:
            return None
        place = f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
        is_part = self._path(f"{place}/partition").exists()
        return self._read(f"{place}/../stat" if is_part else f"{place}/stat")

    def _read(self, path: str) -> str | None:
        return self._at(self._path(path))

    def _path(self, path: str) -> Path:
        found = self._paths.get(path)
        if found is None:
            found = self._paths[path] = self._root / path
        return found

    def _at(self, path: Path) -> str | None:
        try:
            with path.open("rb") as file:
                return file.read(MAX_BYTES).decode("ascii", "replace")
        except OSError:
            return None


def throttled(text: str | None) -> Supply | None:
    """The firmware's word, in hexadecimal without 0x."""
    try:
        word = int((text or "").strip(), 16)
    except ValueError:
        return None
    now = tuple(name for bit, name in enumerate(_BITS) if word >> bit & 1)
    before = tuple(name for bit, name in enumerate(_BITS, _BEFORE) if word >> bit & 1)
    return Supply(now, before)


def milli(text: str | None) -> str | None:
    """Thousandths as a decimal with one digit: 48312 is "48.3"."""
    value = number(text)
    return None if value is None else f"{value / 1000:.1f}"


def number(text: str | None) -> int | None:
    """A whole number alone."""
    try:
        return int((text or "").strip())
    except ValueError:
        return None


def kilobytes(text: str | None, key: str) -> int | None:
    """Of /proc/meminfo and /proc/self/status: `Key:  123 kB`."""
    found = re.search(rf"^{key}:\s*(\d+) kB", text or "", re.MULTILINE)
    return int(found[1]) if found else None


def megabytes(text: str | None, key: str) -> int | None:
    value = kilobytes(text, key)
    return None if value is None else value * 1024 // 1_000_000


def first_word(text: str | None) -> str | None:
    """Of /proc/loadavg: the load of the last minute."""
    found = re.match(r"\d+\.\d+", text or "")
    return found[0] if found else None


def whole_seconds(text: str | None) -> int | None:
    """Of /proc/uptime."""
    word = first_word(text)
    return None if word is None else int(float(word))


def written_megabytes(text: str | None) -> int | None:
    """Of /sys/block/*/stat: the seventh word is the sectors written since boot."""
    words = (text or "").split()
    return int(words[6]) * SECTOR // 1_000_000 if len(words) > 6 and words[6].isdigit() else None
