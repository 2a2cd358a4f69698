"""Two requests in a row never have answers of one shape."""

from dataclasses import replace
from itertools import pairwise

import pytest

from protocols.modbus.apart import as_asked
from protocols.modbus.plan import plan, wider
from protocols.modbus.probe import same_shape
from protocols.registers.library import load_profile, profile_ids


def places(blocks):
    return [(block.address, block.count) for block in blocks]


@pytest.mark.parametrize(
    ("profile_id", "names", "parted", "asked"),
    [
        # even counts, no hole read over: the float before tob1 comes along
        pytest.param("keller-33x", (), True, [(2, 2), (6, 4)], id="wider"),
        pytest.param("keller-33x", ("p1_f32",), True, [(0, 4)], id="alone-and-wider"),
        pytest.param("sick-flowsic500", (), True, [(4100, 12), (7002, 2)], id="apart-already"),
        pytest.param("dewen-dw-f64", (), True, [(3, 14)], id="alone-and-no-wider"),
        # no neighbours in the map: the status register of the plan is read between
        pytest.param(
            "endress-hauser-proline", (), True,
            [(2006, 2), (6858, 1), (2016, 2), (6858, 1), (2609, 2), (6858, 1)], id="between",
        ),
        pytest.param(
            "endress-hauser-proline", (), False,
            [(2006, 2), (2016, 2), (2609, 2), (6858, 1)], id="answers-have-names",
        ),
    ],
)  # fmt: skip
def test_by_hand(profile_id, names, parted, asked):
    """What a poll asks at most, once it goes on."""
    profile = load_profile(profile_id)
    blocks = plan(profile.points_of(names or profile.default_points), profile)
    assert places(as_asked(blocks, profile, parted=parted)) == asked


@pytest.mark.parametrize("profile_id", profile_ids())
def test_every_profile(profile_id):
    """All points of it, too: neighbours differ, and every block is asked in its order."""
    profile = load_profile(profile_id)
    for names in (profile.default_points, [point.name for point in profile.points]):
        blocks = plan(profile.points_of(names), profile)
        asked = as_asked(blocks, profile, parted=True)
        assert not any(same_shape(one, other) for one, other in pairwise(asked))
        rest = iter(asked)
        for block in blocks:
            assert any(one.points == block.points for one in rest)


@pytest.mark.parametrize("profile_id", profile_ids())
def test_wider(profile_id):
    """The same points with a known one beside, within the device's limits and not over a hole."""
    profile = load_profile(profile_id)
    for block in plan(profile.points_of([point.name for point in profile.points]), profile):
        more = wider(block, profile)
        if more is None:
            continue
        assert more.points == block.points
        assert more.data_bytes > block.data_bytes
        assert more.address <= block.address
        assert more.address + more.count >= block.address + block.count
        assert more.count <= profile.max_registers
        assert more.address + more.count <= profile.limits.last_register + 1
        beside = [
            point
            for point in profile.points
            if point.address < more.address + more.count and point.end > more.address
            and (point.bank, point.function) == (more.bank, more.function)
            and point not in block.points
        ]  # fmt: skip
        assert beside
        again = wider(block, profile, beside)
        assert again is None or places([again]) != places([more])


def test_nothing_to_widen():
    """A block without points, as the register that tells where a device begins to count."""
    profile = load_profile("keller-33x")
    block = plan(profile.points_of(["p1_f32"]), profile)[0]
    assert wider(replace(block, points=()), profile) is None
