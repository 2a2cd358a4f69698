"""The packaged profiles against the notes that they were made from."""

import pytest

from protocols.registers.library import load_profile, profile_ids
from protocols.registers.profile import ProfileError


def test_the_three():
    """These device types are known."""
    assert profile_ids() == ("keller-33x", "rosemount-3095fb", "sick-flowsic500")


@pytest.mark.parametrize("profile_id", profile_ids())
def test_every_profile_says_where_it_comes_from(profile_id):
    """Each profile has sources, a confidence and points that are polled by default."""
    profile = load_profile(profile_id)
    assert profile.id == profile_id
    assert profile.sources
    assert profile.confidence in ("high", "medium", "low")
    assert all(profile.point(name) for name in profile.default_points)


def test_unknown_profile():
    """An unknown id is an error that names the known ones, also one that would leave the folder."""
    for profile_id in ("elster-ek280", "../profile", ""):
        with pytest.raises(ProfileError, match="known profiles: keller-33x"):
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
