"""What a machine tells, from files as a Raspberry Pi, a server and a bare container have them."""

import sys
from pathlib import Path

import pytest

from edge_agent.observe.machine import (
    Machine,
    Supply,
    kilobytes,
    throttled,
    whole_seconds,
    written_megabytes,
)

PI = {
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
    "sys/class/thermal/thermal_zone0/temp": "48312\n",
    "proc/meminfo": "MemTotal: 948000 kB\nMemFree: 1 kB\nMemAvailable:    512000 kB\n",
    "proc/self/status": "Name:\tedge-agent\nVmPeak:\t 9 kB\nVmRSS:\t   51234 kB\n",
    "proc/loadavg": "0.42 0.30 0.20 1/100 4242\n",
    "proc/uptime": "86400.97 12.0\n",
    "sys/class/power_supply/ups0/type": "UPS\n",
    "sys/class/power_supply/ups0/status": "Discharging\n",
    "sys/class/power_supply/ups0/capacity": "87\n",
    "sys/class/power_supply/ups0/voltage_now": "12050000\n",
}

ALL = ("undervoltage", "frequency_capped", "throttled", "soft_temperature_limit")


def machine(tmp_path: Path, files: dict[str, str]) -> Machine:
    for name, text in files.items():
        place = tmp_path / "root" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return Machine(tmp_path, tmp_path / "root")


def test_a_second_look_makes_no_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name that pathlib interns anew takes a place in a table that doubles (`heap.py`)."""
    found = machine(tmp_path, PI)
    found.health()
    interned: list[str] = []
    intern = sys.intern

    def note(text: str) -> str:
        interned.append(text)
        return intern(text)

    monkeypatch.setattr(sys, "intern", note)
    found.health()
    assert set(interned) <= {"hwmon*", "name"}, interned


def test_a_pi_tells_all_of_it(tmp_path: Path) -> None:
    """Temperature, supply now and since boot, memory, load, uptime."""
    health = machine(tmp_path, PI).health()
    assert health.cpu_temperature_c == "48.3"
    assert (health.undervoltage, health.undervoltage_since_boot) == (1, 1)
    assert health.memory_available_megabytes == 524
    assert health.agent_rss_kb == 51234
    assert health.load_1m == "0.42"
    assert health.uptime_s == 86400
    assert health.disk_free_megabytes is not None


def test_what_is_not_told_is_none(tmp_path: Path) -> None:
    """A container without /sys is no failure, and nothing is guessed."""
    health = machine(tmp_path, {}).health()
    told = {name: value for name, value in health.fields() if value is not None}
    assert set(told) == {"disk_free_megabytes"}
    assert machine(tmp_path, {}).backups() == ()


def test_the_sensor_of_a_newer_kernel_tells_undervoltage(tmp_path: Path) -> None:
    """Where the firmware's own file is not there."""
    alarm = {"sys/class/hwmon/hwmon1/name": "rpi_volt\n", "sys/class/hwmon/hwmon0/name": "x\n"}
    for value in (0, 1):
        files = {**alarm, "sys/class/hwmon/hwmon1/in0_lcrit_alarm": f"{value}\n"}
        health = machine(tmp_path, files).health()
        assert (health.undervoltage, health.undervoltage_since_boot) == (value, None)


def test_a_ups_is_told(tmp_path: Path) -> None:
    """With what it is doing, its charge and its voltage."""
    (backup,) = machine(tmp_path, PI).backups()
    assert backup == ("ups0", "UPS", None, "Discharging", 87, 12050)


@pytest.mark.parametrize(
    ("text", "supply"),
    [
        ("0\n", Supply((), ())),
        ("50000", Supply((), ("undervoltage", "throttled"))),
        ("1", Supply(("undervoltage",), ())),
        ("f000f", Supply(ALL, ALL)),
        (None, None), ("", None), ("throttled=0x0", None),
    ],
)  # fmt: skip
def test_the_firmwares_word(text: str | None, supply: Supply | None) -> None:
    """Bits 0 to 3 now, 16 to 19 since boot."""
    assert throttled(text) == supply


def test_damaged_files_are_none() -> None:
    """Whatever a driver writes."""
    assert written_megabytes("1 2 3") is None
    assert written_megabytes("1 2 3 4 5 6 x 8") is None
    assert written_megabytes("9 0 8 0 7 0 4000000 0 0 0 0") == 2048
    assert kilobytes("VmRSS: lots", "VmRSS") is None
    assert whole_seconds("soon") is None


def test_the_real_machine_tells_its_memory(tmp_path: Path) -> None:
    """Linux always does."""
    health = Machine(tmp_path).health()
    assert health.agent_rss_kb is not None
    assert health.agent_rss_kb > 5000
    assert health.memory_available_megabytes is not None
