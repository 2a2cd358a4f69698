"""The poll plan: every point once, whole, within limits, by the fewest requests."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.plan import plan
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.profile import Point

BASE = load_profile("keller-33x")


def shapes(blocks):
    return [(block.function, block.address, block.count) for block in blocks]


def of(profile_id, names):
    profile = load_profile(profile_id)
    return plan([profile.point(name) for name in names], profile)


def test_flowsic_default():
    """Resolutions and totals come by one request of twelve registers, the flow by another."""
    profile = load_profile("sick-flowsic500")
    assert shapes(of(profile.id, profile.default_points)) == [(3, 4100, 12), (3, 7002, 2)]


def test_order_of_asking_does_not_matter():
    """The plan is by address; a point asked for twice is read once."""
    assert shapes(of("sick-flowsic500", ["vb", "resolution_vm", "vm", "resolution_vb", "vm"])) == [
        (3, 4100, 4),
        (3, 4106, 2),
    ]


def test_functions_are_not_mixed():
    """Holding and input registers are read apart, whatever their addresses."""
    assert shapes(
        of("rosemount-3095fb", ["static_pressure", "process_temperature", "sp_unit"])
    ) == [
        (3, 60, 1),
        (4, 402, 4),
    ]


@pytest.mark.parametrize(
    ("gap", "limit", "expected"),
    [
        (0, 125, [(3, 2, 2), (3, 8, 2)]),
        (3, 125, [(3, 2, 2), (3, 8, 2)]),
        (4, 125, [(3, 2, 8)]),
        (4, 8, [(3, 2, 8)]),
        (4, 7, [(3, 2, 2), (3, 8, 2)]),
    ],
)
def test_holes_and_limits(gap, limit, expected):
    """A hole is read over only as far as the profile allows, and the request stays in its limit."""
    profile = replace(BASE, max_gap=gap, max_registers=limit)
    points = [BASE.point("p1_f32"), BASE.point("tob1_f32")]
    assert shapes(plan(points, profile)) == expected


def test_a_refused_register_is_never_read_over():
    """A hole that holds a refused register splits the block although the gap would allow it."""
    profile = replace(BASE, max_gap=8)
    points = [BASE.point("p1_f32"), BASE.point("tob1_f32")]
    assert shapes(plan(points, profile, refused=[BASE.point("t_f32")])) == [(3, 2, 2), (3, 8, 2)]
    assert shapes(plan(points, profile, refused=[BASE.point("tob2_f32")])) == [(3, 2, 8)]


def test_nothing_to_read():
    """No points, no requests."""
    assert plan([], BASE) == ()


@st.composite
def cases(draw):
    """Points side by side and apart, of both functions, with any limits."""
    points, address = [], {3: 0, 4: 0}
    for number in range(draw(st.integers(1, 12))):
        function = draw(st.sampled_from([3, 4]))
        type_ = draw(st.sampled_from(["u16", "f32", "u64"]))
        start = address[function] + draw(st.integers(0, 4))
        points.append(Point(f"p{number}", function, start, type_))
        address[function] = points[-1].end
    wanted = draw(st.lists(st.sampled_from(points), min_size=1))
    profile = replace(
        BASE,
        points=tuple(points),
        max_gap=draw(st.integers(0, 4)),
        max_registers=draw(st.integers(4, 20)),
    )
    refused = draw(st.sets(st.sampled_from(points), max_size=2)) - set(wanted)
    return wanted, profile, refused


@given(cases())
def test_plan_properties(case):
    """Every point is read whole by exactly one block, within limits; no block holds a refusal."""
    wanted, profile, refused = case
    blocks = plan(wanted, profile, refused)
    covered = [point for block in blocks for point in block.points]
    assert len(covered) == len(set(covered))
    assert set(covered) == set(wanted)
    for block in blocks:
        assert block.count <= profile.max_registers
        end = block.address
        for point in block.points:
            assert point.function == block.function
            assert 0 <= point.address - end <= (profile.max_gap if point.address > end else 0)
            end = point.end
        assert block.points[0].address == block.address
        assert end == block.address + block.count
        for bad in refused:
            assert bad.function != block.function or not (
                bad.address < block.address + block.count and block.address < bad.end
            )


@given(cases())
def test_plan_is_the_shortest(case):
    """No way to cut the points into runs needs fewer requests."""
    wanted, profile, refused = case
    points = sorted(set(wanted), key=lambda point: (point.function, point.address))
    best = [0] + [len(points)] * len(points)
    for end in range(1, len(points) + 1):
        for start in range(end):
            if len(plan(points[start:end], profile, refused)) == 1:
                best[end] = min(best[end], best[start] + 1)
    assert len(plan(wanted, profile, refused)) == best[-1]


@pytest.mark.parametrize("profile_id", profile_ids())
def test_every_profile_can_be_planned(profile_id):
    """All points of each packaged profile fit into requests."""
    profile = load_profile(profile_id)
    assert sum(len(block.points) for block in plan(profile.points, profile)) == len(profile.points)
