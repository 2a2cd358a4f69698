"""The packaged profiles against the notes that they were made from."""

from itertools import combinations
from pathlib import Path

import pytest

from protocols.metering.composition import COMPONENTS
from protocols.modbus.plan import plan
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.point import MAX_SCAN_WORDS
from protocols.registers.profile import ProfileError
from protocols.registers.register_map import RegisterMap

GOLDEN = dict(
    line.split(": ")
    for line in (Path(__file__).parents[2] / "golden" / "register_maps.txt")
    .read_text()
    .splitlines()
    if not line.startswith("#")
)


def test_the_collection():
    """These device types are known."""
    assert set(profile_ids()) == set(GOLDEN)


@pytest.mark.parametrize("profile_id", profile_ids())
def test_every_profile_says_where_it_comes_from(profile_id):
    """Each profile has sources, a confidence and points that are polled by default."""
    profile = load_profile(profile_id)
    assert profile.id == profile_id
    assert profile.sources
    assert profile.confidence in ("high", "medium", "low")
    assert profile.points_of(profile.default_points)


@pytest.mark.parametrize("profile_id", profile_ids())
def test_default_maps_do_not_change_by_accident(profile_id):
    """The map of each profile's default scan is golden, hash by hash."""
    profile = load_profile(profile_id)
    assert RegisterMap.of(profile, profile.default_points).hash().hex() == GOLDEN[profile_id]


@pytest.mark.parametrize("profile_id", profile_ids())
def test_no_register_means_two_things(profile_id):
    """Two points of a profile share no bit; what shares a register are other bits of one value."""
    points = load_profile(profile_id).points
    for one, other in combinations(points, 2):
        if (one.bank, one.function) != (other.bank, other.function):
            continue
        if one.end <= other.address or other.end <= one.address:
            continue
        assert (one.address, one.type, one.order) == (other.address, other.type, other.order)
        assert one.bits
        assert other.bits
        assert not set(range(one.bits[0], one.bits[1] + 1)) & set(
            range(other.bits[0], other.bits[1] + 1)
        )


@pytest.mark.parametrize("profile_id", profile_ids())
def test_everything_can_be_planned(profile_id):
    """Requests within the device's limits read every point of a profile exactly once."""
    profile = load_profile(profile_id)
    blocks = plan(profile.points, profile)
    assert sorted(p.name for block in blocks for p in block.points) == sorted(
        point.name for point in profile.points
    )
    for block in blocks:
        assert block.count <= profile.max_registers
        assert block.data_bytes <= profile.limits.max_data_bytes


@pytest.mark.parametrize("profile_id", profile_ids())
def test_totals_are_read_whole(profile_id):
    """The parts of each composite lie in one request of the plan."""
    profile = load_profile(profile_id)
    blocks = plan([p for p in profile.points if p.words <= MAX_SCAN_WORDS], profile)
    for composite in profile.composites:
        homes = [
            block for block in blocks if {p.name for p in block.points} & set(composite.part_points)
        ]
        assert len(homes) == 1, composite.name


def test_totals_have_the_symbols_of_the_standard():
    """Instruments with volume totals name them by EN 12405-1, so a run finds them by itself."""
    named = {i for i in profile_ids() if {"vm", "vb"} & set(load_profile(i).default_points)}
    assert named == {
        "cameron-mc3-exp",
        "dewen-dw-bcd",
        "dewen-dw-f64",
        "flonidan-uniflo1200",
        "fuxin-fx",
        "ge-panametrics-gf868",
        "honghu-hzhh",
        "itron-corus",
        "rockwell-1758-flo",
        "sick-flowsic500",
        "vpinstruments-vpflowscope",
        "yinuo-js-flow",
    }


def test_gas_composition_by_canonical_names():
    """Chromatograph data are points named as the metering package names components."""
    for profile_id in ("flonidan-uniflo1200", "rockwell-1758-flo"):
        names = {point.name for point in load_profile(profile_id).points}
        assert set(COMPONENTS) <= names


def test_unknown_profile():
    """An unknown id is an error that names the known ones, also one that would leave the folder."""
    for profile_id in ("elster-ek280", "../profile", ""):
        with pytest.raises(ProfileError, match="known profiles: abb-266-modbus"):
            load_profile(profile_id)


def test_flowsic_totals_are_one_block():
    """Resolutions and totals lie side by side from 4100 to 4111, big-endian counts."""
    profile = load_profile("sick-flowsic500")
    names = ["resolution_vm", "resolution_vb", "vm", "vm_err", "vb", "vb_err", "vb_total"]
    points = [profile.point(name) for name in names]
    assert [point.address for point in points] == [4100, 4101, 4102, 4104, 4106, 4108, 4110]
    assert [point.type for point in points] == ["i16"] * 2 + ["u32"] * 5
    assert {(point.function, point.order) for point in points} == {(3, "ABCD")}
    assert profile.default_points[:7] == tuple(names)
    assert profile.max_gap == 0


def test_keller_floats_and_integers():
    """Pressure P1 is a float in bar at 2 and hundredths of a millibar at 18."""
    profile = load_profile("keller-33x")
    p1, i1 = profile.point("p1_f32"), profile.point("p1_i32")
    assert (p1.function, p1.address, p1.type, p1.unit) == (3, 2, "f32", "bar")
    assert (i1.address, i1.type, i1.scale, i1.unit) == (18, "i32", "0.01", "mbar")
    assert profile.confidence == "high"
    assert (profile.link.baud, profile.link.parity, profile.link.stop_bits) == (9600, "N", 1)


def test_rosemount_keeps_its_own_units_and_tells_its_order():
    """Pressure in psi at 402, temperature in °F at 404; float order by holding register 131."""
    profile = load_profile("rosemount-3095fb")
    pressure, temperature = profile.point("static_pressure"), profile.point("process_temperature")
    assert (pressure.function, pressure.address, pressure.unit) == (4, 402, "psi")
    assert (temperature.function, temperature.address, temperature.unit) == (4, 404, "°F")
    order = profile.point(profile.order_point)
    assert (order.name, order.function, order.address) == ("float_format", 3, 131)
    assert profile.orders == {0: "ABCD", 1: "CDAB", 2: "DCBA", 3: "BADC"}
