"""The poll plan: every point once, whole, within limits, by the fewest requests."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.modbus.plan import Block, halves, plan
from protocols.registers.composite import Composite, Part
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.profile import Limits, Point, Profile

BASE = replace(load_profile("keller-33x"), limits=Limits())


def shapes(blocks):
    return [(block.function, block.address, block.count) for block in blocks]


def of(profile_id, names):
    profile = load_profile(profile_id)
    return plan(profile.points_of(names), profile)


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


# ---- limits beyond the standard's -----------------------------------------------------------


def words(*addresses, type_="u16", **more):
    return [Point(f"p{at}", 3, at, type_, **more) for at in addresses]


def made(points, refused=(), max_gap=0, max_registers=125, atomic=(), composites=(), **limits):
    profile = replace(
        BASE,
        points=tuple(points),
        max_gap=max_gap,
        max_registers=max_registers,
        atomic=atomic,
        composites=composites,
        limits=Limits(**limits),
    )
    return plan(points, profile, refused)


def test_twenty_data_bytes():
    """A device that gives 20 data bytes an answer is asked for ten registers at most."""
    blocks = made(words(*range(25)), max_data_bytes=20)
    assert shapes(blocks) == [(3, 0, 10), (3, 10, 10), (3, 20, 5)]


def test_a_register_of_four_bytes():
    """Enron registers count once and weigh four bytes; they never share a request with others."""
    floats = words(7001, 7002, 7003, type_="f32", register_bytes=4)
    blocks = made([*floats, *words(7004)], max_data_bytes=8)
    assert [(block.address, block.count, block.data_bytes) for block in blocks] == [
        (7004, 1, 2),
        (7001, 2, 8),
        (7003, 1, 4),
    ]
    first = blocks[1]
    assert first.words_of(floats[1], (1, 2, 3, 4)) == (3, 4)


def test_coils():
    """Coils are planned by their own limits, 2000 of them in 250 bytes."""
    coils = [Point(f"c{at}", 1, at, "bit") for at in (0, 15, 16, 17, 40)]
    assert shapes(made(coils, max_gap=14)) == [(1, 0, 18), (1, 40, 1)]
    assert made(coils, max_gap=14)[0].data_bytes == 3


def test_even_counts():
    """Where only even counts are answered, one register more is read, never a refused one."""
    assert shapes(made(words(0, 1, 2), even_counts=True)) == [(3, 0, 4)]
    full = made(words(0, 1, 2, 3, 4), even_counts=True, max_registers=4)
    assert sorted(block.count for block in full) == [2, 4]
    assert shapes(made(words(65535), even_counts=True)) == [(3, 65534, 2)]


def test_one_value_a_request():
    """A device that answers only one register at a time gets a request for each (telegraf #12071).

    Bit fields of one register are one value of the line.
    """
    fields = words(3, bits=(0, 3)), words(3, bits=(4, 7))
    points = [*words(0, 1), *fields[0], replace(fields[1][0], name="high")]
    assert shapes(made(points, single_values=True)) == [(3, 0, 1), (3, 1, 1), (3, 3, 1)]


def test_whole_values():
    """A hole is read over only where known values fill it exactly."""
    inside = Point("x", 3, 2, "u32")
    wide = replace(BASE, max_gap=8, limits=Limits(whole_values=True))
    for points, expected in (
        ((*words(0, 1, 4), inside), [(3, 0, 5)]),
        (words(0, 1, 4), [(3, 0, 2), (3, 4, 1)]),
    ):
        profile = replace(wide, points=tuple(points))
        wanted = [point for point in points if point.name != "x"]
        assert shapes(plan(wanted, profile)) == expected


def test_the_last_register():
    """No request reaches beyond the register after which the device has none."""
    assert shapes(made(words(18, 19), even_counts=True, last_register=19)) == [(3, 18, 2)]
    assert shapes(made(words(19), even_counts=True, last_register=19)) == [(3, 18, 2)]


def test_banks():
    """What lies behind another unit id is asked there."""
    points = [*words(0, 1), *words(2, bank=1)]
    assert [(block.bank, block.address, block.count) for block in made(points)] == [
        (0, 0, 2),
        (1, 2, 1),
    ]


def test_what_must_not_tear_is_one_request():
    """Parts of a total stay together, although another cut would be as short."""
    points = words(*range(6))
    assert shapes(made(points, max_registers=4)) in ([(3, 0, 4), (3, 4, 2)], [(3, 0, 2), (3, 2, 4)])
    torn = made(points, max_registers=4, atomic=(("p3", "p4"),))
    assert any({"p3", "p4"} <= {point.name for point in block.points} for block in torn)
    parts = (Part("p3", "1"), Part("p4", "1"))
    total = made(points, max_registers=4, composites=(Composite("t", parts),))
    assert shapes(total) == shapes(torn)


def test_halves():
    """A block is halved between its values, never within what must not tear."""
    points = words(0, 1, 2)
    profile = replace(BASE, points=tuple(points), atomic=(("p1", "p2"),))
    (block,) = plan(points, profile)
    first, second = halves(block, profile)
    assert shapes((first, second)) == [(3, 0, 1), (3, 1, 2)]
    assert halves(second, profile) is None


# ---- properties --------------------------------------------------------------------------------


@st.composite
def cases(draw):
    """Points side by side and apart, of both functions, with any limits."""
    points, address = [], {3: 0, 4: 0}
    for number in range(draw(st.integers(1, 7))):
        function = draw(st.sampled_from([3, 3, 4]))
        type_ = draw(st.sampled_from(["u16", "f32", "u64"]))
        start = address[function] + draw(st.integers(0, 3))
        points.append(Point(f"p{number}", function, start, type_))
        address[function] = points[-1].end
    wanted = draw(st.lists(st.sampled_from(points), min_size=1, unique=True))
    names = [point.name for point in wanted if point.function == 3]
    limits = Limits(
        max_data_bytes=draw(st.integers(8, 30)),
        even_counts=draw(st.booleans()),
        single_values=draw(st.sampled_from([False, False, True])),
        whole_values=draw(st.booleans()),
    )
    profile = replace(
        BASE,
        points=tuple(points),
        max_gap=draw(st.integers(0, 4)),
        max_registers=draw(st.integers(4, 12)),
        atomic=(tuple(names[:2]),) if len(names) > 1 and draw(st.booleans()) else (),
        limits=limits,
    )
    refused = draw(st.sets(st.sampled_from(points), max_size=2)) - set(wanted)
    return wanted, profile, refused


def is_one_unit(block: Block, profile: Profile) -> bool:
    names = {point.name for point in block.points}
    return len(names) == 1 or names in [set(group) for group in profile.atomic]


def is_kept(block: Block, profile: Profile, refused) -> bool:
    """The rules for one request, said anew: what is read over, how much, how many."""
    limits, end = profile.limits, block.address + block.count
    asked = {at for point in block.points for at in range(point.address, point.end)}
    known = {
        at
        for point in profile.points
        if point.function == block.function and block.address <= point.address and point.end <= end
        for at in range(point.address, point.end)
    }
    bad = {at for p in refused if p.function == block.function for at in range(p.address, p.end)}
    # up to the last one asked for: one more, where counts must be even, is no hole
    holes = "".join(" " if at in asked else "." for at in range(block.address, max(asked) + 1))
    gaps = [len(gap) for gap in holes.split(" ")]
    return (
        block.count <= profile.max_registers
        and 2 * block.count <= limits.max_data_bytes
        and (not limits.even_counts or block.count % 2 == 0)
        and (not limits.single_values or len(block.points) == 1)
        and (not limits.whole_values or set(range(block.address, end)) <= known)
        and not bad & set(range(block.address, end))
        and max(gaps, default=0) <= profile.max_gap
    )


def partitions(items):
    """All ways to share things out into sets."""
    if not items:
        yield []
        return
    first, *rest = items
    for made_ in partitions(rest):
        yield [[first], *made_]
        for at in range(len(made_)):
            yield [*made_[:at], [first, *made_[at]], *made_[at + 1 :]]


@given(cases())
def test_plan_properties(case):
    """Every point is read whole by exactly one block; no block of several breaks a limit."""
    wanted, profile, refused = case
    blocks = plan(wanted, profile, refused)
    covered = [point for block in blocks for point in block.points]
    assert len(covered) == len(set(covered))
    assert set(covered) == set(wanted)
    for block in blocks:
        assert all(point.function == block.function for point in block.points)
        assert all(block.address <= point.address for point in block.points)
        assert all(point.end <= block.address + block.count for point in block.points)
        assert is_one_unit(block, profile) or is_kept(block, profile, refused)
    for group in profile.atomic:
        holding = [b for b in blocks if {p.name for p in b.points} & set(group)]
        assert len(holding) <= 1


@settings(max_examples=150)
@given(cases())
def test_no_other_plan_is_shorter(case):
    """Of all ways to share the points out, none that keeps the limits has fewer requests."""
    wanted, profile, refused = case
    atomic = [set(group) for group in profile.atomic]

    def request(points) -> Block:
        start, end = min(p.address for p in points), max(p.end for p in points)
        count = end - start
        count += count % 2 if profile.limits.even_counts else 0
        return Block(points[0].function, start, count, tuple(points))

    def is_plan(sets) -> bool:
        for points in sets:
            names = {point.name for point in points}
            if len({point.function for point in points}) > 1:
                return False
            if any(group & names and not group <= names for group in atomic):
                return False
            block = request(sorted(points, key=lambda point: point.address))
            if not (is_one_unit(block, profile) or is_kept(block, profile, refused)):
                return False
        return True

    best = min(len(sets) for sets in partitions(wanted) if is_plan(sets))
    assert len(plan(wanted, profile, refused)) == best


@pytest.mark.parametrize("profile_id", profile_ids())
def test_every_profile_can_be_planned(profile_id):
    """All points of each packaged profile fit into requests."""
    profile = load_profile(profile_id)
    assert sum(len(block.points) for block in plan(profile.points, profile)) == len(profile.points)
