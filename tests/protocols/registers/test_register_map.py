"""The register map: its body, its hash, and what it refuses."""

from dataclasses import replace

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.registers.library import load_profile, profile_ids
from protocols.registers.point import MAX_SCAN_WORDS, Point
from protocols.registers.profile import ORDERS, ProfileError
from protocols.registers.register_map import RegisterMap

MAP = RegisterMap.of(load_profile("rosemount-3095fb"), ["static_pressure", "sp_unit"], "CDAB")


PLAIN = (0, 2, (), (), (), "", "", "", ())


def test_body_and_hash_are_a_contract():
    """Body and hash of a known map are fixed: leaves of years ago must still name it."""
    assert MAP.to_body() == (
        1,
        "rosemount-3095fb",
        (
            ("static_pressure", 4, 402, "f32", "CDAB", "psi", "1", "gauge", (), *PLAIN),
            ("sp_unit", 3, 60, "u16", "ABCD", "", "1", "setting", (), *PLAIN),
        ),
        (),
    )
    assert MAP.hash().hex() == "a92defdf102de59f02dac977a3b9adbccc1b5f0d1f13a3760b3769b13cbf06ee"


def test_order_is_for_floats_only():
    """The order that a device reports swaps its floats, never its integers."""
    assert [point.order for point in MAP.points] == ["CDAB", "ABCD"]


def test_order_changes_the_hash():
    """Scans read in another order cite another map."""
    profile = load_profile("rosemount-3095fb")
    hashes = {RegisterMap.of(profile, ["static_pressure"], order).hash() for order in ORDERS}
    assert len(hashes) == 4


@pytest.mark.parametrize("profile_id", profile_ids())
def test_every_profile_travels(profile_id):
    """A map of all points of each profile survives CBOR and comes back equal."""
    profile = load_profile(profile_id)
    short = [point.name for point in profile.points if point.words <= MAX_SCAN_WORDS]
    whole = RegisterMap.of(profile, [*short[:200], *(one.name for one in profile.composites)])
    body = _tuples(cbor2.loads(cbor2.dumps(whole.to_body(), canonical=True)))
    assert RegisterMap.from_body(body) == whole


def test_unknown_point():
    """A point that the profile lacks is an error that names those it has."""
    with pytest.raises(ProfileError, match=r"no point 'vx'; it has: .*vm_err"):
        RegisterMap.of(load_profile("sick-flowsic500"), ["vx"])


def test_what_no_scan_can_carry():
    """A long text, an address moved out of the memory, and too many points are refused."""
    bronkhorst, uniflo = load_profile("bronkhorst-el"), load_profile("flonidan-uniflo1200")
    with pytest.raises(ProfileError, match="serial_number: longer than 64 bits"):
        RegisterMap.of(bronkhorst, ["serial_number"])
    with pytest.raises(ProfileError, match="moved by -1 leave"):
        RegisterMap.of(uniflo, ["slave_address"], shift=-1)
    point = Point("p", 3, 0, "u16", values=tuple((n, "x" * 60) for n in range(64)))
    many = tuple(replace(point, name=f"p{n}", address=n) for n in range(20))
    profile = replace(bronkhorst, points=many)
    with pytest.raises(ProfileError, match="20 points are too many for one scan"):
        RegisterMap.of(profile, [p.name for p in many])


def test_maps_need_what_they_refer_to():
    """A body whose points or composites refer to what is not there is refused."""
    scaled = (*GOOD[:14], "scale", "q", "", ())
    with pytest.raises(ValueError, match="p: needs 'q', which is no point"):
        RegisterMap.from_body((1, "a", (scaled,), ()))
    total = ("t", (("q", "1", "", "", ""),), "1", "m3", "counter", "")
    with pytest.raises(ValueError, match="t: needs 'q', which is no point"):
        RegisterMap.from_body((1, "a", (GOOD,), (total,)))
    with pytest.raises(ValueError, match="a name appears twice"):
        RegisterMap.from_body((1, "a", (GOOD,), (("p", *total[1:]),)))
    with pytest.raises(ValueError, match="the profile's id is malformed"):
        RegisterMap.from_body((1, "A", (GOOD,), ()))
    wide = ("p", 3, 0, "text20", "ABCD", "", "1", "gauge", (), *PLAIN)
    with pytest.raises(ValueError, match="longer than 64 bits"):
        RegisterMap.from_body((1, "a", (wide,), ()))


GOOD = ("p", 3, 0, "i32", "ABCD", "bar", "0.01", "gauge", (-(2**31),), *PLAIN)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        (),
        (1, "a"),
        (1, "a", (GOOD,)),
        [1, "a", (GOOD,), ()],
        (0, "a", (GOOD,), ()),
        (2, "a", (GOOD,), ()),
        (True, "a", (GOOD,), ()),
        (0, "A b", (GOOD,)),
        (1, "a", (), ()),
        (1, "a", [GOOD], ()),
        (1, "a", (GOOD,) * 257, ()),
        (1, "a", (GOOD, GOOD), ()),
        (1, "a", (list(GOOD),), ()),
        (1, "a", (GOOD[:-1],), ()),
        (1, "a", ((*GOOD, 1),), ()),
        *(
            (1, "a", ((*GOOD[:at], value, *GOOD[at + 1 :]),), ())
            for at, value in [
                (0, "P"),
                (0, ""),
                (0, 1),
                (1, 5),
                (1, True),
                (2, 65535),
                (2, -1),
                (2, 2.0),
                (3, "i33"),
                (4, "ACBD"),
                (5, "b\nr"),
                (5, "x" * 17),
                (6, "0"),
                (6, "1e3"),
                (6, "01"),
                (6, ".5"),
                (6, "nan"),
                (7, "other"),
                (8, [1]),
                (8, (1.0,)),
                (8, (True,)),
                (8, (2**31,)),
                (8, (1,) * 9),
            ]
        ),
    ],
)
def test_malformed_bodies_are_refused(body):
    """Whatever `to_body` could not have made is a ValueError, and nothing else."""
    with pytest.raises(ValueError, match="register map"):
        RegisterMap.from_body(body)
    assert RegisterMap.from_body((1, "a", (GOOD,), ())).points[0].scale == "0.01"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=12,
)


@given(values, st.integers(0, 17))
def test_hostile_bodies_never_crash(value, field):
    """A body with anything in any place is either a map equal to itself or a ValueError."""
    changed = (*GOOD[:field], value, *GOOD[field + 1 :])
    total = ("t", (("p", "1", "", "", ""),), "1", "m3", "counter", "")
    other = (*total[: field % 6], value, *total[field % 6 + 1 :])
    for body in (
        value,
        (1, "a", value, ()),
        (1, "a", (GOOD,), value),
        (1, "a", (changed,), ()),
        (1, "a", (GOOD,), (other,)),
    ):
        try:
            parsed = RegisterMap.from_body(body)
        except ValueError:
            continue
        assert parsed.to_body() == body


@given(st.data())
def test_any_change_changes_the_hash(data):
    """Two maps that differ in any field have different hashes."""
    profile = load_profile("keller-33x")
    point = data.draw(st.sampled_from(profile.points))
    change = data.draw(
        st.sampled_from([{"address": 5}, {"unit": "psi"}, {"scale": "7"}, {"sentinels": (9,)}])
    )
    one = RegisterMap(profile.id, (point,))
    other = RegisterMap(profile.id, (replace(point, **change),))
    assert one.hash() != other.hash()


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
