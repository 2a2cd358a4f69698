"""Faults on the bus, each on a line of its own under one running agent: fault -> finding.

For each: the code that is expected, and no other about that bus, its devices and its run.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from edge_agent.config.file import load_config
from edge_agent.control.client import ask_agent
from edge_agent.control.protocol import Call
from protocols.modbus.frames import rtu_frame
from protocols.modbus.uart import Setup, heard
from protocols.registers.library import load_profile
from simulators.framing import Burst
from simulators.plausible import Given
from tests.edge_agent.doctor.site_rig import (
    BAUD,
    Scene,
    Site,
    Unit,
    closed_port,
    hangs_up,
    held_port,
    listener,
    no_port,
    plain_file,
    run_of,
    says_nothing,
    site,
)
from tests.edge_agent.gateway import wait_until

pytestmark = pytest.mark.timing

SECONDS = 7.0
METER = "sick-flowsic500"


def echoed(frame: bytes, bursts: Sequence[Burst]) -> Sequence[Burst]:
    return [Burst(0, frame), *bursts]


def sent_as(setup: Setup):
    """What our port hears of answers that are sent so."""
    ours = Setup(BAUD)
    return lambda _frame, bursts: [
        Burst(burst.after_ms, heard(burst.data, setup, ours)) for burst in bursts
    ]


def with_stranger(_frame: bytes, bursts: Sequence[Burst]) -> Sequence[Burst]:
    """Somebody else asks unit 9 just after our answer."""
    asked = rtu_frame(9, bytes((3, 0, 16, 0, 8)))
    return [*bursts, Burst(12, asked)]


def babble(_frame: bytes, _bursts: Sequence[Burst]) -> Sequence[Burst]:
    """A transmitter that is stuck: bytes for as long as anybody listens."""
    return [Burst(0, random.Random(7).randbytes(600))]


def silent_after(count: int, unit: int = 0):
    """So many answers of the line, then none: of one unit, or of all."""
    left = [count]

    def change(frame: bytes, bursts: Sequence[Burst]) -> Sequence[Burst]:
        left[0] -= 1
        return () if left[0] < 0 and unit in (0, frame[0]) else bursts

    return change


def pair(faults: str, **more) -> tuple[Unit, ...]:
    """Two devices of a kind, the same on both."""
    return (Unit(1, faults=faults, **more), Unit(2, faults=faults, **more))


LONG = Unit(2, METER, poll_s=0.1)
SHORT = Unit(1, "keller-33x", poll_s=0.1)


def metered(name: str, meter: Unit, sensor: Unit, expected: str, **run: str):
    """A scene with a meter run, over TCP."""
    scene = Scene(name, (meter, sensor), "tcp", run=run_of(name, meter.unit, sensor.unit, **run))
    return scene, {expected} if expected else set()


METERED = {
    "vm": Given(1_000_000, 117.0), "vb": Given(5_000_000, 590.0), "vm_err": Given(0),
    "vb_err": Given(0), "resolution_vm": Given(-3), "resolution_vb": Given(-3),
}  # fmt: skip
STILL = {key: METERED[key] for key in METERED if key not in ("vm", "vb")}
STILL |= {"flow_actual": Given(0.0)}
COARSE = METERED | {"resolution_vm": Given(-2)}
OTHER_UNIT = {"sp_unit": Given(7)}
GAUGED = {"p1_f32": Given(3.0), "tob1_f32": Given(15.0)}
BROKEN = GAUGED | {"p1_f32": Given(97.0)}
M, P = Unit(1, METER, given=METERED), Unit(2, "keller-33x", given=GAUGED)
SCENES: list[tuple[Scene, set[str]]] = [
    (Scene("healthy"), set()),
    (Scene("silence", pair("lost=1")), {"line_dead"}),
    (Scene("one-dead", (Unit(1), Unit(7, served=False))), {"unit_dead"}),
    (Scene("lost-later", change=silent_after(30)), {"line_lost"}),
    (Scene("one-lost", change=silent_after(30, unit=2)), {"unit_lost"}),
    (Scene("wrong-baud", change=sent_as(Setup(BAUD // 2))), {"line_wrong_rate"}),
    (Scene("wrong-parity", change=sent_as(Setup(BAUD, "E"))), {"line_wrong_parity"}),
    (Scene("swapped", change=sent_as(Setup(BAUD, swapped=True))), {"line_swapped"}),
    (Scene("echo", change=echoed), {"line_echo"}),
    (Scene("noise", pair("bit=0.004")), {"line_noise"}),
    (Scene("cut", pair("cut=0.6")), {"line_cut"}),
    (Scene("head", pair("head=0.6:2")), {"line_cut"}),
    (Scene("gap", pair("gap=0.7:220ms"), bus="quiet_s = 0.5"), {"line_gap"}),
    (Scene("twice", pair("twice=1")), {"line_twice"}),
    (Scene("behind", pair("behind=1")), {"line_behind"}),
    (Scene("behind-at-times", pair("behind=0.5")), {"line_behind"}),
    (Scene("server-behind", pair("behind=0.5"), "rtu-over-tcp"), {"line_behind"}),
    (Scene("babble", change=babble), {"line_babble"}),
    (Scene("lost", pair("lost=0.12")), {"unsteady"}),
    (Scene("inserted", pair("noise=0.7")), {"line_noise"}),
    (Scene("delay", pair("delay=200ms-250ms"), bus="quiet_s = 0.5"), {"late"}),
    (Scene("foreign", (Unit(1, faults="foreign=1"), Unit(2))), {"shared_unit"}),
    (Scene("late", pair("late=1:250ms"), bus="quiet_s = 0.5"), {"late"}),
    (Scene("two-masters", change=with_stranger), {"line_two_masters"}),
    (Scene("busy", (Unit(1, faults="busy=60s/60s"), Unit(2))), {"busy"}),
    (Scene("exceptions", (Unit(1, faults="exception=1:4"), Unit(2))), {"refuses"}),
    (Scene("hole", (Unit(1, faults="hole=8-9:2"), Unit(2))), {"holes"}),
    (Scene("vanished", away_after=30), {"port_vanished"}),
    (Scene("port-busy", port=held_port), {"port_busy"}),
    (Scene("port-missing", port=no_port), {"port_missing"}),
    (Scene("no-port", port=plain_file), {"port_no_port"}),
    (Scene("tcp-refused", kind="tcp", host=closed_port), {"tcp_refused"}),
    (Scene("tcp-silent", kind="tcp", host=listener(says_nothing)), {"tcp_silent"}),
    (Scene("one-client", kind="tcp", host=listener(hangs_up)), {"tcp_one_client"}),
    (
        Scene("settings", (Unit(1, "rosemount-3095fb", given=OTHER_UNIT), Unit(2)), "tcp"),
        {"device_settings"},
    ),
    (Scene("profile", (Unit(1, served_as=METER), Unit(2)), "tcp"), {"refuses"}),
    metered("good-run", M, P, ""),
    metered(
        "resolution", Unit(1, METER, given=COARSE), P, "resolution_mismatch"
    ),
    metered("word-order", M, Unit(2, "keller-33x", "order=CDAB@3s", given=GAUGED), "word_order"),
    metered("sensor", M, Unit(2, "keller-33x", given=BROKEN), "pressure_bad"),
    metered("frozen", Unit(1, METER, "frozen=60s/60s", given=METERED), P, "index_frozen"),
    metered(
        "jump", Unit(1, METER, "jump=4s:900000", given=STILL), P, "index_jump", qmax_m3_h="1000.0"
    ),
]  # fmt: skip


HALF = 24  # a gateway has at most 32 buses


@pytest.fixture(scope="module")
def sites(tmp_path_factory) -> Iterator[tuple[Site, Site]]:
    """Two gateways side by side."""
    scenes = [scene for scene, _ in SCENES]
    with (
        site(tmp_path_factory.mktemp("one"), scenes[:HALF]) as one,
        site(tmp_path_factory.mktemp("two"), scenes[HALF:], SECONDS) as two,
    ):
        one.examine()
        two.examine()
        yield one, two


@pytest.mark.parametrize(("scene", "expected"), SCENES, ids=lambda one: getattr(one, "name", ""))
def test_a_fault_of_the_bus_is_named(sites, scene: Scene, expected: set[str]) -> None:
    """By its cause, and nothing else is said of that line."""
    names = [scene.name, f"R-{scene.name}", *(scene.device(unit.unit) for unit in scene.units)]
    told = [one for each in sites for one in each.findings if one.where in names]
    assert {one.code for one in told} == expected, told


def test_nothing_is_said_of_what_is_well(sites) -> None:
    """Site, configuration, link, disk and clock of these sites have no fault."""
    names = {name for scene, _ in SCENES for name in (scene.name, f"R-{scene.name}")}
    names |= {scene.device(unit.unit) for scene, _ in SCENES for unit in scene.units}
    told = [one for each in sites for one in each.findings if one.where not in names]
    assert told == []


def test_a_lent_bus_is_nobodys_fault(tmp_path) -> None:
    """Its devices are not polled, and that is said once, of the bus."""
    with site(tmp_path, [Scene("line")], 2.0) as found:
        control = load_config(found.path).control
        fields = {"bus": "line", "seconds": 60, "who": "Li Wei", "reason": "a look"}
        answer = ask_agent(control.act_socket, Call("take", fields))
        assert answer["ok"], answer

        def is_lent() -> bool:
            found.examine()
            return found.looked.snapshot.buses[0].state == "lent"

        assert wait_until(is_lent, 20)
        assert [one.code for one in found.findings] == ["bus_lent"]
        assert "Li Wei" in found.findings[0].facts["who"]


@pytest.mark.long
def test_missing_termination_is_told_from_noise(tmp_path) -> None:
    """The same chance for each bit: long answers are lost far more often than short ones."""
    profile = load_profile("eastron-sdm630")
    names = ", ".join(f'"{point.name}"' for point in profile.points[:18])
    units = tuple(
        Unit(number, profile.id, "bit=0.0005", more=f"points = [{points}]", poll_s=0.1)
        for number, points in ((1, f'"{profile.points[0].name}"'), (2, names))
    )
    with site(tmp_path, [Scene("long-line", units)], 25.0) as found:
        found.examine()
    assert [one.code for one in found.findings] == ["line_termination"]
